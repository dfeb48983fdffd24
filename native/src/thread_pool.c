#if !defined(_WIN32)
#define _GNU_SOURCE /* syscall, clock_gettime */
#endif

#include "convnative.h"
#include "platform.h"

#include <stdlib.h>

/* A job lives in a slot of the pool while other threads may help with it. The slot's state is one word:
 *
 *     0 = free | TAKEN: a caller is here | OPEN: helpers may join | SLEEPING: the caller sleeps until the last helper left
 *     SEATS: helpers that may still join | ACTIVE: helpers within
 *
 * A helper joins by one compare-and-swap that takes a seat; the number of the seat is its worker index. Only then does it read
 * the job, and the caller frees the slot only when no helper is active, so a slot can be used again and again without locks. */
#define TAKEN (1u << 31)
#define OPEN (1u << 30)
#define SLEEPING (1u << 29)
#define SEAT (1u << 14)
#define SEATS(state) ((state) / SEAT % SEAT)
#define ACTIVE(state) ((state) % SEAT)

/* A job's items are dealt out in so many runs of neighbours at most, one to a participant until there are more of those. */
#define MOST_RUNS 16

/* Where no more helpers sleep, they are kept off the processor of the thread that wakes some. After a pause Linux often wakes a helper
 * there, behind the caller, which then does all the work (seen as a guest of KVM with two processors: after 20 ms, two of three times
 * and more 10 to 20 calls of 0.5 and 0.1 ms took twice the time). Each costs a system call. */
#define MOST_KEPT_OFF 4

#define CLOSING (1u << 31) /* in cn_pool.callers: cn_pool_destroy waits */

/* Spinning this long bridges the gap between two jobs of one network layer; waking a sleeping thread costs about as much. */
#define SPIN_NANOSECONDS 50000u
#define SPIN_HINTS_PER_CLOCK_READ 32

/* Items [next, end) of a job. Each has a cache line of its own: its participant writes it, the others look for what is left. */
typedef struct {
    _Alignas(64) _Atomic int64_t next;
    int64_t end;
} cn_items;

typedef struct {
    cn_task task;
    void* context;
    uint32_t flags;
    int32_t runs;
    _Atomic int32_t result;
    cn_items items[MOST_RUNS];
} cn_job;

typedef struct {
    _Alignas(64) _Atomic uint32_t state;
    cn_job job;
} cn_slot;

enum { AWAKE, ASLEEP, KEPT_OFF };

/* A thread of the pool. */
typedef struct {
    cn_pool* pool;
    int32_t number; /* from 1 on: the caller of a job counts as 0 */
    cn_thread handle;
    cn_place place;
    _Atomic uint32_t state; /* AWAKE, ASLEEP, or KEPT_OFF: asleep, and kept off a processor */
} cn_helper;

struct cn_pool {
    int32_t threads;
    int32_t started;
    uint64_t spin_nanoseconds;
    cn_helper* helpers;                  /* threads - 1, of which `started` run */
    _Alignas(64) _Atomic uint32_t epoch; /* changes whenever a job opens or the pool ends: what idle threads watch */
    _Atomic uint32_t sleepers;
    _Atomic bool ended;
    _Alignas(64) _Atomic uint32_t callers; /* threads within cn_pool_run, and CLOSING */
    cn_slot slots[];                       /* `threads` of them: when all are taken, every helper has a job to find */
};

static _Thread_local bool in_task;

static bool take(cn_items* items, int64_t* index)
{
    if (atomic_load_explicit(&items->next, memory_order_relaxed) >= items->end)
        return false; /* without a write to a line that others may hold */
    *index = atomic_fetch_add_explicit(&items->next, 1, memory_order_relaxed);
    return *index < items->end;
}

static void stop(cn_job* job, int32_t result)
{
    int32_t none = 0;
    atomic_compare_exchange_strong(&job->result, &none, result);
    for (int32_t i = 0; i < job->runs; i++)
        atomic_store_explicit(&job->items[i].next, job->items[i].end, memory_order_relaxed);
}

/* Takes items until none is left: first those of the thread's own run, then what the others have not begun. A loop that is run
 * again gives the same items to the same thread, whose core's cache still holds what they wrote: lines that two cores share are
 * several times slower to write, even more where the cores have no cache in common. */
static void work(cn_job* job, int32_t thread, int32_t worker)
{
    bool outer = in_task;
    in_task = true;
    bool flush = (job->flags & CN_RUN_FLUSH_DENORMALS) != 0;
    uint32_t fp_state = flush ? cn_fp_flush_denormals() : 0;
    for (int32_t i = 0; i < job->runs; i++) {
        cn_items* items = &job->items[(thread + i) % job->runs];
        int64_t index;
        while (take(items, &index)) {
            int32_t result = job->task(job->context, index, worker);
            if (result != 0)
                stop(job, result);
        }
    }
    if (flush)
        cn_fp_restore(fp_state);
    in_task = outer;
}

static void prepare(cn_job* job, int64_t participants, int64_t count, cn_task task, void* context, uint32_t flags)
{
    job->task = task;
    job->context = context;
    job->flags = flags;
    job->runs = (int32_t)(participants < MOST_RUNS ? participants : MOST_RUNS);
    int64_t begin = 0;
    for (int32_t i = 0; i < job->runs; i++) {
        atomic_store_explicit(&job->items[i].next, begin, memory_order_relaxed);
        begin += (count / job->runs) + (i < count % job->runs ? 1 : 0);
        job->items[i].end = begin;
    }
    atomic_store_explicit(&job->result, 0, memory_order_relaxed);
}

/* True when the word changed, false when the time was up. */
static bool spin_while(_Atomic uint32_t* word, uint32_t value, uint64_t nanoseconds)
{
    if (nanoseconds == 0)
        return false;
    uint64_t end = cn_nanoseconds() + nanoseconds;
    do {
        for (int i = 0; i < SPIN_HINTS_PER_CLOCK_READ; i++) {
            if (atomic_load_explicit(word, memory_order_acquire) != value)
                return true;
            cn_spin_hint();
        }
    } while (cn_nanoseconds() < end);
    return false;
}

/* ---- The helpers' side ------------------------------------------------------------------------------------------------- */

/* Returns the worker index, or 0 (the caller's) when the slot has no open job or no seat. */
static int32_t join(cn_slot* slot)
{
    uint32_t state = atomic_load_explicit(&slot->state, memory_order_relaxed);
    while ((state & OPEN) != 0 && SEATS(state) > 0) {
        if (atomic_compare_exchange_weak_explicit(&slot->state, &state, state - SEAT + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return (int32_t)SEATS(state);
    }
    return 0;
}

static void leave(cn_slot* slot)
{
    atomic_fetch_and_explicit(&slot->state, ~OPEN, memory_order_relaxed);
    uint32_t before = atomic_fetch_sub_explicit(&slot->state, 1, memory_order_release);
    if (ACTIVE(before) == 1 && (before & SLEEPING) != 0)
        cn_wake(&slot->state, 1);
}

static bool help(cn_pool* pool, int32_t thread)
{
    bool helped = false;
    for (int32_t i = 0; i < pool->threads; i++) {
        int32_t worker = join(&pool->slots[i]);
        if (worker == 0)
            continue;
        work(&pool->slots[i].job, thread, worker);
        leave(&pool->slots[i]);
        helped = true;
    }
    return helped;
}

static void await_job(cn_pool* pool, cn_helper* self, uint32_t epoch)
{
    if (spin_while(&pool->epoch, epoch, pool->spin_nanoseconds))
        return;
    /* Counted before the epoch is compared (by cn_wait), as announce changes the epoch before it reads the count: one of the
     * two sees the other. */
    atomic_store(&self->state, ASLEEP);
    atomic_fetch_add(&pool->sleepers, 1);
    cn_wait(&pool->epoch, epoch);
    atomic_fetch_sub(&pool->sleepers, 1);
    if (atomic_exchange(&self->state, AWAKE) == KEPT_OFF)
        cn_run_anywhere(&self->place);
}

CN_THREAD_MAIN(helper_main)
{
    cn_helper* self = argument;
    cn_pool* pool = self->pool;
    cn_find_place(&self->place);
    for (;;) {
        uint32_t epoch = atomic_load(&pool->epoch);
        if (atomic_load(&pool->ended))
            return 0;
        if (!help(pool, self->number))
            await_job(pool, self, epoch);
    }
}

/* ---- The callers' side ------------------------------------------------------------------------------------------------- */

static cn_slot* take_slot(cn_pool* pool)
{
    for (int32_t i = 0; i < pool->threads; i++) {
        uint32_t free_state = 0;
        if (atomic_compare_exchange_strong_explicit(&pool->slots[i].state, &free_state, TAKEN, memory_order_acquire,
                                                    memory_order_relaxed))
            return &pool->slots[i];
    }
    return NULL;
}

static void keep_sleepers_off(cn_pool* pool)
{
    for (int32_t i = 0; i < pool->started; i++) {
        cn_helper* helper = &pool->helpers[i];
        uint32_t state = atomic_load(&helper->state);
        if (state == AWAKE)
            continue;
        cn_keep_off_this_processor(&helper->place);
        while (state != AWAKE && !atomic_compare_exchange_weak(&helper->state, &state, KEPT_OFF)) {
        }
        if (state == AWAKE)
            cn_run_anywhere(&helper->place); /* it woke before it could know */
    }
}

static void announce(cn_pool* pool, uint32_t helpers)
{
    atomic_fetch_add(&pool->epoch, 1);
    uint32_t sleepers = atomic_load(&pool->sleepers);
    if (sleepers == 0)
        return;
    if (sleepers <= MOST_KEPT_OFF && pool->spin_nanoseconds > 0) /* which it is where there are processors enough */
        keep_sleepers_off(pool);
    cn_wake(&pool->epoch, helpers < sleepers ? helpers : sleepers);
}

static void await_helpers(cn_pool* pool, cn_slot* slot)
{
    uint32_t state = atomic_fetch_and_explicit(&slot->state, ~OPEN, memory_order_acquire) & ~OPEN;
    while (ACTIVE(state) > 0) {
        if (!spin_while(&slot->state, state, pool->spin_nanoseconds)) {
            state = atomic_fetch_or(&slot->state, SLEEPING) | SLEEPING;
            if (ACTIVE(state) > 0)
                cn_wait(&slot->state, state);
        }
        state = atomic_load_explicit(&slot->state, memory_order_acquire);
    }
}

static int32_t run_shared(cn_pool* pool, cn_slot* slot, uint32_t helpers)
{
    atomic_store_explicit(&slot->state, TAKEN | OPEN | helpers * SEAT, memory_order_release);
    announce(pool, helpers);
    work(&slot->job, 0, 0);
    await_helpers(pool, slot);
    int32_t result = atomic_load_explicit(&slot->job.result, memory_order_relaxed);
    atomic_store_explicit(&slot->state, 0, memory_order_release);
    return result;
}

static int32_t run_alone(int64_t count, cn_task task, void* context, uint32_t flags)
{
    cn_job job;
    prepare(&job, 1, count, task, context, flags);
    work(&job, 0, 0);
    return atomic_load_explicit(&job.result, memory_order_relaxed);
}

int32_t cn_pool_run(cn_pool* pool, int32_t max_workers, int64_t count, cn_task task, void* context, uint32_t flags)
{
    int64_t participants = max_workers < pool->threads ? max_workers : pool->threads;
    participants = count < participants ? count : participants;
    if (participants <= 1 || in_task)
        return run_alone(count, task, context, flags);

    int32_t result;
    atomic_fetch_add_explicit(&pool->callers, 1, memory_order_relaxed);
    cn_slot* slot = take_slot(pool);
    if (slot == NULL) {
        result = run_alone(count, task, context, flags);
    } else {
        prepare(&slot->job, participants, count, task, context, flags);
        result = run_shared(pool, slot, (uint32_t)participants - 1);
    }
    if (atomic_fetch_sub_explicit(&pool->callers, 1, memory_order_release) == (CLOSING | 1))
        cn_wake(&pool->callers, 1); /* by address only: the pool may be gone */
    return result;
}

/* ---- Life -------------------------------------------------------------------------------------------------------------- */

static uint64_t pool_bytes(int32_t threads)
{
    return sizeof(cn_pool) + (uint64_t)threads * sizeof(cn_slot);
}

static bool start_thread(cn_pool* pool)
{
    cn_helper* helper = &pool->helpers[pool->started];
    helper->pool = pool;
    helper->number = pool->started + 1;
    return cn_thread_start(&helper->handle, helper_main, helper);
}

static void end_threads(cn_pool* pool)
{
    atomic_store(&pool->ended, true);
    atomic_fetch_add(&pool->epoch, 1);
    cn_wake(&pool->epoch, (uint32_t)pool->threads);
    for (int32_t i = 0; i < pool->started; i++)
        cn_thread_join(pool->helpers[i].handle);
    free(pool->helpers);
    cn_aligned_free(pool, pool_bytes(pool->threads));
}

cn_pool* cn_pool_create(int32_t threads)
{
    if (threads < 1 || threads > CN_POOL_MAX_THREADS)
        return NULL;
    cn_pool* pool = cn_aligned_alloc(pool_bytes(threads), 64, CN_ALLOC_ZERO);
    if (pool == NULL)
        return NULL;
    pool->threads = threads;
    /* A spinning thread must never hold the processor that the thread it waits for needs. */
    pool->spin_nanoseconds = threads <= cn_cpu_budget() ? SPIN_NANOSECONDS : 0;
    pool->helpers = calloc((size_t)threads, sizeof *pool->helpers);
    while (pool->helpers != NULL && pool->started < threads - 1 && start_thread(pool))
        pool->started++;
    if (pool->helpers != NULL && pool->started == threads - 1)
        return pool;
    end_threads(pool);
    return NULL;
}

int32_t cn_pool_threads(const cn_pool* pool)
{
    return pool->threads;
}

void cn_pool_destroy(cn_pool* pool)
{
    if (pool == NULL)
        return;
    uint32_t callers = atomic_fetch_or_explicit(&pool->callers, CLOSING, memory_order_acquire) | CLOSING;
    while (callers != CLOSING) {
        cn_wait(&pool->callers, callers);
        callers = atomic_load_explicit(&pool->callers, memory_order_acquire);
    }
    end_threads(pool);
}
