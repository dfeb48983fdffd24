#include "convnative.h"

#if defined(__x86_64__) || defined(_M_X64) || defined(__SSE__)

#include <xmmintrin.h>

#define FLUSH_TO_ZERO 0x8000u      /* MXCSR bit 15: denormal results become 0 */
#define DENORMALS_ARE_ZERO 0x0040u /* MXCSR bit 6: denormal operands count as 0 */

uint32_t cn_fp_flush_denormals(void)
{
    uint32_t state = _mm_getcsr();
    _mm_setcsr(state | FLUSH_TO_ZERO | DENORMALS_ARE_ZERO);
    return state;
}

void cn_fp_restore(uint32_t state)
{
    _mm_setcsr(state);
}

#elif defined(__aarch64__) || defined(_M_ARM64)

#define FLUSH_TO_ZERO (1u << 24) /* FPCR.FZ: denormal operands and results become 0 */

#if defined(_MSC_VER)

#include <intrin.h>

static uint32_t read_fpcr(void)
{
    return (uint32_t)_ReadStatusReg(ARM64_FPCR);
}

static void write_fpcr(uint32_t state)
{
    _WriteStatusReg(ARM64_FPCR, state);
}

#else

static uint32_t read_fpcr(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return (uint32_t)fpcr;
}

static void write_fpcr(uint32_t state)
{
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)state));
}

#endif

uint32_t cn_fp_flush_denormals(void)
{
    uint32_t state = read_fpcr();
    write_fpcr(state | FLUSH_TO_ZERO);
    return state;
}

void cn_fp_restore(uint32_t state)
{
    write_fpcr(state);
}

#else

uint32_t cn_fp_flush_denormals(void)
{
    return 0;
}

void cn_fp_restore(uint32_t state)
{
    (void)state;
}

#endif
