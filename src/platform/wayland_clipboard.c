// wl-copy and wl-paste: see wayland_clipboard.h. wl-copy offers one kind, so of an old content with
// several kinds the most telling one comes back. Nobody learns who took what.
#include "wayland_clipboard.h"

#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/str.h"
#include "program.h"

enum { CALL_MS = 3000, TYPES_MAX_BYTES = 65536, TYPE_SIZE = 128, PASTE_MS = 500 };

typedef struct WlClipboard {
    bool old_pending;
    char old_type[TYPE_SIZE]; // empty: nothing was there
    Buffer old;
} WlClipboard;

static ScoutStatus call(const char *const *words, const char *input, size_t length, Buffer *output,
                        int *exit_code, ScoutError *error)
{
    char problem[200] = "";
    const Program program = {.words = words,
                             .input = input,
                             .input_length = length,
                             .output = output,
                             .timeout_ms = CALL_MS,
                             .utf8 = true};
    const ScoutStatus status = program_run(&program, exit_code, problem, sizeof problem, error);
    if (status != SCOUT_OK || *exit_code == 0)
        return status;
    return error_set(error, SCOUT_ERROR_IO, "%s: %s", words[0],
                     problem[0] ? problem : "it failed and does not say why");
}

// A picture or a list of files is more than the text that stands for it.
static int worth_of(const char *type)
{
    static const char *const by_worth[] = {"text/plain", "text/plain;charset=utf-8", "text/html",
                                           "image/png", "text/uri-list"};
    for (size_t i = 0; i < BASE_COUNT(by_worth); i++) {
        if (str_equal(type, by_worth[i]))
            return (int)i + 2;
    }
    return str_starts(type, "image/") ? 4 : str_starts(type, "text/") ? 1 : 0;
}

static void choose_type(char *types, char *out, size_t size)
{
    int best = 0;
    bool plain = false;
    for (char *line = types; line && *line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end = '\0';
        plain = plain || str_starts(line, "text/plain");
        if (worth_of(line) > best && strlen(line) < size) {
            best = worth_of(line);
            (void)str_copy(out, size, line);
        }
        line = end ? end + 1 : NULL;
    }
    // Programs paste the plain text of a page more often than its HTML.
    if (plain && str_equal(out, "text/html"))
        (void)str_copy(out, size, "text/plain");
}

static void keep_old(WlClipboard *clipboard)
{
    static const char *const list[] = {"wl-paste", "--list-types", NULL};
    if (clipboard->old_pending)
        return;
    Buffer types;
    int exit_code = 0;
    buffer_init(&types, TYPES_MAX_BYTES);
    buffer_clear(&clipboard->old);
    clipboard->old_type[0] = '\0';
    // It fails when nothing is there, which is as well.
    if (call(list, NULL, 0, &types, &exit_code, NULL) == SCOUT_OK && types.length > 0)
        choose_type(types.data, clipboard->old_type, sizeof clipboard->old_type);
    buffer_done(&types);
    const char *const paste[] = {"wl-paste", "--no-newline", "--type", clipboard->old_type, NULL};
    if (clipboard->old_type[0] &&
        call(paste, NULL, 0, &clipboard->old, &exit_code, NULL) != SCOUT_OK)
        clipboard->old_type[0] = '\0';
    clipboard->old_pending = true;
}

static ScoutStatus put(void *self, const char *text, size_t length, ClipboardKeep keep,
                       ScoutError *error)
{
    static const char *const words[] = {"wl-copy", "--type", "text/plain;charset=utf-8", NULL};
    WlClipboard *clipboard = self;
    int exit_code = 0;
    if (keep == CLIPBOARD_UNTIL_TAKEN)
        keep_old(clipboard);
    else
        clipboard->old_pending = false;
    return call(words, text, length, NULL, &exit_code, error);
}

static ScoutStatus wait_taken(void *self, int timeout_ms, ScoutError *error)
{
    (void)self;
    clock_sleep_ms(BASE_MIN(timeout_ms, PASTE_MS));
    return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                     "nobody can know on Wayland whether a program took the text");
}

static ScoutStatus restore(void *self, ScoutError *error)
{
    static const char *const clear[] = {"wl-copy", "--clear", NULL};
    WlClipboard *clipboard = self;
    int exit_code = 0;
    if (!clipboard->old_pending)
        return SCOUT_OK;
    clipboard->old_pending = false;
    const char *const words[] = {"wl-copy", "--type", clipboard->old_type, NULL};
    const ScoutStatus status =
        clipboard->old_type[0]
            ? call(words, clipboard->old.data, clipboard->old.length, NULL, &exit_code, error)
            : call(clear, NULL, 0, NULL, &exit_code, error);
    buffer_clear(&clipboard->old);
    return status;
}

static void free_clipboard(void *self)
{
    WlClipboard *clipboard = self;
    (void)restore(clipboard, NULL);
    buffer_done(&clipboard->old);
    mem_free(clipboard);
}

ScoutStatus wl_clipboard_new(const ClipboardOptions *options, void **self, ScoutError *error)
{
    (void)options;
    if (!program_exists("wl-copy") || !program_exists("wl-paste"))
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "the clipboard of Wayland needs wl-copy and wl-paste (Debian's package "
                         "wl-clipboard)");
    WlClipboard *clipboard = mem_array(1, sizeof *clipboard);
    if (!clipboard)
        return error_no_memory(error);
    buffer_init(&clipboard->old, CLIPBOARD_OLD_MAX_BYTES);
    *self = clipboard;
    return SCOUT_OK;
}

const ClipboardBackend wl_clipboard_backend = {
    .name = "wl-copy",
    .put = put,
    .wait_taken = wait_taken,
    .restore = restore,
    .free = free_clipboard,
};
