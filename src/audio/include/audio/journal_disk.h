// What the journal asks of a disk, as a table of functions: files in fact, and a disk that loses,
// tears or refuses writes in tests. Calls come from one thread at a time for one handle.
#ifndef AUDIO_JOURNAL_DISK_H
#define AUDIO_JOURNAL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Functions return 0 or the errno of what failed.
struct JournalDisk {
    void *context;
    // A new file, EEXIST when there is one; or an existing one, for writing (locked, EWOULDBLOCK
    // when another has it) or for reading.
    int (*create)(void *context, const char *path, int *handle);
    int (*open)(void *context, const char *path, bool writable, int *handle);
    void (*close)(void *context, int handle);
    int (*size)(void *context, int handle, uint64_t *bytes);
    // *done is 0 at the end of the file, and may be less than length.
    int (*read)(void *context, int handle, void *bytes, size_t length, uint64_t offset,
                size_t *done);
    int (*write)(void *context, int handle, const void *bytes, size_t length, uint64_t offset,
                 size_t *done);
    int (*truncate)(void *context, int handle, uint64_t bytes);
    int (*sync)(void *context, int handle);
    int (*sync_folder)(void *context, const char *path); // the folder that path lies in
    int (*free_bytes)(void *context, int handle, uint64_t *bytes);
};

extern const struct JournalDisk journal_files;

#endif
