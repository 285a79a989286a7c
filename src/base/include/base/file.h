// Files: whole reads with a cap, writes that are all there or not there at all, read-only maps,
// folders, and where the XDG rules put things.
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/status.h"

// Appends the whole file to out; LIMIT when it is larger than limit_bytes.
ScoutStatus file_read(const char *path, size_t limit_bytes, Buffer *out, ScoutError *error);

// Writes beside path, flushes to disk, then renames: path holds the old content or the new one,
// never half. Without replace, an existing file gives EXISTS. A replaced file keeps its
// permissions, and a symbolic link keeps pointing to the file it names. INVALID_ARGUMENT when path
// is a folder or device.
ScoutStatus file_write(const char *path, const void *bytes, size_t length, bool replace,
                       ScoutError *error);

// A read-only private map of a whole regular file; data is NULL for an empty one. Reading a map
// whose file was cut short meanwhile raises SIGBUS: map only files that are replaced, never
// rewritten.
typedef struct FileMap {
    const uint8_t *data;
    size_t size;
} FileMap;

ScoutStatus file_map(const char *path, FileMap *map, ScoutError *error);
void file_unmap(FileMap *map); // a zeroed map is allowed

bool file_exists(const char *path);
bool file_is_folder(const char *path);

// Makes the folder and its missing parents (mode 0700 for those it makes). An existing one is fine.
ScoutStatus file_make_folders(const char *path, ScoutError *error);

// Removes a file or a folder with all it holds (never through a symbolic link). Missing is fine.
ScoutStatus file_remove_tree(const char *path, ScoutError *error);

// Joins with one slash into a new string, or NULL. Free with mem_free.
char *path_join(const char *folder, const char *name);

// The part after the last slash; borrowed from path.
const char *path_base(const char *path);

// $XDG_DATA_HOME/scout, and so on for CONFIG, CACHE and STATE, or their defaults under $HOME. New
// string, free with mem_free; NULL when neither variable is set (errno is ENOENT then) or memory is
// out (ENOMEM).
char *path_data_home(void);
char *path_config_home(void);
char *path_cache_home(void);
char *path_state_home(void);

#endif
