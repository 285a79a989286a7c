// What a way to get sound has to bring: one table a driver, as mpv's audio outputs have it.
#ifndef AUDIO_CAPTURE_DRIVER_H
#define AUDIO_CAPTURE_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "audio/capture.h"
#include "capture_feed.h"

typedef struct CaptureDriver {
    const char *name;  // what the option takes
    const char *title; // for people
    // A device, which may be lost and come back: a supervisor opens it again and again. Otherwise
    // it is opened once, by audio_capture_open, and its first error is its last.
    bool live;

    // Mandatory. The supervisor's thread, or the owner's where the driver is not live. Begins the
    // feed and lets frames flow into it from a thread of the driver's own, until close. Takes two
    // seconds at the longest, whatever the other side does. The error is a sentence for people:
    // NOT_FOUND (no server, no such device), PERMISSION, BUSY, TIMEOUT, IO.
    ScoutStatus (*open)(const AudioCaptureOptions *options, CaptureFeed *feed, void **state,
                        ScoutError *error);

    // Mandatory. The same thread. When it returns, nothing touches the feed any more; feed->closing
    // was raised before. Takes half a second at the longest.
    void (*close)(void *state);

    // Optional, any thread: whether what serves it answers at all. If it does not, another driver
    // for devices may be tried in its place. A second at the longest.
    bool (*answers)(void);

    // Optional: lists devices, at most AUDIO_DEVICES_MAX, and writes how many. Any thread, a second
    // at the longest. Errors as open's.
    ScoutStatus (*list)(AudioDevice *devices, size_t *count, ScoutError *error);
} CaptureDriver;

extern const CaptureDriver CAPTURE_FILE;
extern const CaptureDriver CAPTURE_RAW;
extern const CaptureDriver CAPTURE_NULL;

// Those for devices are in modules beside the programs: libpulse and PortAudio take a millisecond
// and more to load, which only a capture shall pay. Each module shows one table under this name.
#define CAPTURE_DRIVER_SYMBOL      scout_capture_driver
#define CAPTURE_DRIVER_SYMBOL_NAME "scout_capture_driver"

enum { CAPTURE_CANDIDATES_MAX = 2 };

// The drivers to try for a name, in order; NULL means those for devices. Loads modules. Errors:
// INVALID_ARGUMENT (no such driver), UNSUPPORTED (none of them can be loaded).
ScoutStatus capture_drivers_find(const char *name,
                                 const CaptureDriver *drivers[CAPTURE_CANDIDATES_MAX],
                                 size_t *count, ScoutError *error);

#endif
