#include "check.h"
#include "convnative.h"

#include <float.h>

/* 1 when this thread keeps denormals, 0 when it flushes them: half of the smallest normal number is denormal. */
static int keeps_denormals(void)
{
    volatile float smallest = FLT_MIN;
    volatile float half = smallest * 0.5f;
    return half != 0.0f;
}

int main(void)
{
    CHECK(keeps_denormals(), "a program starts with denormals");
    uint32_t before = cn_fp_flush_denormals();
#if defined(__x86_64__) || defined(_M_X64) || defined(__aarch64__) || defined(_M_ARM64)
    CHECK(!keeps_denormals(), "denormals are kept after cn_fp_flush_denormals");
#endif
    uint32_t inner = cn_fp_flush_denormals();
    cn_fp_restore(inner);
#if defined(__x86_64__) || defined(_M_X64) || defined(__aarch64__) || defined(_M_ARM64)
    CHECK(!keeps_denormals(), "the inner restore undid the outer flush");
#endif
    cn_fp_restore(before);
    CHECK(keeps_denormals(), "denormals are flushed after cn_fp_restore");
    return 0;
}
