/* What the thread pool needs from the operating system: threads, a clock, a spin hint, sleeping until a word changes, and waking on
 * another processor. */
#ifndef CN_PLATFORM_H
#define CN_PLATFORM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#if defined(_WIN32)

#include <windows.h>

typedef HANDLE cn_thread;
#define CN_THREAD_MAIN(name) static DWORD WINAPI name(void* argument)

static inline bool cn_thread_start(cn_thread* thread, LPTHREAD_START_ROUTINE main, void* argument)
{
    *thread = CreateThread(NULL, 0, main, argument, 0, NULL);
    return *thread != NULL;
}

static inline void cn_thread_join(cn_thread thread)
{
    WaitForSingleObject(thread, INFINITE);
    CloseHandle(thread);
}

/* Sleeps while *word == value; may return early. */
static inline void cn_wait(_Atomic uint32_t* word, uint32_t value)
{
    WaitOnAddress((volatile void*)word, &value, sizeof value, INFINITE);
}

/* Wakes up to `sleepers` threads that sleep on the word. Uses its address only, not its memory. */
static inline void cn_wake(_Atomic uint32_t* word, uint32_t sleepers)
{
    for (; sleepers > 0; sleepers--)
        WakeByAddressSingle((void*)word);
}

static inline uint64_t cn_nanoseconds(void)
{
    LARGE_INTEGER ticks, per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&per_second);
    return (uint64_t)((double)ticks.QuadPart * (1e9 / (double)per_second.QuadPart));
}

static inline void cn_spin_hint(void)
{
    YieldProcessor();
}

/* Windows wakes threads on idle processors. */
typedef int32_t cn_place;

static inline void cn_find_place(cn_place* place)
{
    *place = 0;
}

static inline void cn_keep_off_this_processor(const cn_place* place)
{
    (void)place;
}

static inline void cn_run_anywhere(const cn_place* place)
{
    (void)place;
}

#else

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

typedef pthread_t cn_thread;
#define CN_THREAD_MAIN(name) static void* name(void* argument)
#define CN_THREAD_STACK_BYTES ((size_t)2 << 20) /* said, because the default is 128 KiB with musl */

static inline bool cn_thread_start(cn_thread* thread, void* (*main)(void*), void* argument)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return false;
    bool started = pthread_attr_setstacksize(&attributes, CN_THREAD_STACK_BYTES) == 0
                   && pthread_create(thread, &attributes, main, argument) == 0;
    pthread_attr_destroy(&attributes);
    return started;
}

static inline void cn_thread_join(cn_thread thread)
{
    pthread_join(thread, NULL);
}

/* Sleeps while *word == value; may return early. */
static inline void cn_wait(_Atomic uint32_t* word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

/* Wakes up to `sleepers` threads that sleep on the word. Uses its address only, not its memory. */
static inline void cn_wake(_Atomic uint32_t* word, uint32_t sleepers)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, sleepers, NULL, NULL, 0);
}

static inline uint64_t cn_nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline void cn_spin_hint(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A thread, and the processors that it may run on: none where that is not known. */
typedef struct {
    pid_t thread;
    cpu_set_t processors;
} cn_place;

/* This thread's. */
static inline void cn_find_place(cn_place* place)
{
    if (sched_getaffinity(0, sizeof place->processors, &place->processors) != 0)
        CPU_ZERO(&place->processors);
    place->thread = (pid_t)syscall(SYS_gettid);
}

/* Another thread, which sleeps, will not wake on this one's processor, if it has others. */
static inline void cn_keep_off_this_processor(const cn_place* place)
{
    int here = sched_getcpu();
    cpu_set_t others = place->processors;
    if (here < 0 || here >= CPU_SETSIZE)
        return;
    CPU_CLR((size_t)here, &others);
    if (CPU_COUNT(&others) > 0)
        sched_setaffinity(place->thread, sizeof others, &others);
}

/* The thread may run again where it could at first. */
static inline void cn_run_anywhere(const cn_place* place)
{
    if (CPU_COUNT(&place->processors) > 1)
        sched_setaffinity(place->thread, sizeof place->processors, &place->processors);
}

#endif

#endif
