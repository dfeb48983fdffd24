#include "check.h"
#include "convnative.h"

#include <stdbool.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)

static bool all_zero(const unsigned char* p, uint64_t bytes)
{
    return p[0] == 0 && memcmp(p, p + 1, (size_t)bytes - 1) == 0;
}

/* Allocates twice: the second block may be the first one's memory, which was left full of ones. */
static void test_block(uint64_t bytes, uint64_t alignment, uint32_t flags)
{
    for (int round = 0; round < 2; round++) {
        unsigned char* p = cn_aligned_alloc(bytes, alignment, flags);
        CHECK(p != NULL, "%llu bytes, alignment %llu, flags %u", (unsigned long long)bytes, (unsigned long long)alignment, flags);
        CHECK((uintptr_t)p % alignment == 0, "%p is not aligned to %llu", (void*)p, (unsigned long long)alignment);
        if ((flags & CN_ALLOC_ZERO) != 0)
            CHECK(all_zero(p, bytes), "%llu bytes, flags %u: not zero", (unsigned long long)bytes, flags);
        memset(p, 0xff, (size_t)bytes);
        cn_aligned_free(p, bytes);
    }
}

static void test_refused(uint64_t bytes, uint64_t alignment)
{
    void* p = cn_aligned_alloc(bytes, alignment, CN_ALLOC_ZERO);
    CHECK(p == NULL, "%llu bytes with alignment %llu were given", (unsigned long long)bytes, (unsigned long long)alignment);
}

int main(void)
{
    const uint64_t sizes[] = {1, 63, 64, 65, 4097, MIB, 4 * MIB - 1, 4 * MIB, 4 * MIB + 1, 9 * MIB + 4095};
    const uint64_t alignments[] = {64, 128, 4096, MIB, 8 * MIB};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t a = 0; a < sizeof alignments / sizeof *alignments; a++)
            for (uint32_t flags = 0; flags <= (CN_ALLOC_ZERO | CN_ALLOC_HUGE); flags++)
                test_block(sizes[s], alignments[a], flags);

    /* Memory that exists nowhere, and sums with the alignment that overflow. */
    const uint64_t absurd[] = {0,         UINT64_C(1) << 50, UINT64_C(1) << 61, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX - 64,
                               UINT64_MAX};
    for (size_t i = 0; i < sizeof absurd / sizeof *absurd; i++)
        test_refused(absurd[i], 64);
    const uint64_t bad_alignments[] = {0, 1, 32, 63, 65, 96, UINT64_C(1) << 62, UINT64_C(1) << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof bad_alignments / sizeof *bad_alignments; i++) {
        test_refused(64, bad_alignments[i]);
        test_refused(8 * MIB, bad_alignments[i]);
    }
    cn_aligned_free(NULL, 64);
    cn_aligned_free(NULL, 8 * MIB);
    return 0;
}
