// Full disks: see disk.h. The linker's --wrap sends the calls of the code under test here. The
// names with 64 are what a 64-bit off_t makes of them.
#include "disk.h"

#include "base/status.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __real_openat64(int folder, const char *path, int flags, ...);
int __wrap_openat64(int folder, const char *path, int flags, ...);
ssize_t __real_write(int fd, const void *bytes, size_t length);
ssize_t __wrap_write(int fd, const void *bytes, size_t length);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off_t offset);
int __real_ftruncate64(int fd, off_t length);
int __wrap_ftruncate64(int fd, off_t length);
int __real_posix_fallocate64(int fd, off_t offset, off_t length);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t length);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __real_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to);
int __real_renameat2(int from_folder, const char *from, int to_folder, const char *to,
                     unsigned flags);
int __wrap_renameat2(int from_folder, const char *from, int to_folder, const char *to,
                     unsigned flags);
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags);
int __wrap_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags);
int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);

static atomic_bool counting;
static _Atomic size_t calls;
static _Atomic size_t room; // the calls that find room

static bool is_full(void)
{
    if (!atomic_load(&counting) || atomic_fetch_add(&calls, 1) < atomic_load(&room))
        return false;
    errno = ENOSPC;
    return true;
}

int __wrap_open64(const char *path, int flags, ...)
{
    if (!(flags & O_CREAT))
        return __real_open64(path, flags);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return is_full() ? -1 : __real_open64(path, flags, mode);
}

int __wrap_openat64(int folder, const char *path, int flags, ...)
{
    if (!(flags & O_CREAT))
        return __real_openat64(folder, path, flags);
    va_list rest;
    va_start(rest, flags);
    mode_t mode = va_arg(rest, mode_t);
    va_end(rest);
    return is_full() ? -1 : __real_openat64(folder, path, flags, mode);
}

ssize_t __wrap_write(int fd, const void *bytes, size_t length)
{
    return is_full() ? -1 : __real_write(fd, bytes, length);
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off_t offset)
{
    return is_full() ? -1 : __real_pwrite64(fd, bytes, length, offset);
}

int __wrap_ftruncate64(int fd, off_t length)
{
    return is_full() ? -1 : __real_ftruncate64(fd, length);
}

int __wrap_posix_fallocate64(int fd, off_t offset, off_t length)
{
    return is_full() ? ENOSPC : __real_posix_fallocate64(fd, offset, length);
}

int __wrap_fsync(int fd)
{
    return is_full() ? -1 : __real_fsync(fd);
}

int __wrap_fdatasync(int fd)
{
    return is_full() ? -1 : __real_fdatasync(fd);
}

int __wrap_rename(const char *from, const char *to)
{
    return is_full() ? -1 : __real_rename(from, to);
}

int __wrap_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
    return is_full() ? -1 : __real_renameat(from_folder, from, to_folder, to);
}

int __wrap_renameat2(int from_folder, const char *from, int to_folder, const char *to,
                     unsigned flags)
{
    return is_full() ? -1 : __real_renameat2(from_folder, from, to_folder, to, flags);
}

int __wrap_link(const char *from, const char *to)
{
    return is_full() ? -1 : __real_link(from, to);
}

int __wrap_linkat(int from_folder, const char *from, int to_folder, const char *to, int flags)
{
    return is_full() ? -1 : __real_linkat(from_folder, from, to_folder, to, flags);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    return is_full() ? -1 : __real_mkdir(path, mode);
}

void disk_pause(void)
{
    atomic_store(&counting, false);
}

void disk_continue(void)
{
    atomic_store(&counting, true);
}

size_t disk_run_all(DiskTrial trial, void *context, size_t max)
{
    for (size_t good = 0; good < max; good++) {
        atomic_store(&calls, 0);
        atomic_store(&room, good);
        disk_continue();
        ScoutStatus status = trial(context);
        disk_pause();
        size_t made = atomic_load(&calls);
        if (made <= good) {
            if (status != SCOUT_OK)
                fail_msg("on a good disk: %s", scout_status_text(status));
            return made;
        }
        if (status != SCOUT_OK && status != SCOUT_ERROR_NO_SPACE)
            fail_msg("on a disk that is full after %zu calls: %s", good, scout_status_text(status));
    }
    fail_msg("more than %zu calls", max);
    return 0;
}
