// Folders of recordings: named so that a person finds them, never in the place of another.
#include "recording_notes.h"

#include "audio/journal_disk.h"
#include "base/file.h"
#include "base/memory.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { SAME_SECOND_MAX = 1000, NAME_BYTES = 64 };

// "2026-11-21 15.04.05": sorts by time, and has no character that a file system dislikes.
static void name_folder(int64_t created_ms, int number, char name[NAME_BYTES])
{
    const time_t seconds = (time_t)(created_ms / 1000);
    struct tm local = {0};
    (void)localtime_r(&seconds, &local);
    size_t length = strftime(name, NAME_BYTES, "%Y-%m-%d %H.%M.%S", &local);
    if (number > 1)
        (void)snprintf(name + length, NAME_BYTES - length, " (%d)", number);
}

ScoutStatus recording_folder_make(const char *root, int64_t created_ms, char **folder,
                                  ScoutError *error)
{
    ScoutStatus status = file_make_folders(root, error);
    if (status)
        return status;
    for (int number = 1; number <= SAME_SECOND_MAX; number++) {
        char name[NAME_BYTES];
        name_folder(created_ms, number, name);
        char *path = path_join(root, name);
        if (!path)
            return error_no_memory(error);
        if (mkdir(path, 0700) == 0) {
            // Its entry has to be there after a loss of power, like what it holds. Where that
            // fails, the first sync of the journal will tell.
            (void)journal_files.sync_folder(journal_files.context, path);
            *folder = path;
            return SCOUT_OK;
        }
        const int failure = errno;
        if (failure != EEXIST)
            status = error_set_errno(error, failure, "cannot make the folder %s", path);
        mem_free(path);
        if (status)
            return status;
    }
    return error_set(error, SCOUT_ERROR_EXISTS, "%s holds too many recordings of one second", root);
}
