// FFmpeg's log as hints: see hints.h.
#include "hints.h"

#include <libavutil/log.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "audio/protocol.h"
#include "base/attributes.h"

static Hints hints;

static bool holds_any(const char *line, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(line, words[i]))
            return true;
    }
    return false;
}

BASE_PRINTF(3, 0)
static void listen(void *object, int level, const char *format, va_list arguments)
{
    static const char *const encrypted[] = {"DRM", "activation_bytes", "encrypted"};
    static const char *const cut_short[] = {"partial file", "ended prematurely",
                                            "Truncating packet", "truncated"};
    (void)object;
    if (level > AV_LOG_WARNING)
        return;
    char line[256];
    int length = vsnprintf(line, sizeof line, format, arguments);
    if (length <= 0)
        return;
    if (strstr(line, "moov atom not found"))
        hints.index_missing = true;
    if (holds_any(line, encrypted, BASE_COUNT(encrypted)))
        hints.encrypted = true;
    if (holds_any(line, cut_short, BASE_COUNT(cut_short)))
        hints.cut_short = true;
    size_t end = strcspn(line, "\r\n");
    if (level <= AV_LOG_ERROR && end)
        protocol_clean_text(hints.last_error, sizeof hints.last_error, line, end);
}

void hints_start(void)
{
    av_log_set_callback(listen);
}

const Hints *hints_get(void)
{
    return &hints;
}
