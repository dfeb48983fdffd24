#include "check.h"
#include "convnative.h"

static int32_t count_items(void* context, int64_t index, int32_t worker)
{
    (void)index;
    (void)worker;
    ++*(int*)context;
    return 0;
}

int main(void)
{
    CHECK(cn_abi_version() == CN_ABI_VERSION, "the library says version %u", cn_abi_version());
    CHECK(cn_cpu_budget() >= 1, "the budget is %d", cn_cpu_budget());
    cn_fp_restore(cn_fp_flush_denormals());
    void* p = cn_aligned_alloc(1, 64, CN_ALLOC_ZERO);
    CHECK(p != NULL, "1 byte cannot be had");
    cn_aligned_free(p, 1);

    cn_pool* pool = cn_pool_create(1);
    CHECK(pool != NULL && cn_pool_threads(pool) == 1, "no pool of one thread");
    int items = 0;
    CHECK(cn_pool_run(pool, 1, 5, count_items, &items, 0) == 0 && items == 5, "%d of 5 items", items);
    cn_pool_destroy(pool);
    cn_pool_destroy(NULL);
    return 0;
}
