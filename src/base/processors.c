// Counts the processors this process may use: those of its affinity mask, or fewer when a control
// group limits its processor time (containers, systemd's CPUQuota).
#include "processors.h"

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "base/thread_pool.h"

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <string.h>

enum { CGROUP_FILE_MAX = 64 * 1024, CPU_MAX = 1 << 16 };

static size_t count_affinity(void)
{
    // The kernel refuses a set smaller than its own, whose size it does not tell.
    for (int cpus = CPU_SETSIZE; cpus <= CPU_MAX; cpus *= 2) {
        cpu_set_t *set = CPU_ALLOC(cpus);
        if (!set)
            return 1;
        size_t bytes = CPU_ALLOC_SIZE(cpus);
        int result = sched_getaffinity(0, bytes, set);
        int count = result == 0 ? CPU_COUNT_S(bytes, set) : 0;
        CPU_FREE(set);
        if (count > 0)
            return (size_t)count;
        if (errno != EINVAL)
            return 1;
    }
    return 1;
}

// Reads a small file of the group into out, without its last newline.
static bool read_line(const char *group, const char *name, Buffer *out)
{
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(group, name);
    buffer_clear(out);
    if (!path || file_read(path, CGROUP_FILE_MAX, out, NULL) != SCOUT_OK || out->length == 0)
        return false;
    out->data[strcspn(out->data, "\n")] = '\0';
    return true;
}

static size_t quota_processors(const char *quota_us, const char *period_us)
{
    int64_t quota;
    int64_t period;
    if (!str_to_int(quota_us, 1, INT64_MAX / 2, &quota) ||
        !str_to_int(period_us, 1, INT64_MAX / 2, &period))
        return SIZE_MAX; // "max" and -1 mean none
    return (size_t)((quota + period - 1) / period);
}

// Version 2: cpu.max holds "quota period". Version 1: a file for each.
static size_t group_quota(const char *group, bool version_2)
{
    BASE_CLEANUP(buffer_done) Buffer quota;
    BASE_CLEANUP(buffer_done) Buffer period;
    buffer_init(&quota, CGROUP_FILE_MAX);
    buffer_init(&period, CGROUP_FILE_MAX);
    if (!version_2)
        return read_line(group, "cpu.cfs_quota_us", &quota) &&
                       read_line(group, "cpu.cfs_period_us", &period)
                   ? quota_processors(quota.data, period.data)
                   : SIZE_MAX;
    if (!read_line(group, "cpu.max", &quota))
        return SIZE_MAX;
    char *space = strchr(quota.data, ' ');
    if (!space)
        return SIZE_MAX;
    *space = '\0';
    return quota_processors(quota.data, space + 1);
}

// The least quota of the group at path and of its ancestors up to the root. A container may see its
// group under a path that exists outside only; the root is then its own.
static size_t hierarchy_quota(const char *root, char *path, bool version_2)
{
    size_t least = SIZE_MAX;
    for (;;) {
        BASE_CLEANUP(mem_free_pointer) char *group = path_join(root, path);
        if (!group)
            return least;
        size_t quota = group_quota(group, version_2);
        least = BASE_MIN(least, quota);
        char *slash = strrchr(path, '/');
        if (!slash)
            return least;
        *slash = '\0';
    }
}

static bool has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    while (*list) {
        size_t item = strcspn(list, ",");
        if (item == length && strncmp(list, word, length) == 0)
            return true;
        list += item + (list[item] == ',');
    }
    return false;
}

// One line of the membership file is "number:controllers:path"; version 2 has "0::path".
static size_t line_quota(char *line, const char *root)
{
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path)
        return SIZE_MAX;
    *controllers++ = '\0';
    *path++ = '\0';
    if (*controllers == '\0')
        return hierarchy_quota(root, path, true);
    if (!has_word(controllers, "cpu"))
        return SIZE_MAX;
    // Mounted under the name of its controllers, "cpu,cpuacct", with "cpu" as a link.
    BASE_CLEANUP(mem_free_pointer) char *mount = path_join(root, "cpu");
    return mount ? hierarchy_quota(mount, path, false) : SIZE_MAX;
}

size_t processors_cgroup_quota(const char *membership, const char *root)
{
    BASE_CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, CGROUP_FILE_MAX);
    if (file_read(membership, CGROUP_FILE_MAX, &text, NULL) != SCOUT_OK || text.length == 0)
        return SIZE_MAX;
    size_t least = SIZE_MAX;
    for (char *line = text.data; *line;) {
        size_t length = strcspn(line, "\n");
        char *next = line + length + (line[length] == '\n');
        line[length] = '\0';
        size_t quota = line_quota(line, root);
        least = BASE_MIN(least, quota);
        line = next;
    }
    return least;
}

size_t thread_processors(void)
{
    size_t count = count_affinity();
    size_t quota = processors_cgroup_quota("/proc/self/cgroup", "/sys/fs/cgroup");
    return BASE_MAX(BASE_MIN(count, quota), (size_t)1);
}
