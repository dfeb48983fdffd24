#if !defined(_WIN32)
#define _GNU_SOURCE /* syscall, clock_gettime */
#endif

#include "check.h"
#include "convnative.h"
#include "platform.h"

#include <float.h>
#include <stdbool.h>
#include <string.h>

#if !defined(_WIN32)
#include <sched.h>
#endif

#define MAX_ITEMS 10007
#define MAX_WORKERS 64
#define STOP 42

static const int64_t counts[] = {0, 1, 2, 3, 5, 7, 13, 31, 61, 127, 251, 509, 1021, 2039, 4093, 8191, MAX_ITEMS};
#define COUNTS (sizeof counts / sizeof *counts)

/* What one job did. */
typedef struct {
    cn_pool* pool;
    int32_t workers;                   /* worker indices must be below this */
    _Atomic int32_t runs[MAX_ITEMS];   /* per item */
    _Atomic int32_t busy[MAX_WORKERS]; /* items that a worker index is running: never more than one */
    int64_t plain_sums[MAX_WORKERS];   /* not atomic: a shared worker index is a race that ThreadSanitizer sees */
} record;

static cn_pool* create(int32_t threads)
{
    cn_pool* pool = cn_pool_create(threads);
    CHECK(pool != NULL, "no pool of %d threads", threads);
    CHECK(cn_pool_threads(pool) == threads, "%d threads instead of %d", cn_pool_threads(pool), threads);
    return pool;
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Lets the thread run that is waited for. */
static void yield(void)
{
#if defined(_WIN32)
    SwitchToThread();
#else
    sched_yield();
#endif
}

static int32_t note_item(void* context, int64_t index, int32_t worker)
{
    record* job = context;
    CHECK(worker >= 0 && worker < job->workers, "worker %d of %d", worker, job->workers);
    CHECK(atomic_fetch_add(&job->busy[worker], 1) == 0, "worker index %d is used twice at once", worker);
    job->plain_sums[worker] += index;
    atomic_fetch_add(&job->runs[index], 1);
    atomic_fetch_sub(&job->busy[worker], 1);
    return 0;
}

static void run_and_check(record* job, cn_pool* pool, int32_t max_workers, int64_t count)
{
    memset((void*)job, 0, sizeof *job);
    job->pool = pool;
    job->workers = smaller(max_workers, cn_pool_threads(pool));
    CHECK(cn_pool_run(pool, max_workers, count, note_item, job, 0) == 0, "a job without failures failed");
    int64_t sum = 0;
    for (int32_t w = 0; w < MAX_WORKERS; w++)
        sum += job->plain_sums[w];
    CHECK(sum == count * (count - 1) / 2, "the sum of %lld items is wrong", (long long)count);
    for (int64_t i = 0; i < MAX_ITEMS; i++)
        CHECK(job->runs[i] == (i < count), "item %lld of %lld ran %d times", (long long)i, (long long)count, job->runs[i]);
}

static void test_every_index_once(int32_t threads)
{
    static record job;
    cn_pool* pool = create(threads);
    for (size_t c = 0; c < COUNTS; c++)
        for (int32_t max_workers = 1; max_workers <= threads + 1; max_workers += max_workers < 4 ? 1 : 13)
            run_and_check(&job, pool, max_workers, counts[c]);
    cn_pool_destroy(pool);
}

static void test_arguments(void)
{
    CHECK(cn_pool_create(0) == NULL && cn_pool_create(-1) == NULL, "a pool without threads");
    CHECK(cn_pool_create(CN_POOL_MAX_THREADS + 1) == NULL && cn_pool_create(INT32_MAX) == NULL, "a pool of too many threads");
    cn_pool* pool = create(2);
    CHECK(cn_pool_run(pool, 2, 0, NULL, NULL, 0) == 0, "no items");
    CHECK(cn_pool_run(pool, 2, -5, NULL, NULL, 0) == 0, "a negative count");
    cn_pool_destroy(pool);
}

/* ---- Several workers really take part, each with an index of its own ---------------------------------------------------- */

typedef struct {
    int32_t expected;
    _Atomic int32_t arrived;
    _Atomic int32_t met[MAX_WORKERS];
} meeting;

/* Every item waits until all have begun, which they can only when as many participants run at once. */
static int32_t meet(void* context, int64_t index, int32_t worker)
{
    (void)index;
    meeting* m = context;
    atomic_fetch_add(&m->met[worker], 1);
    atomic_fetch_add(&m->arrived, 1);
    while (atomic_load(&m->arrived) < m->expected)
        yield();
    return 0;
}

static void test_meeting(int32_t threads, int32_t max_workers)
{
    cn_pool* pool = create(threads);
    for (int round = 0; round < 50; round++) {
        meeting m = {.expected = smaller(threads, max_workers)};
        cn_pool_run(pool, max_workers, m.expected, meet, &m, 0);
        for (int32_t w = 0; w < m.expected; w++)
            CHECK(m.met[w] == 1, "worker %d ran %d of the items that wait for each other", w, m.met[w]);
    }
    cn_pool_destroy(pool);
}

/* ---- A thread begins with its own share ------------------------------------------------------------------------------------ */

#define SHARE 5

typedef struct {
    meeting all;
    int64_t first[MAX_WORKERS];
} shares;

static int32_t note_first(void* context, int64_t index, int32_t worker)
{
    shares* job = context;
    if (job->first[worker] >= 0)
        return 0;
    job->first[worker] = index;
    return meet(&job->all, index, worker);
}

/* Nobody takes a second item before all have a first one, so no share is begun by another. */
static void test_own_share_first(int32_t workers)
{
    cn_pool* pool = create(workers);
    for (int round = 0; round < 50; round++) {
        shares job = {.all = {.expected = workers}};
        for (int32_t w = 0; w < workers; w++)
            job.first[w] = -1;
        cn_pool_run(pool, workers, (int64_t)workers * SHARE, note_first, &job, 0);
        bool begun[MAX_WORKERS] = {false};
        for (int32_t w = 0; w < workers; w++) {
            CHECK(job.first[w] >= 0 && job.first[w] % SHARE == 0, "worker %d of %d began with item %lld", w, workers, (long long)job.first[w]);
            begun[job.first[w] / SHARE] = true;
        }
        for (int32_t share = 0; share < workers; share++)
            CHECK(begun[share], "nobody of %d began with share %d", workers, share);
    }
    cn_pool_destroy(pool);
}

/* ---- Nested calls -------------------------------------------------------------------------------------------------------- */

typedef struct {
    cn_pool* pool;
    _Atomic int64_t inner_items;
} nest;

typedef struct {
    nest* outer;
    int64_t next; /* not atomic: inner items run in order on one thread */
} inner_loop;

static int32_t inner_item(void* context, int64_t index, int32_t worker)
{
    inner_loop* loop = context;
    CHECK(worker == 0, "worker %d in a nested job", worker);
    CHECK(index == loop->next++, "item %lld out of order", (long long)index);
    atomic_fetch_add(&loop->outer->inner_items, 1);
    return index == 16 ? STOP : 0;
}

static int32_t outer_item(void* context, int64_t index, int32_t worker)
{
    (void)index;
    (void)worker;
    nest* n = context;
    inner_loop loop = {.outer = n};
    CHECK(cn_pool_run(n->pool, 8, 31, inner_item, &loop, 0) == STOP, "the nested result got lost");
    CHECK(loop.next == 17, "%lld nested items", (long long)loop.next);
    return 0;
}

static void test_nested(void)
{
    nest n = {.pool = create(4)};
    CHECK(cn_pool_run(n.pool, 4, 101, outer_item, &n, 0) == 0, "the outer job failed");
    CHECK(n.inner_items == 101 * 17, "%lld inner items", (long long)n.inner_items);
    cn_pool_destroy(n.pool);
}

/* ---- Stop by a result ---------------------------------------------------------------------------------------------------- */

typedef struct {
    int64_t failing;
    _Atomic int64_t begun;
    _Atomic bool failed;
} failure;

static int32_t fail_at(void* context, int64_t index, int32_t worker)
{
    (void)worker;
    failure* f = context;
    atomic_fetch_add(&f->begun, 1);
    if (index == f->failing) {
        atomic_store(&f->failed, true);
        return STOP;
    }
    while (index > f->failing && !atomic_load(&f->failed)) /* later items wait, so that few of them can begin */
        yield();
    return 0;
}

static int32_t fail_always(void* context, int64_t index, int32_t worker)
{
    (void)context;
    (void)index;
    return -1 - worker;
}

static void test_stop(int32_t threads)
{
    cn_pool* pool = create(threads);
    for (size_t c = 1; c < COUNTS; c++) {
        failure f = {.failing = counts[c] / 2};
        int32_t result = cn_pool_run(pool, threads, INT64_C(1) << 40, fail_at, &f, 0);
        CHECK(result == STOP, "result %d", result);
        CHECK(f.begun > f.failing, "%lld items begun before item %lld", (long long)f.begun, (long long)f.failing);
        result = cn_pool_run(pool, threads, INT64_MAX, fail_always, NULL, 0);
        CHECK(result < 0 && result >= -threads, "result %d", result);
    }
    static record job;
    run_and_check(&job, pool, threads, 127); /* the pool works on */
    cn_pool_destroy(pool);
}

/* ---- Several callers ----------------------------------------------------------------------------------------------------- */

CN_THREAD_MAIN(hammer)
{
    cn_pool* pool = argument;
    record* job = malloc(sizeof *job);
    CHECK(job != NULL, "no memory");
    for (int round = 0; round < 20; round++)
        for (size_t c = 0; c < 10; c++)
            run_and_check(job, pool, 1 + round % 7, counts[c]);
    free(job);
    return 0;
}

static void test_callers(int32_t threads, int32_t callers)
{
    cn_pool* pool = create(threads);
    cn_thread handles[MAX_WORKERS];
    for (int32_t i = 0; i < callers; i++)
        CHECK(cn_thread_start(&handles[i], hammer, pool), "no thread");
    for (int32_t i = 0; i < callers; i++)
        cn_thread_join(handles[i]);
    cn_pool_destroy(pool);
}

/* ---- Shutdown under load ------------------------------------------------------------------------------------------------- */

typedef struct {
    cn_pool* pool;
    _Atomic bool started;
    _Atomic int64_t done;
} long_job;

static int32_t slow_item(void* context, int64_t index, int32_t worker)
{
    (void)index;
    (void)worker;
    long_job* job = context;
    atomic_store(&job->started, true);
    uint64_t end = cn_nanoseconds() + 20000;
    while (cn_nanoseconds() < end)
        cn_spin_hint();
    atomic_fetch_add(&job->done, 1);
    return 0;
}

CN_THREAD_MAIN(run_long_job)
{
    long_job* job = argument;
    cn_pool_run(job->pool, 3, 101, slow_item, job, 0);
    return 0;
}

static void test_shutdown(void)
{
    for (int round = 0; round < 30; round++) {
        long_job jobs[3];
        cn_thread callers[3];
        cn_pool* pool = create(4);
        for (int i = 0; i < 3; i++) {
            memset((void*)&jobs[i], 0, sizeof jobs[i]);
            jobs[i].pool = pool;
            CHECK(cn_thread_start(&callers[i], run_long_job, &jobs[i]), "no thread");
        }
        for (int i = 0; i < 3; i++)
            while (!atomic_load(&jobs[i].started))
                yield();
        cn_pool_destroy(pool);
        for (int i = 0; i < 3; i++) {
            CHECK(jobs[i].done == 101, "%lld of 101 items were done when the pool was gone", (long long)jobs[i].done);
            cn_thread_join(callers[i]);
        }
    }
    for (int round = 0; round < 300; round++) /* at once, before the threads have slept */
        cn_pool_destroy(create(1 + round % 8));
}

/* ---- Floating-point state ------------------------------------------------------------------------------------------------ */

typedef struct {
    meeting all;
    bool expected_flush;
} denormals;

static bool flushes_denormals(void)
{
    volatile float smallest = FLT_MIN;
    volatile float half = smallest * 0.5f;
    return half == 0.0f;
}

/* Meets, so that each participant is looked at. */
static int32_t look_at_denormals(void* context, int64_t index, int32_t worker)
{
    denormals* d = context;
    CHECK(flushes_denormals() == d->expected_flush, "worker %d: denormals are %s", worker,
          d->expected_flush ? "kept in a job that flushes them" : "flushed in a job that keeps them");
    return meet(&d->all, index, worker);
}

static void run_denormals(cn_pool* pool, bool flush)
{
    denormals d = {.all.expected = cn_pool_threads(pool), .expected_flush = flush};
    cn_pool_run(pool, INT32_MAX, d.all.expected, look_at_denormals, &d, flush ? CN_RUN_FLUSH_DENORMALS : 0);
    CHECK(!flushes_denormals(), "the caller's state was not restored");
}

static void test_denormals(void)
{
    for (int32_t threads = 1; threads <= 4; threads++) {
        cn_pool* pool = create(threads);
        for (int round = 0; round < 10; round++) {
            run_denormals(pool, true);
            run_denormals(pool, false);
        }
        uint32_t own = cn_fp_flush_denormals();
        cn_pool_run(pool, threads, 31, fail_always, NULL, CN_RUN_FLUSH_DENORMALS);
        CHECK(flushes_denormals(), "a caller that flushed before the job must flush after it");
        cn_fp_restore(own);
        cn_pool_destroy(pool);
    }
}

/* ---- A helper wakes on another processor than its caller's -------------------------------------------------------------- */

#if defined(_WIN32)

static void test_places(void)
{
}

#else

typedef struct {
    _Atomic uint32_t word; /* 0: the thread finds its place, 1: it sleeps */
    cn_place place;
} sleeper;

static void* sleep_till_woken(void* argument)
{
    sleeper* s = argument;
    cn_find_place(&s->place);
    atomic_store(&s->word, 1);
    while (atomic_load(&s->word) == 1)
        cn_wait(&s->word, 1);
    cn_run_anywhere(&s->place);
    cpu_set_t after;
    CHECK(sched_getaffinity(0, sizeof after, &after) == 0 && CPU_EQUAL(&after, &s->place.processors), "its processors were not given back");
    return NULL;
}

/* The caller, which stays on one processor, keeps a sleeping thread off it, and off no other. */
static void test_keeping_off(const cpu_set_t* all)
{
    sleeper s = {.word = 0};
    cn_thread thread;
    CHECK(cn_thread_start(&thread, sleep_till_woken, &s), "no thread");
    while (atomic_load(&s.word) == 0)
        yield();
    cpu_set_t own, expected = *all, actual;
    size_t here = (size_t)sched_getcpu();
    CPU_ZERO(&own);
    CPU_SET(here, &own);
    CHECK(sched_setaffinity(0, sizeof own, &own) == 0, "the caller cannot stay on its processor");
    CPU_XOR(&expected, &expected, &own);
    cn_keep_off_this_processor(&s.place);
    CHECK(sched_getaffinity(s.place.thread, sizeof actual, &actual) == 0, "no affinity");
    CHECK(CPU_EQUAL(&actual, CPU_COUNT(&expected) > 0 ? &expected : all), "%d processors of %d", CPU_COUNT(&actual), CPU_COUNT(all));
    CHECK(sched_setaffinity(0, sizeof *all, all) == 0, "the caller stays on its processor");
    atomic_store(&s.word, 2);
    cn_wake(&s.word, 1);
    cn_thread_join(thread);
}

typedef struct {
    meeting all;
    const cpu_set_t* processors;
} places;

static int32_t look_at_processors(void* context, int64_t index, int32_t worker)
{
    places* p = context;
    meet(&p->all, index, worker);
    cpu_set_t now;
    CHECK(sched_getaffinity(0, sizeof now, &now) == 0 && CPU_EQUAL(&now, p->processors), "worker %d may not run where the caller may", worker);
    return 0;
}

static void test_places(void)
{
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return; /* more processors than a set holds: nothing is kept off any */
    test_keeping_off(&all);
    cn_pool* pool = create(2);
    for (int round = 0; round < 20; round++) {
        struct timespec pause = {.tv_nsec = 1000000}; /* in which the helper falls asleep */
        nanosleep(&pause, NULL);
        places p = {.all.expected = 2, .processors = &all};
        cn_pool_run(pool, 2, 2, look_at_processors, &p, 0);
    }
    cn_pool_destroy(pool);
}

#endif

int main(void)
{
    int32_t oversubscribed = smaller(10 * cn_cpu_budget(), MAX_WORKERS);
    test_arguments();
    for (int32_t threads = 1; threads <= 5; threads++)
        test_every_index_once(threads);
    test_every_index_once(oversubscribed);
    test_meeting(2, 2);
    test_meeting(4, 3);
    test_meeting(oversubscribed, MAX_WORKERS);
    test_own_share_first(2);
    test_own_share_first(7);
    test_nested();
    test_stop(1);
    test_stop(4);
    test_callers(4, 2);
    test_callers(2, 8); /* more callers than slots */
    test_callers(oversubscribed, 8);
    test_shutdown();
    test_denormals();
    test_places();
    return 0;
}
