#ifndef CN_CPU_BUDGET_H
#define CN_CPU_BUDGET_H

#include <stdint.h>

#define CN_NO_LIMIT INT32_MAX

#if !defined(_WIN32)
/* CPUs that the quotas of this process's control groups allow, rounded up, >= 1; CN_NO_LIMIT when none is set. root: put before
 * every path that is read ("" for the real one). */
int32_t cn_cgroup_cpus(const char* root);
#endif

#endif
