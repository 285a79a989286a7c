// Folders: what is there, making them, removing them with all they hold. See file.h.
#include "base/file.h"

#include "base/memory.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FOLDER_MODE = 0700,
    FOLDER_DEPTH_MAX = 64, // each level of a removal holds one descriptor open
};

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

bool file_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static ScoutStatus make_folder(const char *path, ScoutError *error)
{
    if (mkdir(path, FOLDER_MODE) == 0)
        return SCOUT_OK;
    int failure = errno;
    // Whatever mkdir says of a folder that is there: read-only systems do not say EEXIST.
    if (file_is_folder(path))
        return SCOUT_OK;
    if (failure == EEXIST)
        return error_set(error, SCOUT_ERROR_EXISTS,
                         "cannot make the folder %s: a file has its name", path);
    return error_set_errno(error, failure, "cannot make the folder %s", path);
}

ScoutStatus file_make_folders(const char *path, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *part = mem_copy_text(path, strlen(path));
    if (!part)
        return error_no_memory(error);
    if (*part == '\0')
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "an empty path names no folder");
    char *at = part;
    do {
        at += strspn(at, "/");
        at += strcspn(at, "/");
        char kept = *at;
        *at = '\0';
        ScoutStatus status = make_folder(part, error);
        if (status != SCOUT_OK)
            return status;
        *at = kept;
    } while (*at);
    return SCOUT_OK;
}

static ScoutStatus remove_entry(int folder_fd, const char *name, int depth, ScoutError *error);

static ScoutStatus remove_entries(DIR *folder, int depth, ScoutError *error)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry && errno)
            return error_set_errno(error, errno, "cannot list the folder");
        if (!entry)
            return SCOUT_OK;
        if (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."))
            continue;
        ScoutStatus status = remove_entry(dirfd(folder), entry->d_name, depth, error);
        if (status != SCOUT_OK)
            return status;
    }
}

// Each step goes from an open folder to a name in it, and no link is followed: a folder that is
// swapped for a link meanwhile leads nowhere else. The sentence names the entry; callers put its
// folders before.
static ScoutStatus remove_entry(int folder_fd, const char *name, int depth, ScoutError *error)
{
    if (unlinkat(folder_fd, name, 0) == 0 || errno == ENOENT)
        return SCOUT_OK;
    // Linux says EISDIR for a folder, POSIX EPERM.
    if (errno != EISDIR && errno != EPERM)
        return error_set_errno(error, errno, "cannot remove %s", name);
    int unlink_failure = errno;
    if (depth == FOLDER_DEPTH_MAX)
        return error_set(error, SCOUT_ERROR_LIMIT, "cannot remove %s: more than %d folders deep",
                         name, FOLDER_DEPTH_MAX);
    int fd = openat(folder_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno == ENOTDIR ? unlink_failure : errno, "cannot remove %s",
                               name);
    DIR *folder = fdopendir(fd);
    if (!folder) {
        int failure = errno;
        (void)close(fd);
        return error_set_errno(error, failure, "cannot remove %s", name);
    }
    ScoutStatus status = remove_entries(folder, depth + 1, error);
    (void)closedir(folder);
    if (status != SCOUT_OK) {
        error_prefix(error, "%s", name);
        return status;
    }
    if (unlinkat(folder_fd, name, AT_REMOVEDIR) != 0 && errno != ENOENT)
        return error_set_errno(error, errno, "cannot remove %s", name);
    return SCOUT_OK;
}

ScoutStatus file_remove_tree(const char *path, ScoutError *error)
{
    // "link/" would name what the link points to.
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    BASE_CLEANUP(mem_free_pointer) char *name = mem_copy_text(path, length);
    if (!name)
        return error_no_memory(error);
    const char *last = path_base(name);
    if (*last == '\0' || str_equal(last, ".") || str_equal(last, ".."))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "\"%s\" cannot be removed", path);
    return remove_entry(AT_FDCWD, name, 0, error);
}
