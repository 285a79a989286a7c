// Files: see file.h.
#include "base/file.h"

#include "base/memory.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_READ_BYTES = 64 * 1024,
    FILE_WRITE_BYTES = 1 << 30, // one write call takes less than 2 GiB
    FILE_NAME_TRIES = 16,
    FILE_FOLDER_MODE = 0700,
    FILE_MODE = 0666, // what the umask leaves of it
};

static void close_descriptor(const int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
}

// --- Reading
// ---------------------------------------------------------------------------------------

// Reads at most size bytes, past interruptions; 0 at the end, -1 with errno set.
static ssize_t read_some(int fd, void *bytes, size_t size)
{
    ssize_t got;
    do {
        got = read(fd, bytes, size);
    } while (got < 0 && errno == EINTR);
    return got;
}

static ScoutStatus too_large(const char *path, size_t limit_bytes, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_LIMIT, "%s is larger than the %zu bytes allowed", path,
                     limit_bytes);
}

static ScoutStatus read_descriptor(int fd, const char *path, size_t limit_bytes, Buffer *out,
                                   ScoutError *error)
{
    size_t left = BASE_MIN(limit_bytes, out->limit - out->length);
    struct stat info;
    if (fstat(fd, &info) != 0)
        return error_set_errno(error, errno, "cannot read %s", path);
    if (S_ISREG(info.st_mode) && (uintmax_t)info.st_size > left)
        return too_large(path, left, error);
    // The size is a hint: pipes and files of /proc have none, and a file may grow meanwhile. Past
    // the hint a single byte is tried, so that a file read whole costs no second block.
    size_t hint = S_ISREG(info.st_mode) ? (size_t)info.st_size : (size_t)FILE_READ_BYTES;
    for (size_t limit = left;;) {
        char probe;
        size_t room = BASE_MIN(hint, left);
        char *place = room ? buffer_reserve(out, room) : &probe;
        if (!place)
            return error_no_memory(error);
        ssize_t got = read_some(fd, place, room ? room : 1);
        if (got < 0)
            return error_set_errno(error, errno, "cannot read %s", path);
        if (got == 0)
            return SCOUT_OK;
        if (left == 0)
            return too_large(path, limit, error);
        if (room)
            buffer_commit(out, (size_t)got);
        else if (!buffer_append_char(out, probe))
            return error_no_memory(error);
        left -= (size_t)got;
        hint = room ? hint - (size_t)got : (size_t)FILE_READ_BYTES;
    }
}

ScoutStatus file_read(const char *path, size_t limit_bytes, Buffer *out, ScoutError *error)
{
    BASE_CLEANUP(close_descriptor) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open %s", path);
    size_t length = out->length;
    ScoutStatus status = read_descriptor(fd, path, limit_bytes, out, error);
    if (status != SCOUT_OK && out->data) {
        out->length = length;
        out->data[length] = '\0';
    }
    return status;
}

ScoutStatus file_map(const char *path, FileMap *map, ScoutError *error)
{
    BASE_CLEANUP(close_descriptor) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open %s", path);
    struct stat info;
    if (fstat(fd, &info) != 0)
        return error_set_errno(error, errno, "cannot read %s", path);
    if (!S_ISREG(info.st_mode))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is not a regular file", path);
    if ((uintmax_t)info.st_size > PTRDIFF_MAX)
        return error_set(error, SCOUT_ERROR_LIMIT, "%s is too large for this machine", path);
    if (info.st_size == 0) {
        *map = (FileMap){0};
        return SCOUT_OK;
    }
    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return error_set_errno(error, errno, "cannot map %s", path);
    *map = (FileMap){.data = data, .size = (size_t)info.st_size};
    return SCOUT_OK;
}

void file_unmap(FileMap *map)
{
    if (map->data) {
        void *data; // munmap asks for one without const
        memcpy(&data, &map->data, sizeof data);
        (void)munmap(data, map->size);
    }
    *map = (FileMap){0};
}

// --- Writing
// ---------------------------------------------------------------------------------------

// A file being written beside the one it will become.
typedef struct Draft {
    int folder_fd;
    int fd;
    char name[48];
    bool exists; // under its draft name
} Draft;

static void draft_done(const Draft *draft)
{
    int saved_errno = errno;
    if (draft->fd >= 0)
        (void)close(draft->fd);
    if (draft->exists)
        (void)unlinkat(draft->folder_fd, draft->name, 0);
    if (draft->folder_fd >= 0)
        (void)close(draft->folder_fd);
    errno = saved_errno;
}

// The functions on a draft return 0, or the errno of what failed.
static int draft_open(Draft *draft, const char *folder)
{
    draft->folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (draft->folder_fd < 0)
        return errno;
    for (int i = 0; i < FILE_NAME_TRIES; i++) {
        uint64_t unique;
        if (getrandom(&unique, sizeof unique, GRND_NONBLOCK) != (ssize_t)sizeof unique)
            unique = (uint64_t)getpid() << 16 | (uint64_t)i;
        (void)snprintf(draft->name, sizeof draft->name, ".scout-%016llx.tmp",
                       (unsigned long long)unique);
        draft->fd = openat(draft->folder_fd, draft->name,
                           O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, FILE_MODE);
        if (draft->fd >= 0) {
            draft->exists = true;
            return 0;
        }
        if (errno != EEXIST)
            return errno;
    }
    return EEXIST;
}

static int write_all(int fd, const unsigned char *bytes, size_t length)
{
    while (length) {
        ssize_t written = write(fd, bytes, BASE_MIN(length, (size_t)FILE_WRITE_BYTES));
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        bytes += written;
        length -= (size_t)written;
    }
    return 0;
}

static int draft_fill(Draft *draft, const void *bytes, size_t length)
{
    int failure = write_all(draft->fd, bytes, length);
    if (failure)
        return failure;
    if (fsync(draft->fd) != 0)
        return errno;
    // Closing tells the last errors of a network file system.
    int fd = draft->fd;
    draft->fd = -1;
    return close(fd) == 0 || errno == EINTR ? 0 : errno;
}

static int draft_rename(Draft *draft, const char *name, bool replace)
{
    if (replace) {
        if (renameat(draft->folder_fd, draft->name, draft->folder_fd, name) != 0)
            return errno;
        draft->exists = false;
        return 0;
    }
    if (renameat2(draft->folder_fd, draft->name, draft->folder_fd, name, RENAME_NOREPLACE) == 0) {
        draft->exists = false;
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    // A file system without that flag: a second link fails on an existing name just as well, and
    // the draft's own name goes when the draft is done.
    return linkat(draft->folder_fd, draft->name, draft->folder_fd, name, 0) == 0 ? 0 : errno;
}

static int draft_flush_folder(const Draft *draft)
{
    if (fsync(draft->folder_fd) == 0)
        return 0;
    // Some file systems have nothing to flush for a folder, and say so.
    return errno == EINVAL || errno == ENOTSUP ? 0 : errno;
}

static int write_beside(Draft *draft, const char *folder, const char *name, const void *bytes,
                        size_t length, const struct stat *old, bool replace)
{
    int failure = draft_open(draft, folder);
    if (failure)
        return failure;
    if (old && fchmod(draft->fd, old->st_mode & 07777) != 0)
        return errno;
    failure = draft_fill(draft, bytes, length);
    if (failure)
        return failure;
    failure = draft_rename(draft, name, replace);
    return failure ? failure : draft_flush_folder(draft);
}

// Sets *target to where the bytes shall go, with symbolic links followed, and *info to the file
// that is there now, or *exists to false.
static ScoutStatus find_target(const char *path, char **target, struct stat *info, bool *exists,
                               ScoutError *error)
{
    *exists = lstat(path, info) == 0;
    if (!*exists && errno != ENOENT)
        return error_set_errno(error, errno, "cannot write %s", path);
    if (!*exists || !S_ISLNK(info->st_mode)) {
        *target = mem_copy_text(path, strlen(path));
        return *target ? SCOUT_OK : error_no_memory(error);
    }
    char *resolved = realpath(path, NULL);
    if (!resolved)
        return error_set_errno(error, errno, "cannot follow the link %s", path);
    if (stat(resolved, info) != 0) {
        int failure = errno;
        mem_free(resolved);
        return error_set_errno(error, failure, "cannot write %s", path);
    }
    *target = resolved;
    return SCOUT_OK;
}

ScoutStatus file_write(const char *path, const void *bytes, size_t length, bool replace,
                       ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *target = NULL;
    struct stat info;
    bool exists;
    ScoutStatus status = find_target(path, &target, &info, &exists, error);
    if (status != SCOUT_OK)
        return status;
    if (exists && !replace)
        return error_set(error, SCOUT_ERROR_EXISTS, "%s exists already", path);
    if (exists && !S_ISREG(info.st_mode))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is not a regular file", path);
    const char *name = path_base(target);
    if (*name == '\0')
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "\"%s\" names no file", path);
    // "a" lies in ".", "/a" in "/", "b/a" in "b".
    size_t folder_length = (size_t)(name - target);
    BASE_CLEANUP(mem_free_pointer)
    char *folder = folder_length ? mem_copy_text(target, folder_length) : mem_copy_text(".", 1);
    if (!folder)
        return error_no_memory(error);
    BASE_CLEANUP(draft_done) Draft draft = {.folder_fd = -1, .fd = -1};
    int failure = write_beside(&draft, folder, name, bytes, length, exists ? &info : NULL, replace);
    if (failure == EEXIST && !replace)
        return error_set(error, SCOUT_ERROR_EXISTS, "%s exists already", path);
    return failure ? error_set_errno(error, failure, "cannot write %s", path) : SCOUT_OK;
}
