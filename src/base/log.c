// The log: see log.h.
#include "base/log.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_MESSAGE_MAX = 1024, LOG_LINE_MAX = LOG_MESSAGE_MAX + 128 };

static const char *const level_names[] = {
    [LOG_ERROR] = "error",
    [LOG_WARNING] = "warning",
    [LOG_INFO] = "info",
    [LOG_DEBUG] = "debug",
};

// One write per line: lines of several threads or processes do not mix.
static void write_to_stderr(void *context, LogLevel level, const char *component,
                            const char *message)
{
    (void)context;
    char line[LOG_LINE_MAX];
    int length =
        snprintf(line, sizeof line, "%s: %.64s: %s\n", level_names[level], component, message);
    if (length <= 0)
        return;
    size_t size = BASE_MIN((size_t)length, sizeof line - 1);
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line, size);
    } while (written < 0 && errno == EINTR);
}

static LogSink current_sink = write_to_stderr;
static void *current_context;
static atomic_int current_level = LOG_WARNING;

void log_set_sink(LogSink sink, void *context)
{
    current_sink = sink ? sink : write_to_stderr;
    current_context = context;
}

void log_set_level(LogLevel level)
{
    atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

LogLevel log_level(void)
{
    return (LogLevel)atomic_load_explicit(&current_level, memory_order_relaxed);
}

void log_write(LogLevel level, const char *component, const char *format, ...)
{
    if (level > log_level())
        return;
    int saved_errno = errno;
    char message[LOG_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (length >= 0) {
        str_make_line(message);
        current_sink(current_context, level, component, message);
    }
    errno = saved_errno;
}
