#if !defined(_WIN32)
#define _GNU_SOURCE /* sched_getaffinity, CPU_ALLOC */
#endif

#include "convnative.h"
#include "cpu_budget.h"

#include <stdbool.h>

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t at_least_one(int64_t cpus)
{
    return cpus < 1 ? 1 : cpus > INT32_MAX ? INT32_MAX : (int32_t)cpus;
}

#if defined(_WIN32)

#include <windows.h>

static int32_t bit_count(DWORD_PTR mask)
{
    int32_t bits = 0;
    for (; mask != 0; mask &= mask - 1)
        bits++;
    return bits;
}

/* An affinity mask covers one processor group (up to 64 processors); a process that spans several has no mask. */
static int32_t affinity_cpus(void)
{
    DWORD_PTR process, system;
    USHORT groups[64], count = 64;
    bool spans_groups = GetProcessGroupAffinity(GetCurrentProcess(), &count, groups) && count > 1;
    if (!spans_groups && GetProcessAffinityMask(GetCurrentProcess(), &process, &system) && process != 0)
        return bit_count(process);
    return at_least_one(GetActiveProcessorCount(ALL_PROCESSOR_GROUPS));
}

#define MIN_MAX_RATE 0x10u /* JOB_OBJECT_CPU_RATE_CONTROL_MIN_MAX_RATE, which older headers lack */

/* A job object's rate is in 1/10000 of all processors of the system; of a minimum and a maximum the maximum is the upper half. */
static int32_t quota_cpus(void)
{
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION control;
    if (!QueryInformationJobObject(NULL, JobObjectCpuRateControlInformation, &control, sizeof control, NULL)
        || (control.ControlFlags & JOB_OBJECT_CPU_RATE_CONTROL_ENABLE) == 0)
        return CN_NO_LIMIT;
    int64_t rate = 0;
    if ((control.ControlFlags & MIN_MAX_RATE) != 0)
        rate = control.CpuRate >> 16;
    else if ((control.ControlFlags & JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP) != 0)
        rate = control.CpuRate;
    return rate == 0 ? CN_NO_LIMIT : at_least_one((rate * GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) + 9999) / 10000);
}

#else

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_BYTES 4096
#define LINE_BYTES (3 * PATH_BYTES) /* a line of mountinfo holds two paths */
#define MAX_CPUS ((size_t)1 << 20)

static int32_t affinity_cpus(void)
{
    for (size_t cpus = 1024; cpus <= MAX_CPUS; cpus *= 2) {
        size_t bytes = CPU_ALLOC_SIZE(cpus);
        cpu_set_t* set = CPU_ALLOC(cpus);
        if (set == NULL)
            break;
        int error = sched_getaffinity(0, bytes, set) == 0 ? 0 : errno;
        int count = error == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (error == 0)
            return at_least_one(count);
        if (error != EINVAL) /* EINVAL: the kernel's mask is longer */
            break;
    }
    return at_least_one(sysconf(_SC_NPROCESSORS_ONLN));
}

typedef struct {
    bool v2;
    char group[PATH_BYTES];       /* this process's group within the hierarchy */
    char mount_root[PATH_BYTES];  /* the group of the hierarchy that is mounted */
    char mount_point[PATH_BYTES]; /* and where */
} hierarchy;

static bool in_comma_list(const char* list, const char* name)
{
    size_t length = strlen(name);
    for (const char* item = list; item != NULL; item = strchr(item, ','), item = item != NULL ? item + 1 : NULL)
        if (strncmp(item, name, length) == 0 && (item[length] == ',' || item[length] == '\0'))
            return true;
    return false;
}

static FILE* open_below(const char* root, const char* path)
{
    char full[2 * PATH_BYTES];
    int length = snprintf(full, sizeof full, "%s%s", root, path);
    return length > 0 && (size_t)length < sizeof full ? fopen(full, "re") : NULL;
}

/* Lines of /proc/self/cgroup: "id:controllers:group"; version 2 has id 0 and no controllers. */
static bool find_group(const char* root, hierarchy* h)
{
    FILE* file = open_below(root, "/proc/self/cgroup");
    if (file == NULL)
        return false;
    char line[LINE_BYTES];
    bool found = false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char* controllers = strchr(line, ':');
        char* group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
        if (group == NULL || strlen(group + 1) >= sizeof h->group)
            continue;
        *controllers++ = '\0';
        *group++ = '\0';
        found = h->v2 ? strcmp(line, "0") == 0 && *controllers == '\0' : in_comma_list(controllers, "cpu");
        strcpy(h->group, group);
    }
    fclose(file);
    return found;
}

/* Lines of /proc/self/mountinfo: "id parent device root point options [tags] - type source super_options". */
static bool find_mount(const char* root, hierarchy* h)
{
    FILE* file = open_below(root, "/proc/self/mountinfo");
    if (file == NULL)
        return false;
    char line[LINE_BYTES], type[64], options[PATH_BYTES];
    bool found = false;
    while (!found && fgets(line, sizeof line, file) != NULL) {
        const char* tail = strstr(line, " - ");
        if (tail == NULL || sscanf(tail, " - %63s %*s %4095s", type, options) != 2
            || sscanf(line, "%*s %*s %*s %4095s %4095s", h->mount_root, h->mount_point) != 2)
            continue;
        found = h->v2 ? strcmp(type, "cgroup2") == 0 : strcmp(type, "cgroup") == 0 && in_comma_list(options, "cpu");
    }
    fclose(file);
    return found;
}

static int32_t quotient_rounded_up(long long quota, long long period)
{
    return quota > 0 && period > 0 ? at_least_one((quota - 1) / period + 1) : CN_NO_LIMIT;
}

/* cpu.max: "max period" or "quota period", in microseconds. */
static int32_t group_cpus_v2(const char* root, const char* directory)
{
    char path[PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/cpu.max", directory);
    FILE* file = open_below(root, path);
    if (file == NULL)
        return CN_NO_LIMIT;
    long long quota, period;
    bool limited = fscanf(file, "%lld %lld", &quota, &period) == 2;
    fclose(file);
    return limited ? quotient_rounded_up(quota, period) : CN_NO_LIMIT;
}

static long long read_number(const char* root, const char* directory, const char* name)
{
    char path[PATH_BYTES + 32];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE* file = open_below(root, path);
    if (file == NULL)
        return -1;
    long long value;
    bool read = fscanf(file, "%lld", &value) == 1;
    fclose(file);
    return read ? value : -1;
}

/* cpu.cfs_quota_us: -1 when there is none. */
static int32_t group_cpus_v1(const char* root, const char* directory)
{
    return quotient_rounded_up(read_number(root, directory, "cpu.cfs_quota_us"),
                               read_number(root, directory, "cpu.cfs_period_us"));
}

/* The directory of the group below the mount point. A group outside of what is mounted (a container that sees its own group as
 * the root of the hierarchy) is the mount point itself. */
static bool group_directory(const hierarchy* h, char directory[PATH_BYTES])
{
    size_t prefix = strcmp(h->mount_root, "/") == 0 ? 0 : strlen(h->mount_root);
    bool below = strncmp(h->group, h->mount_root, prefix) == 0 && (h->group[prefix] == '/' || h->group[prefix] == '\0')
                 && strstr(h->group, "/..") == NULL;
    const char* relative = below && strcmp(h->group, "/") != 0 ? h->group + prefix : "";
    int length = snprintf(directory, PATH_BYTES, "%s%s", h->mount_point, relative);
    return length > 0 && length < PATH_BYTES;
}

static int32_t hierarchy_cpus(const char* root, bool v2)
{
    hierarchy h = {.v2 = v2};
    char directory[PATH_BYTES];
    if (!find_group(root, &h) || !find_mount(root, &h) || !group_directory(&h, directory))
        return CN_NO_LIMIT;
    int32_t cpus = CN_NO_LIMIT;
    for (size_t top = strlen(h.mount_point); strlen(directory) >= top; *strrchr(directory, '/') = '\0')
        cpus = smaller(cpus, v2 ? group_cpus_v2(root, directory) : group_cpus_v1(root, directory));
    return cpus;
}

int32_t cn_cgroup_cpus(const char* root)
{
    return smaller(hierarchy_cpus(root, true), hierarchy_cpus(root, false));
}

static int32_t quota_cpus(void)
{
    return cn_cgroup_cpus("");
}

#endif

int32_t cn_cpu_budget(void)
{
    return smaller(affinity_cpus(), quota_cpus());
}
