// A disk that fills up: from the nth call that needs room on it, all of them fail with ENOSPC.
//
// A test that links full_disk_dep has the calls that make, write, flush and rename files counted
// here, its own and those of the static libraries it links: opening to create, write, pwrite,
// ftruncate, posix_fallocate, fsync, fdatasync, rename, link and mkdir. Removing and reading always
// work, as they do on a full disk.
#ifndef TESTS_DISK_H
#define TESTS_DISK_H

#include <scout/status.h>

#include <stddef.h>

// The work under test. It may look at what is on the disk when it has failed.
typedef ScoutStatus (*DiskTrial)(void *context);

// Runs trial with a disk that is full from the 1st, 2nd, 3rd... call on, until a run has fewer
// calls than that, and returns how many calls that run made. Fails the test when a run on a full
// disk comes back as anything but OK or NO_SPACE, when the last run, on a good disk, is not OK, or
// when it makes max calls or more.
size_t disk_run_all(DiskTrial trial, void *context, size_t max);

// For what a trial does around the work under test: the disk is good from disk_pause on, and goes
// on being as full as it was from disk_continue on. Calls in between do not count.
void disk_pause(void);
void disk_continue(void);

#endif
