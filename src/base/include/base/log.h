// The log: level, component, message, one line each on standard error by default. Never audio,
// transcript text, tokens or keys. Any thread; a line is written whole.
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/attributes.h"

typedef enum LogLevel { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG } LogLevel;

typedef void (*LogSink)(void *context, LogLevel level, const char *component, const char *message);

// Set once, before other threads start. NULL restores standard error.
void log_set_sink(LogSink sink, void *context);
void log_set_level(LogLevel level); // default LOG_WARNING; any thread
LogLevel log_level(void);

void log_write(LogLevel level, const char *component, const char *format, ...) BASE_PRINTF(3, 4);

#endif
