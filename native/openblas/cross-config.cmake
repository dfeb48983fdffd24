# Run as a script after OpenBLAS was configured by a cross-compiler: cmake -DFOLDER=its build -P cross-config.cmake.
# A native build asks its getarch program for each core's macros; the table that a cross-build uses in its place leaves out those
# that the kernels of Prescott cannot be assembled without, and those that let the other cores' kernels use multiply-add.
file(GLOB configs "${FOLDER}/config.h" "${FOLDER}/kernel_config/*/config_kernel.h")
foreach(config IN LISTS configs)
  file(READ "${config}" text)
  if(text MATCHES "#define CORE_PRESCOTT\n")
    set(macro PENTIUM4)
  else()
    set(macro FMA3)
  endif()
  if(NOT text MATCHES "#define ${macro}\n")
    file(APPEND "${config}" "#define ${macro}\n")
  endif()
endforeach()
