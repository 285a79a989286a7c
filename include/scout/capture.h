// Sound from a microphone, from what the machine plays, from a file or a pipe: captured, kept and
// written down as it comes.
//
// A capture reads one or two sources at 16 kHz, keeps every frame in the journal of a recording
// (when it makes one), and listens to each channel with a live stream. Devices that vanish are
// waited for; whatever happens is told of in events.
//
// Threads: the functions may be called by any one thread at a time. Events come from threads of the
// capture's own, one at a time; their receiver may call nothing of the capture but
// scout_capture_cancel.
#ifndef SCOUT_CAPTURE_H
#define SCOUT_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#include <scout/live.h>
#include <scout/speech.h>
#include <scout/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// ---------------------------------------------------------------------------------------- devices

typedef struct ScoutDevice {
    const char *id;     // to name it by
    const char *name;   // for people
    const char *driver; // "pulse", "portaudio"
    int is_default;     // what is taken when none is named
    int is_monitor;     // what the machine plays, not a microphone
} ScoutDevice;

typedef struct ScoutDevices ScoutDevices;

// driver NULL: every one that works here. NOT_FOUND when none does, with a sentence that says what
// to do.
SCOUT_API ScoutStatus scout_devices_new(const char *driver, ScoutDevices **devices,
                                        ScoutError *error);
SCOUT_API void scout_devices_free(ScoutDevices *devices);
SCOUT_API const ScoutDevice *scout_devices_list(const ScoutDevices *devices, size_t *count);

// ----------------------------------------------------------------------------------------- events

typedef enum ScoutCaptureState {
    SCOUT_CAPTURE_STARTING,
    SCOUT_CAPTURE_RUNNING,
    SCOUT_CAPTURE_LOST,   // the device is gone or cannot be opened; it is tried again and again
    SCOUT_CAPTURE_PAUSED, // scout_capture_pause
    SCOUT_CAPTURE_ENDED   // the source has ended
} ScoutCaptureState;

typedef enum ScoutCaptureEventType {
    SCOUT_CAPTURE_EVENT_STATE,   // u.state
    SCOUT_CAPTURE_EVENT_LEVEL,   // u.level: ten times a second
    SCOUT_CAPTURE_EVENT_MUTED,   // u.muted: three seconds of exact zeros, or sound again
    SCOUT_CAPTURE_EVENT_OVERRUN, // u.lost: frames that came faster than they could be taken
    SCOUT_CAPTURE_EVENT_GAP,     // u.lost: the machine slept or the device was away
    SCOUT_CAPTURE_EVENT_DISK,    // u.disk: whenever its state changes, and every ten seconds
    SCOUT_CAPTURE_EVENT_RECORDING_STARTED, // u.recording
    SCOUT_CAPTURE_EVENT_RECORDING_ENDED,   // u.recording: its journal is closed; it can be finished
    SCOUT_CAPTURE_EVENT_LIVE               // u.live: of a channel
} ScoutCaptureEventType;

typedef struct ScoutCaptureEvent {
    ScoutCaptureEventType type;
    double at_s; // of the sound of the capture so far
    union {
        struct {
            ScoutCaptureState state;
            const char *device;  // its name; NULL: none
            const char *message; // LOST: what happened, and what to do; else NULL
        } state;
        struct {
            size_t channels;
            float peak[2], rms[2]; // 0..1, since the last such event
        } level;
        struct {
            size_t channel; // 0-based
            int muted;
        } muted;
        struct {
            size_t channel;
            double seconds; // lost, or away, by the wall clock
            int filled;     // nonzero: as much silence stands in its place
        } lost;
        struct {
            int full;            // nonzero: nothing can be written; sound is kept in memory
            double held_s;       // sound in memory that is not on the disk
            double lost_s;       // sound given up because memory was full, too
            uint64_t free_bytes; // on the disk
            double left_s;       // that the disk has room for; negative: no recording
            const char *message; // NULL when all is well
        } disk;
        struct {
            const char *folder;
            double start_s; // of the capture, where the recording begins
        } recording;
        struct {
            size_t channel;
            const ScoutLiveEvent *event;
        } live;
    } u;
} ScoutCaptureEvent;

// Everything in an event is borrowed until the callback returns. Non-zero ends the capture as
// scout_capture_stop does.
typedef int (*ScoutCaptureCallback)(void *context, const ScoutCaptureEvent *event);

// ---------------------------------------------------------------------------------------- capture

typedef enum ScoutCaptureSource {
    SCOUT_SOURCE_DEVICE,            // a microphone
    SCOUT_SOURCE_SYSTEM,            // what the machine plays
    SCOUT_SOURCE_DEVICE_AND_SYSTEM, // both: channel 0 the microphone, channel 1 the machine
    SCOUT_SOURCE_FILE,              // any sound or video file
    SCOUT_SOURCE_RAW,               // samples without a header from a file descriptor
    SCOUT_SOURCE_NULL               // silence: for tests
} ScoutCaptureSource;

typedef enum ScoutSampleFormat {
    SCOUT_SAMPLES_S16, // little-endian
    SCOUT_SAMPLES_S32,
    SCOUT_SAMPLES_F32
} ScoutSampleFormat;

typedef enum ScoutRecordingMode {
    SCOUT_RECORD_NOTHING,
    SCOUT_RECORD_ALL,   // one recording, from start to stop
    SCOUT_RECORD_VOICE, // one for each time somebody speaks, until a long pause
} ScoutRecordingMode;

typedef struct ScoutCaptureOptions {
    size_t size; // sizeof(ScoutCaptureOptions), set by scout_capture_options_init
    ScoutCaptureSource source;
    const char *driver; // of devices; NULL: the first that works
    const char *device; // its id; NULL: the default one, also when that changes
    const char *path;   // of a file
    int real_time;      // files and raw samples: as fast as sound passes, not as fast as it goes
    int fd;             // of raw samples; borrowed
    int rate, channels; // of raw samples; default 16000, 1; channels are mixed to one
    ScoutSampleFormat format;

    const ScoutLiveOptions *live; // NULL: no text. start_s is ignored

    ScoutRecordingMode recording;
    const char *folder;   // where recordings are made, a folder for each; made if it is missing
    double split_after_s; // RECORD_VOICE: a longer pause ends a recording; 1..3600, default 30
    double pre_roll_s;    // RECORD_VOICE: sound before the first word; 0.5..10, default 1
    // A folder that RECORD_NOTHING keeps a journal in until the capture has ended well: what a
    // crash interrupts can be recovered from there. NULL: none
    const char *safety_folder;
} ScoutCaptureOptions;

SCOUT_API void scout_capture_options_init(ScoutCaptureOptions *options);

typedef struct ScoutCapture ScoutCapture;

// Opens the source and begins. A device that is not there is no error: it is waited for. Options
// are copied, but for the rules of text. engine may be NULL when there is no text and no
// RECORD_VOICE.
SCOUT_API ScoutStatus scout_capture_new(ScoutEngine *engine, const ScoutCaptureOptions *options,
                                        ScoutCaptureCallback callback, void *context,
                                        ScoutCapture **capture, ScoutError *error);

// Sound that comes while paused is neither kept nor listened to, but for what lies before
// scout_capture_resume by at most `pre_roll_s`. An utterance that is being spoken is ended by a
// pause, `after_s` seconds of sound later: a key is released before the word is out.
SCOUT_API ScoutStatus scout_capture_pause(ScoutCapture *capture, double after_s, ScoutError *error);
SCOUT_API ScoutStatus scout_capture_resume(ScoutCapture *capture, double pre_roll_s,
                                           ScoutError *error);

// Takes no more sound. The text of what was taken follows.
SCOUT_API void scout_capture_stop(ScoutCapture *capture); // any thread; async-signal-safe

// Waits until the capture has ended, of itself or stopped, and all events were told.
SCOUT_API ScoutStatus scout_capture_wait(ScoutCapture *capture, ScoutError *error);

// Like stop, but what was not told of yet is not. Any thread; async-signal-safe.
SCOUT_API void scout_capture_cancel(ScoutCapture *capture);

// Cancels what goes on; not from a callback.
SCOUT_API void scout_capture_free(ScoutCapture *capture);

#ifdef __cplusplus
}
#endif

#endif
