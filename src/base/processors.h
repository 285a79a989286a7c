// How many processors this process may keep busy. Private to base, apart for its tests.
#ifndef BASE_PROCESSORS_H
#define BASE_PROCESSORS_H

#include <stddef.h>

// The processors that the cgroup quota of this process allows, rounded up; SIZE_MAX without a
// quota. membership is the file /proc/self/cgroup, root the folder /sys/fs/cgroup.
size_t processors_cgroup_quota(const char *membership, const char *root);

#endif
