// Which recordings there are: see recordings.h.
#include "recordings.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

enum { RECORDINGS_MAX = 1000000 };

char *recordings_home(void)
{
    char *home = path_data_home();
    char *path = home ? path_join(home, "recordings") : NULL;
    mem_free(home);
    return path;
}

static bool holds(const char *folder, const char *name)
{
    char *path = path_join(folder, name);
    const bool exists = path && file_exists(path);
    mem_free(path);
    return exists;
}

static bool is_recording(const char *folder, bool finished)
{
    return holds(folder, "journal") || (finished && holds(folder, "recording.json"));
}

// Takes path.
static ScoutStatus add(Recordings *recordings, char *path, ScoutError *error)
{
    if (!path)
        return error_no_memory(error);
    // Grows at each power of two.
    if ((recordings->count & (recordings->count - 1)) == 0) {
        const size_t room = recordings->count ? recordings->count * 2 : 1;
        char **folders = mem_resize(recordings->folders, room, sizeof *folders);
        if (!folders || room > RECORDINGS_MAX) {
            mem_free(path);
            return error_no_memory(error);
        }
        recordings->folders = folders;
    }
    recordings->folders[recordings->count++] = path;
    return SCOUT_OK;
}

static int by_name(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static ScoutStatus find_in(Recordings *recordings, DIR *folder, const char *path, bool finished,
                           ScoutError *error)
{
    const size_t before = recordings->count;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry && errno)
            return error_set_errno(error, errno, "cannot list %s", path);
        if (!entry)
            break;
        if (str_equal(entry->d_name, ".") || str_equal(entry->d_name, ".."))
            continue;
        char *inner = path_join(path, entry->d_name);
        if (inner && !is_recording(inner, finished)) {
            mem_free(inner);
            continue;
        }
        ScoutStatus status = add(recordings, inner, error);
        if (status)
            return status;
    }
    if (recordings->count > before)
        qsort(recordings->folders + before, recordings->count - before, sizeof(char *), by_name);
    return SCOUT_OK;
}

ScoutStatus recordings_find(Recordings *recordings, const char *path, bool finished,
                            ScoutError *error)
{
    if (is_recording(path, finished))
        return add(recordings, mem_copy_text(path, strlen(path)), error);
    DIR *folder = opendir(path);
    if (!folder)
        return error_set_errno(error, errno, "cannot look for recordings in %s", path);
    ScoutStatus status = find_in(recordings, folder, path, finished, error);
    (void)closedir(folder);
    return status;
}

void recordings_done(Recordings *recordings)
{
    for (size_t i = 0; i < recordings->count; i++)
        mem_free(recordings->folders[i]);
    mem_free(recordings->folders);
    *recordings = (Recordings){0};
}
