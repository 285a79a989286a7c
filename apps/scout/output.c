// Where results go: see output.h.
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "exits.h"
#include "terminal.h"

ScoutStatus output_print(Buffer *buffer, bool *closed, ScoutError *error)
{
    if (buffer->failed)
        return error_no_memory(error);
    if (buffer->length)
        terminal_progress_hide();
    while (buffer->length) {
        ssize_t written = write(STDOUT_FILENO, buffer->data, buffer->length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0) {
            *closed = errno == EPIPE;
            return error_set_errno(error, errno, "cannot write to standard output");
        }
        buffer_consume(buffer, (size_t)written);
    }
    return SCOUT_OK;
}

int output_report(Buffer *buffer)
{
    bool closed = false;
    ScoutError error;
    if (!output_print(buffer, &closed, &error))
        return EXIT_DONE;
    if (closed)
        return EXIT_PIPE_CLOSED;
    terminal_error("%s", error.message);
    return EXIT_FAILED;
}

// The input's name without its extension: "a.b" of "x/a.b.wav"; a name that begins with its only
// dot has none.
static char *output_name(const char *folder, const char *input, bool whole, const char *extension)
{
    const char *name = str_equal(input, "-") ? "stdin" : path_base(input);
    const char *dot = strrchr(name, '.');
    size_t length = dot && dot != name && !whole ? (size_t)(dot - name) : strlen(name);
    Buffer file;
    buffer_init(&file, 4096);
    buffer_append(&file, name, length);
    buffer_printf(&file, ".%s", extension);
    char *path = file.failed ? NULL : path_join(folder, buffer_text(&file));
    buffer_done(&file);
    return path;
}

typedef struct Named {
    const char *path;
    size_t input;
} Named;

static int compare_named(const void *a, const void *b)
{
    const Named *left = a;
    const Named *right = b;
    int order = strcmp(left->path, right->path);
    return order ? order : (left->input > right->input) - (left->input < right->input);
}

// Sorts the paths, and marks the inputs whose path another one has too.
static bool find_twins(char *const *paths, size_t count, Named *sorted, bool *twin)
{
    bool found = false;
    for (size_t i = 0; i < count; i++)
        sorted[i] = (Named){paths[i], i};
    qsort(sorted, count, sizeof(*sorted), compare_named);
    for (size_t i = 0; i + 1 < count; i++) {
        if (str_equal(sorted[i].path, sorted[i + 1].path)) {
            twin[sorted[i].input] = twin[sorted[i + 1].input] = true;
            found = true;
        }
    }
    return found;
}

static ScoutStatus plan(const char *folder, const char *const *inputs, size_t count,
                        const char *extension, char **paths, Named *sorted, bool *twin,
                        ScoutError *error)
{
    for (size_t i = 0; i < count; i++) {
        paths[i] = output_name(folder, inputs[i], false, extension);
        if (!paths[i])
            return error_no_memory(error);
    }
    if (!find_twins(paths, count, sorted, twin))
        return SCOUT_OK;
    for (size_t i = 0; i < count; i++) {
        if (!twin[i])
            continue;
        mem_free(paths[i]);
        paths[i] = output_name(folder, inputs[i], true, extension);
        if (!paths[i])
            return error_no_memory(error);
    }
    memset(twin, 0, count * sizeof(*twin));
    if (!find_twins(paths, count, sorted, twin))
        return SCOUT_OK;
    size_t first = 0;
    while (!twin[first])
        first++;
    return error_set(error, SCOUT_ERROR_EXISTS,
                     "two inputs would both be written to %s: rename one, or give them in two runs "
                     "with different --output-dir",
                     paths[first]);
}

ScoutStatus output_plan(const char *folder, const char *const *inputs, size_t count,
                        const char *extension, char ***paths, ScoutError *error)
{
    char **made = mem_array(count, sizeof(*made));
    BASE_CLEANUP(mem_free_pointer) Named *sorted = mem_array(count, sizeof(*sorted));
    BASE_CLEANUP(mem_free_pointer) bool *twin = mem_array(count, sizeof(*twin));
    if (!made || !sorted || !twin) {
        mem_free(made);
        return error_no_memory(error);
    }
    ScoutStatus status = plan(folder, inputs, count, extension, made, sorted, twin, error);
    if (status) {
        output_plan_free(made, count);
        return status;
    }
    *paths = made;
    return SCOUT_OK;
}

void output_plan_free(char **paths, size_t count)
{
    for (size_t i = 0; paths && i < count; i++)
        mem_free(paths[i]);
    mem_free(paths);
}
