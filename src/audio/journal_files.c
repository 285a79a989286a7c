// The journal's disk where it is one: see audio/journal_disk.h.
#include "audio/journal_disk.h"

#include "audio/journal.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { JOURNAL_FILE_MODE = 0600 };

// Locks of this kind go with the descriptor: when its process is gone, so is the lock.
static int lock(int fd)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    // A file system without locks; two writers are then kept apart by nothing.
    return errno == EWOULDBLOCK ? EWOULDBLOCK : 0;
}

static int create_file(void *context, const char *path, int *handle)
{
    (void)context;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, JOURNAL_FILE_MODE);
    if (fd < 0)
        return errno;
    int failure = lock(fd);
    if (failure) { // who looks for journals to recover was quicker, and leaves it when it is empty
        (void)unlink(path);
        (void)close(fd);
        return failure;
    }
    *handle = fd;
    return 0;
}

static int open_file(void *context, const char *path, bool writable, int *handle)
{
    (void)context;
    // Not blocking: it may be a pipe.
    int fd = open(path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return errno;
    struct stat info;
    int failure = 0;
    if (fstat(fd, &info) != 0)
        failure = errno;
    else if (!S_ISREG(info.st_mode))
        failure = S_ISDIR(info.st_mode) ? EISDIR : EINVAL;
    else if (writable)
        failure = lock(fd);
    if (failure) {
        (void)close(fd);
        return failure;
    }
    *handle = fd;
    return 0;
}

static void close_file(void *context, int handle)
{
    (void)context;
    (void)close(handle);
}

static int size_of_file(void *context, int handle, uint64_t *bytes)
{
    (void)context;
    struct stat info;
    if (fstat(handle, &info) != 0)
        return errno;
    *bytes = (uint64_t)info.st_size;
    return 0;
}

static int read_file(void *context, int handle, void *bytes, size_t length, uint64_t offset,
                     size_t *done)
{
    (void)context;
    for (;;) {
        ssize_t got = pread(handle, bytes, length, (off_t)offset);
        if (got >= 0) {
            *done = (size_t)got;
            return 0;
        }
        if (errno != EINTR)
            return errno;
    }
}

static int write_file(void *context, int handle, const void *bytes, size_t length, uint64_t offset,
                      size_t *done)
{
    (void)context;
    for (;;) {
        ssize_t written = pwrite(handle, bytes, length, (off_t)offset);
        if (written >= 0) {
            *done = (size_t)written;
            return 0;
        }
        if (errno != EINTR)
            return errno;
    }
}

static int truncate_file(void *context, int handle, uint64_t bytes)
{
    (void)context;
    return ftruncate(handle, (off_t)bytes) == 0 ? 0 : errno;
}

static int sync_file(void *context, int handle)
{
    (void)context;
    return fdatasync(handle) == 0 ? 0 : errno;
}

static int sync_folder(void *context, const char *path)
{
    (void)context;
    const char *name = strrchr(path, '/');
    size_t length = name ? (size_t)(name - path) : 0;
    char *folder = name ? mem_copy_text(path, length ? length : 1) : mem_copy_text(".", 1);
    if (!folder)
        return ENOMEM;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int failure = fd < 0 ? errno : 0;
    mem_free(folder);
    if (fd < 0)
        return failure;
    // Some file systems have nothing to flush for a folder, and say so.
    if (fsync(fd) != 0 && errno != EINVAL && errno != ENOTSUP)
        failure = errno;
    (void)close(fd);
    return failure;
}

static int free_bytes(void *context, int handle, uint64_t *bytes)
{
    (void)context;
    struct statvfs info;
    if (fstatvfs(handle, &info) != 0)
        return errno;
    *bytes = (uint64_t)info.f_bavail * info.f_frsize;
    return 0;
}

bool journal_is_live(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    bool live = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    (void)close(fd);
    return live;
}

const struct JournalDisk journal_files = {
    .create = create_file,
    .open = open_file,
    .close = close_file,
    .size = size_of_file,
    .read = read_file,
    .write = write_file,
    .truncate = truncate_file,
    .sync = sync_file,
    .sync_folder = sync_folder,
    .free_bytes = free_bytes,
};
