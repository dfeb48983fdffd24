#if !defined(_WIN32)
#define _GNU_SOURCE /* mkdtemp, nftw, sched_setaffinity */
#endif

#include "check.h"
#include "convnative.h"
#include "cpu_budget.h"

#if defined(__linux__)

#include <ftw.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define V2_MOUNT "30 20 0:25 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define V1_MOUNTS                                                       \
    "29 20 0:28 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n" \
    "30 20 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct\n"
#define V1_CPU "/sys/fs/cgroup/cpu,cpuacct"

static char root[4096];

static void write_file(const char* path, const char* text)
{
    char full[8192];
    snprintf(full, sizeof full, "%s%s", root, path);
    for (char* slash = strchr(full + strlen(root) + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE* file = fopen(full, "w");
    CHECK(file != NULL, "cannot write %s", full);
    fputs(text, file);
    fclose(file);
}

static int delete_entry(const char* path, const struct stat* status, int type, struct FTW* walk)
{
    (void)status;
    (void)type;
    (void)walk;
    return remove(path);
}

/* An empty file system, with these two files. */
static void start(const char* cgroup, const char* mountinfo)
{
    const char* folder = getenv("TMPDIR");
    snprintf(root, sizeof root, "%s/cn_cgroup_XXXXXX", folder != NULL ? folder : "/tmp");
    CHECK(mkdtemp(root) != NULL, "cannot make %s", root);
    write_file("/proc/self/cgroup", cgroup);
    write_file("/proc/self/mountinfo", mountinfo);
}

static void expect(int32_t cpus, const char* what)
{
    int32_t found = cn_cgroup_cpus(root);
    nftw(root, delete_entry, 16, FTW_DEPTH | FTW_PHYS);
    CHECK(found == cpus, "%s: %d instead of %d", what, found, cpus);
}

static void test_v2(void)
{
    start("0::/app\n", V2_MOUNT);
    write_file("/sys/fs/cgroup/app/cpu.max", "max 100000\n");
    expect(CN_NO_LIMIT, "no quota");

    start("0::/app\n", V2_MOUNT);
    write_file("/sys/fs/cgroup/app/cpu.max", "150000 100000\n");
    expect(2, "1.5 CPUs are rounded up");

    start("0::/app\n", V2_MOUNT);
    write_file("/sys/fs/cgroup/app/cpu.max", "1000 100000\n");
    expect(1, "a hundredth of a CPU");

    start("0::/top/middle/app\n", V2_MOUNT);
    write_file("/sys/fs/cgroup/top/cpu.max", "300000 100000\n");
    write_file("/sys/fs/cgroup/top/middle/cpu.max", "max 100000\n");
    write_file("/sys/fs/cgroup/top/middle/app/cpu.max", "800000 100000\n");
    expect(3, "a group above has the smaller quota");

    start("0::/\n", V2_MOUNT);
    write_file("/sys/fs/cgroup/cpu.max", "200000 50000\n");
    expect(4, "a container that sees its group as the root");

    start("0::/../sibling\n", V2_MOUNT);
    write_file("/sys/fs/cgroup/cpu.max", "500000 100000\n");
    expect(5, "a group outside of the namespace");

    start("0::/app\n", V2_MOUNT);
    write_file("/sys/fs/cgroup/app/cpu.max", "nonsense\n");
    expect(CN_NO_LIMIT, "a file that is not understood");

    start("0::/app\n", "");
    expect(CN_NO_LIMIT, "nothing mounted");
}

static void test_v1(void)
{
    start("5:cpuset:/other\n4:cpu,cpuacct:/app\n", V1_MOUNTS);
    write_file(V1_CPU "/app/cpu.cfs_quota_us", "-1\n");
    write_file(V1_CPU "/app/cpu.cfs_period_us", "100000\n");
    expect(CN_NO_LIMIT, "no quota");

    start("5:cpuset:/other\n4:cpuacct,cpu:/app\n", V1_MOUNTS);
    write_file(V1_CPU "/app/cpu.cfs_quota_us", "250000\n");
    write_file(V1_CPU "/app/cpu.cfs_period_us", "100000\n");
    expect(3, "2.5 CPUs are rounded up");

    start("4:cpu,cpuacct:/top/app\n", V1_MOUNTS);
    write_file(V1_CPU "/top/cpu.cfs_quota_us", "200000\n");
    write_file(V1_CPU "/top/cpu.cfs_period_us", "100000\n");
    write_file(V1_CPU "/top/app/cpu.cfs_quota_us", "-1\n");
    write_file(V1_CPU "/top/app/cpu.cfs_period_us", "100000\n");
    expect(2, "the quota of the group above");

    start("4:cpu,cpuacct:/docker/abc/inner\n", "30 20 0:29 /docker/abc " V1_CPU " rw - cgroup cgroup rw,cpu,cpuacct\n");
    write_file(V1_CPU "/cpu.cfs_quota_us", "700000\n");
    write_file(V1_CPU "/cpu.cfs_period_us", "100000\n");
    write_file(V1_CPU "/inner/cpu.cfs_quota_us", "600000\n");
    write_file(V1_CPU "/inner/cpu.cfs_period_us", "100000\n");
    expect(6, "a container whose group is the mounted root");

    start("4:cpu,cpuacct:/docker/abcdef\n", "30 20 0:29 /docker/abc " V1_CPU " rw - cgroup cgroup rw,cpu,cpuacct\n");
    write_file(V1_CPU "/cpu.cfs_quota_us", "700000\n");
    write_file(V1_CPU "/cpu.cfs_period_us", "100000\n");
    expect(7, "a longer name is not below the mounted root");
}

static void test_both(void)
{
    start("4:cpu:/app\n0::/app\n", "31 20 0:30 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu\n"
                                   "32 20 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
    write_file("/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "400000\n");
    write_file("/sys/fs/cgroup/cpu/app/cpu.cfs_period_us", "100000\n");
    write_file("/sys/fs/cgroup/unified/app/cgroup.procs", "1\n");
    expect(4, "version 1 beside an empty version 2");

    strcpy(root, "/nowhere");
    CHECK(cn_cgroup_cpus(root) == CN_NO_LIMIT, "no files at all");
}

static void test_affinity(void)
{
    cpu_set_t all, one;
    CHECK(sched_getaffinity(0, sizeof all, &all) == 0, "no affinity mask");
    CHECK(cn_cpu_budget() <= CPU_COUNT(&all), "%d of %d processors", cn_cpu_budget(), CPU_COUNT(&all));
    size_t cpu = 0;
    while (!CPU_ISSET(cpu, &all))
        cpu++;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    CHECK(sched_setaffinity(0, sizeof one, &one) == 0, "cannot bind to processor %zu", cpu);
    CHECK(cn_cpu_budget() == 1, "bound to one processor the budget is %d", cn_cpu_budget());
}

#elif defined(_WIN32)

#include <windows.h>

static void test_affinity(void)
{
    DWORD_PTR process, system;
    CHECK(GetProcessAffinityMask(GetCurrentProcess(), &process, &system), "no affinity mask");
    CHECK(SetProcessAffinityMask(GetCurrentProcess(), process & (~process + 1)), "cannot bind to one processor");
    CHECK(cn_cpu_budget() == 1, "bound to one processor the budget is %d", cn_cpu_budget());
}

#endif

int main(void)
{
    CHECK(cn_cpu_budget() >= 1, "the budget is %d", cn_cpu_budget());
#if defined(__linux__)
    test_v2();
    test_v1();
    test_both();
#endif
#if defined(__linux__) || defined(_WIN32)
    test_affinity();
#endif
    return 0;
}
