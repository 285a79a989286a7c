// Errors: see base/status.h and scout/status.h.
#include "base/status.h"

#include "base/str.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// A little longer than the message, so that str_copy makes the cut, at the end of a character.
enum { ERROR_DRAFT_MAX = SCOUT_ERROR_MESSAGE_MAX + 8 };

const char *scout_status_text(ScoutStatus status)
{
    switch (status) {
#define STATUS_TEXT(name, value, text)                                                             \
    case SCOUT_##name: return text;
        SCOUT_STATUS_TABLE(STATUS_TEXT)
#undef STATUS_TEXT
    }
    return "unknown status";
}

// The message is built aside first: the arguments may point into the error itself.
static ScoutStatus store(ScoutError *error, ScoutStatus status, char *message)
{
    str_make_line(message);
    error->status = status;
    (void)str_copy(error->message, sizeof error->message, message);
    return status;
}

ScoutStatus error_set(ScoutError *error, ScoutStatus status, const char *format, ...)
{
    if (!error)
        return status;
    char message[ERROR_DRAFT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return store(error, status, message);
}

static ScoutStatus status_of_errno(int errno_value)
{
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENXIO:
    case ESRCH: return SCOUT_ERROR_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return SCOUT_ERROR_PERMISSION;
    case ENOSPC:
    case EDQUOT: return SCOUT_ERROR_NO_SPACE;
    case EEXIST:
    case ENOTEMPTY: return SCOUT_ERROR_EXISTS;
    case ENOMEM: return SCOUT_ERROR_OUT_OF_MEMORY;
    case EINVAL:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG: return SCOUT_ERROR_INVALID_ARGUMENT;
    case EFBIG:
    case EMFILE:
    case ENFILE:
    case EMLINK:
    case EOVERFLOW: return SCOUT_ERROR_LIMIT;
    case EAGAIN:
    case EBUSY:
    case ETXTBSY: return SCOUT_ERROR_BUSY;
    case ENOSYS:
    case EOPNOTSUPP: return SCOUT_ERROR_UNSUPPORTED;
    case ETIMEDOUT: return SCOUT_ERROR_TIMEOUT;
    case ECANCELED: return SCOUT_ERROR_CANCELLED;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH: return SCOUT_ERROR_NETWORK;
    default: return SCOUT_ERROR_IO;
    }
}

ScoutStatus error_set_errno(ScoutError *error, int errno_value, const char *format, ...)
{
    ScoutStatus status = status_of_errno(errno_value);
    if (!error)
        return status;
    char what[SCOUT_ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    // The same English sentence whatever the locale.
    const char *why = strerrordesc_np(errno_value);
    return why ? error_set(error, status, "%s: %s", what, why)
               : error_set(error, status, "%s: system error %d", what, errno_value);
}

void error_prefix(ScoutError *error, const char *format, ...)
{
    if (!error)
        return;
    char prefix[SCOUT_ERROR_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    if (error->message[0] == '\0')
        (void)error_set(error, error->status, "%s", prefix);
    else
        (void)error_set(error, error->status, "%s: %s", prefix, error->message);
}
