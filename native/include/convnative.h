/* ConvNative's native helper: aligned memory, the process's CPU budget, floating-point state and a thread pool.
 *
 * Every function may be called from any thread at any time unless it says otherwise. Nothing runs at load time, nothing is
 * printed, nothing aborts. A library whose cn_abi_version() differs from CN_ABI_VERSION must not be used. */
#ifndef CONVNATIVE_H
#define CONVNATIVE_H

#include <stdint.h>

#if defined(_WIN32) && defined(CN_EXPORTS)
#define CN_API __declspec(dllexport)
#elif defined(_WIN32)
#define CN_API
#else
#define CN_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define CN_ABI_VERSION 1

/* The CN_ABI_VERSION that the library was built with. */
CN_API uint32_t cn_abi_version(void);

/* ---- Aligned memory ---------------------------------------------------------------------------------------------------- */

#define CN_ALLOC_ZERO 1u /* every byte is 0 */
#define CN_ALLOC_HUGE 2u /* ask for huge pages when bytes >= 4 MiB; best effort, never a reason to fail */

/* bytes >= 1; alignment: a power of two >= 64. NULL when an argument is out of range or the memory cannot be had.
 * The caller owns the block and gives it back with cn_aligned_free. */
CN_API void* cn_aligned_alloc(uint64_t bytes, uint64_t alignment, uint32_t flags);

/* p: from cn_aligned_alloc with the same byte count, or NULL. */
CN_API void cn_aligned_free(void* p, uint64_t bytes);

/* ---- CPU budget -------------------------------------------------------------------------------------------------------- */

/* How many threads this process can keep running at once, >= 1. Linux: the affinity mask of the calling thread, capped by the
 * cgroup v1 and v2 CPU quota of the process's group and of every group above it, rounded up. Windows: the process affinity,
 * capped by the CPU rate of the job object, rounded up. Read anew at each call. */
CN_API int32_t cn_cpu_budget(void);

/* ---- Floating-point state ---------------------------------------------------------------------------------------------- */

/* Makes the calling thread flush denormal results and operands to zero (x86: MXCSR FTZ and DAZ; arm64: FPCR FZ; elsewhere
 * nothing). Returns the state before, for cn_fp_restore on the same thread. */
CN_API uint32_t cn_fp_flush_denormals(void);
CN_API void cn_fp_restore(uint32_t state);

/* ---- Thread pool ------------------------------------------------------------------------------------------------------- */

/* Lives in one process: a child made by fork() without exec must not use or destroy its parent's pools. */
typedef struct cn_pool cn_pool;

/* One item of a job. Items of one job run in any order and at the same time; worker is in [0, min(max_workers, threads)) and
 * no two running items of a job share it, so it can index scratch memory. Non-zero stops the job. Must return normally: no
 * C++ or managed exception and no longjmp may leave it. */
typedef int32_t (*cn_task)(void* context, int64_t index, int32_t worker);

#define CN_POOL_MAX_THREADS 4096

/* threads: participants in all, 1 to CN_POOL_MAX_THREADS; the caller of cn_pool_run is one, threads - 1 are created. NULL when
 * out of range or when memory or threads cannot be had. */
CN_API cn_pool* cn_pool_create(int32_t threads);

CN_API int32_t cn_pool_threads(const cn_pool* pool);

/* Waits for running jobs, then ends and joins the threads. No new job may be started once this was called, and a task must
 * not call it. NULL is allowed. */
CN_API void cn_pool_destroy(cn_pool* pool);

#define CN_RUN_FLUSH_DENORMALS 1u /* cn_fp_flush_denormals in each participant during the job, its own state restored after */

/* for (int64_t index = 0; index < count; index++) if ((result = task(context, index, worker)) != 0) return result; return 0;
 *
 * Items are handed out one by one to at most max_workers participants (less than 1 counts as 1); the caller is worker 0. Each
 * thread begins with the same share of the items whenever the job is run, as far as there are 16 of them at most, and helps with
 * the others' shares when its own is done.
 * Returns when every participant has left: 0, or the first non-zero result, after which no further item is begun. What the
 * caller wrote before is visible to the tasks, and what they wrote is visible to the caller after. Several threads may run
 * jobs on one pool at once; idle threads help whichever job has room. A call from within a task, of this pool or another,
 * runs its items inline as worker 0 of the inner job. Allocates nothing. */
CN_API int32_t cn_pool_run(cn_pool* pool, int32_t max_workers, int64_t count, cn_task task, void* context, uint32_t flags);

#ifdef __cplusplus
}
#endif

#endif
