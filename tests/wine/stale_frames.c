/* For the tests under wine: wine keeps 32-bit Windows' list of exception frames on 64-bit too, for its own libraries, and walks it before
 * anything else. Where .NET handles an exception it unwinds past such frames without taking them off, so that the next exception calls
 * whatever the stack holds there by then, and faults for ever. This library, once loaded, empties the list before it is walked: what .NET
 * does is caught by others. Windows itself has no such list there, and does not need this. */
#include <windows.h>

static LONG CALLBACK forget_frames(EXCEPTION_POINTERS* exception)
{
    (void)exception;
    ((NT_TIB*)NtCurrentTeb())->ExceptionList = (void*)~(ULONG_PTR)0;
    return EXCEPTION_CONTINUE_SEARCH;
}

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, void* reserved)
{
    (void)library;
    (void)reserved;
    return reason != DLL_PROCESS_ATTACH || AddVectoredExceptionHandler(1, forget_frames) != NULL;
}
