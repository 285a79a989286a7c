// Status codes and the detail of an error: what every fallible function of libscout returns, and
// what it fills in for the person who has to act on it.
#ifndef SCOUT_STATUS_H
#define SCOUT_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(SCOUT_BUILDING_LIBRARY) && (defined(__GNUC__) || defined(__clang__))
#define SCOUT_API __attribute__((visibility("default")))
#else
#define SCOUT_API
#endif

// One row a status: name, value, short text. Values are part of the ABI and never change.
#define SCOUT_STATUS_TABLE(X)                                                                      \
    X(OK, 0, "ok")                                                                                 \
    X(ERROR_INVALID_ARGUMENT, -1, "invalid argument")                                              \
    X(ERROR_OUT_OF_MEMORY, -2, "out of memory")                                                    \
    X(ERROR_IO, -3, "input or output failed")                                                      \
    X(ERROR_NOT_FOUND, -4, "not found")                                                            \
    X(ERROR_PERMISSION, -5, "permission denied")                                                   \
    X(ERROR_EXISTS, -6, "already exists")                                                          \
    X(ERROR_FORMAT, -7, "the data is not in the expected format")                                  \
    X(ERROR_CORRUPT, -8, "the data is damaged")                                                    \
    X(ERROR_UNSUPPORTED, -9, "not supported")                                                      \
    X(ERROR_LIMIT, -10, "a limit was exceeded")                                                    \
    X(ERROR_CANCELLED, -11, "cancelled")                                                           \
    X(ERROR_TIMEOUT, -12, "timed out")                                                             \
    X(ERROR_CHILD, -13, "a helper process failed")                                                 \
    X(ERROR_NETWORK, -14, "the network failed")                                                    \
    X(ERROR_NO_SPACE, -15, "no space left on the device")                                          \
    X(ERROR_BUSY, -16, "in use")                                                                   \
    X(ERROR_STATE, -17, "called in the wrong order")

typedef enum ScoutStatus {
#define SCOUT_STATUS_ENUM(name, value, text) SCOUT_##name = (value),
    SCOUT_STATUS_TABLE(SCOUT_STATUS_ENUM)
#undef SCOUT_STATUS_ENUM
} ScoutStatus;

enum { SCOUT_ERROR_MESSAGE_MAX = 1024 };

// The detail a person needs: what was wrong with what, and what to do about it. One line of UTF-8,
// without a final full stop or newline. Owned by the caller, who may pass NULL wherever one is
// taken. A function that succeeds leaves it untouched.
typedef struct ScoutError {
    ScoutStatus status;
    char message[SCOUT_ERROR_MESSAGE_MAX];
} ScoutError;

// The short English text of a status; never NULL, static storage, any thread.
SCOUT_API const char *scout_status_text(ScoutStatus status);

#ifdef __cplusplus
}
#endif

#endif
