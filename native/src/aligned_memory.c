#if !defined(_WIN32)
#define _GNU_SOURCE /* MAP_ANONYMOUS, madvise */
#endif

#include "convnative.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(_WIN32)
#include <malloc.h>
#include <windows.h>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

/* The size alone decides where a block comes from, so that cn_aligned_free knows it too: below LARGE_BYTES the C heap, from
 * there on pages of the operating system, which are zero, aligned for huge pages and given back at once when freed. */
#define LARGE_BYTES (UINT64_C(4) << 20)
#define HUGE_PAGE_BYTES (UINT64_C(2) << 20)
#define MAX_BYTES ((uint64_t)PTRDIFF_MAX / 2) /* of block and alignment each: their sum cannot overflow */

static uint64_t round_up(uint64_t value, uint64_t power_of_two)
{
    return (value + power_of_two - 1) & ~(power_of_two - 1);
}

#if defined(_WIN32)

static void* heap_alloc(uint64_t bytes, uint64_t alignment)
{
    return _aligned_malloc((size_t)bytes, (size_t)alignment);
}

static void heap_free(void* p)
{
    _aligned_free(p);
}

/* Large pages need the "lock pages in memory" privilege and reserve and commit in one step. */
static void* huge_pages_alloc(uint64_t bytes, uint64_t alignment)
{
    uint64_t page = GetLargePageMinimum();
    if (page == 0 || alignment > page)
        return NULL;
    return VirtualAlloc(NULL, (size_t)round_up(bytes, page), MEM_RESERVE | MEM_COMMIT | MEM_LARGE_PAGES, PAGE_READWRITE);
}

/* Reserves enough for the alignment, commits only the aligned block. */
static void* pages_alloc(uint64_t bytes, uint64_t alignment, bool huge)
{
    void* p = huge ? huge_pages_alloc(bytes, alignment) : NULL;
    if (p != NULL)
        return p;
    void* base = VirtualAlloc(NULL, (size_t)(bytes + alignment), MEM_RESERVE, PAGE_NOACCESS);
    if (base == NULL)
        return NULL;
    p = VirtualAlloc((void*)(uintptr_t)round_up((uintptr_t)base, alignment), (size_t)bytes, MEM_COMMIT, PAGE_READWRITE);
    if (p == NULL)
        VirtualFree(base, 0, MEM_RELEASE);
    return p;
}

static void pages_free(void* p, uint64_t bytes)
{
    (void)bytes;
    MEMORY_BASIC_INFORMATION region;
    if (VirtualQuery(p, &region, sizeof region) != 0)
        VirtualFree(region.AllocationBase, 0, MEM_RELEASE);
}

#else

static void* heap_alloc(uint64_t bytes, uint64_t alignment)
{
    void* p;
    return posix_memalign(&p, (size_t)alignment, (size_t)bytes) == 0 ? p : NULL;
}

static void heap_free(void* p)
{
    free(p);
}

static uint64_t page_bytes(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Maps enough for the alignment, gives back what lies before and after the aligned block. */
static void* pages_alloc(uint64_t bytes, uint64_t alignment, bool huge)
{
    uint64_t size = round_up(bytes, page_bytes());
    uint64_t mapped = size + alignment;
    char* base = mmap(NULL, (size_t)mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED)
        return NULL;
    uint64_t before = round_up((uintptr_t)base, alignment) - (uintptr_t)base;
    uint64_t after = mapped - before - size;
    char* p = base + before;
    if (before > 0)
        munmap(base, (size_t)before);
    if (after > 0)
        munmap(p + size, (size_t)after);
#if defined(MADV_HUGEPAGE)
    if (huge)
        madvise(p, (size_t)size, MADV_HUGEPAGE);
#else
    (void)huge;
#endif
    return p;
}

static void pages_free(void* p, uint64_t bytes)
{
    munmap(p, (size_t)round_up(bytes, page_bytes()));
}

#endif

void* cn_aligned_alloc(uint64_t bytes, uint64_t alignment, uint32_t flags)
{
    bool power_of_two = (alignment & (alignment - 1)) == 0;
    if (bytes == 0 || bytes > MAX_BYTES || alignment < 64 || alignment > MAX_BYTES / 2 || !power_of_two)
        return NULL;
    if (bytes >= LARGE_BYTES)
        return pages_alloc(bytes, alignment > HUGE_PAGE_BYTES ? alignment : HUGE_PAGE_BYTES, (flags & CN_ALLOC_HUGE) != 0);
    void* p = heap_alloc(bytes, alignment);
    if (p != NULL && (flags & CN_ALLOC_ZERO) != 0)
        memset(p, 0, (size_t)bytes);
    return p;
}

void cn_aligned_free(void* p, uint64_t bytes)
{
    if (p == NULL)
        return;
    if (bytes >= LARGE_BYTES)
        pages_free(p, bytes);
    else
        heap_free(p);
}
