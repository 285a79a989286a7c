// Sound as it comes: a microphone, what the machine plays, a file or raw samples, as 16 kHz s16
// mono frames in order, with what happened to them. A device that is lost is waited for and taken
// up again; nothing here ever gives up on one. docs/audio-capture.md has the threads and the
// invariants.
#ifndef AUDIO_CAPTURE_H
#define AUDIO_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "audio/decoder.h"
#include "base/cancel.h"
#include "base/status.h"
#include "dsp/levels.h"

enum {
    AUDIO_CAPTURE_RATE = AUDIO_SAMPLE_RATE,
    AUDIO_CAPTURE_FRAGMENT_MS = 20, // how often a device is asked to deliver
    AUDIO_CAPTURE_HOLD_MS = 10000,  // what is kept for a consumer that is late; beyond, it overruns
    AUDIO_CAPTURE_MUTED_MS = 3000,  // so long exact zeros from a microphone: a hint
    AUDIO_CAPTURE_RAW_RATE_MIN = 8000,
    AUDIO_CAPTURE_RAW_RATE_MAX = 192000,
    AUDIO_CAPTURE_RAW_CHANNELS_MAX = 32,
    AUDIO_DEVICE_TEXT_MAX = 256, // with the final NUL
    AUDIO_DEVICES_MAX = 256,
    AUDIO_CAPTURE_TEXT_MAX = 512
};

// ---- Devices

// What AudioCaptureOptions.device takes besides an id.
#define AUDIO_DEVICE_DEFAULT "default" // the microphone that the user's desktop has chosen
#define AUDIO_DEVICE_SYSTEM  "system"  // what the machine plays: the monitor of the default output

typedef struct AudioDevice {
    char id[AUDIO_DEVICE_TEXT_MAX];   // what the option takes; stays the same from day to day
    char name[AUDIO_DEVICE_TEXT_MAX]; // for people
    const char *driver;               // "pulse", "portaudio"; static storage
    bool is_default;                  // AUDIO_DEVICE_DEFAULT, or among monitors AUDIO_DEVICE_SYSTEM
    bool is_monitor;                  // hears what an output plays
} AudioDevice;

// Lists what can be captured with one driver; NULL takes the first that answers, as opening does.
// *devices is freed with mem_free; it may be empty. Takes a second at most. Errors: NOT_FOUND (no
// sound server), INVALID_ARGUMENT (no such driver), UNSUPPORTED (its module or library is
// missing), PERMISSION, TIMEOUT, OUT_OF_MEMORY.
ScoutStatus audio_devices_list(const char *driver, AudioDevice **devices, size_t *count,
                               ScoutError *error);

// ---- One source

typedef enum AudioSampleFormat {
    AUDIO_S16LE,
    AUDIO_S32LE,
    AUDIO_F32LE // [-1, 1]; what is beyond is clipped, what is no number is silence
} AudioSampleFormat;

enum { AUDIO_SCRIPT_LOST = -1, AUDIO_SCRIPT_END = -2 };

// What a "null" source says: fills count frames from position on and returns how many it filled (at
// least 1), or AUDIO_SCRIPT_LOST: the device is gone for now (asked again at the next attempt to
// open it, and as long as it says so), or AUDIO_SCRIPT_END. Called on the source's thread.
typedef int (*AudioScript)(void *context, uint64_t position, int16_t *frames, int count);

typedef struct AudioCaptureOptions {
    // "pulse" (PulseAudio and PipeWire), "portaudio", "file", "raw", "null". NULL: the first of the
    // two for devices that answers.
    const char *driver;
    const char *device; // an id, DEFAULT (so does NULL) or SYSTEM; of "file" the path, "-" as well
    bool fast;          // file, null: as fast as it is read; else as time passes
    AudioDecoderOptions decoder; // file
    int raw_descriptor;          // raw; not closed
    int raw_rate;                // raw; 0: 16,000
    int raw_channels;            // raw; 0: 1. Several are averaged
    AudioSampleFormat raw_format;
    AudioScript null_script; // null; NULL: silence
    void *null_context;
    const Cancel *cancel; // ends a read at once; may be NULL
} AudioCaptureOptions;

typedef enum AudioCaptureState {
    AUDIO_CAPTURE_STARTING,
    AUDIO_CAPTURE_RUNNING,
    AUDIO_CAPTURE_WAITING, // for the device or its server; tried again at least once a second
    AUDIO_CAPTURE_ENDED,   // a file's end, after a stop, or an error that no waiting mends
} AudioCaptureState;

typedef enum AudioCaptureEvent {
    AUDIO_EVENT_NONE,
    AUDIO_EVENT_STARTED,   // the first frame is here; message names the device
    AUDIO_EVENT_WAITING,   // cannot start yet, or for another reason than before
    AUDIO_EVENT_LOST,      // ran, and does no longer
    AUDIO_EVENT_RESUMED,   // runs again; gap_ms says how long it did not
    AUDIO_EVENT_DEVICE,    // runs on with another device
    AUDIO_EVENT_SUSPENDED, // the machine slept for gap_ms, told when it is awake
    AUDIO_EVENT_OVERRUN,   // the frames of this read are silence in place of as many that were lost
    AUDIO_EVENT_MUTED,   // AUDIO_CAPTURE_MUTED_MS of exact zeros: the microphone is probably muted
    AUDIO_EVENT_UNMUTED, // there is sound again
    AUDIO_EVENT_ENDED    // nothing more comes; message is empty unless something was wrong
} AudioCaptureEvent;

enum { AUDIO_CAPTURE_SOURCES_MAX = 2 };

// What one read gives besides frames. The event, if there is one, happened before the first of
// them.
typedef struct AudioCaptureReport {
    AudioCaptureState state;
    AudioCaptureEvent event;
    int source;                           // of the event: 0, or 1 in a set
    ScoutStatus status;                   // WAITING, LOST, ENDED: why; else OK
    char message[AUDIO_CAPTURE_TEXT_MAX]; // of the event: what happened and what to do, a line
    char device[AUDIO_DEVICE_TEXT_MAX];   // STARTED, RESUMED, DEVICE: its name for people
    uint64_t position;                    // frames given before these
    int64_t captured_ns;                  // CLOCK_MONOTONIC when the first of these was heard
    int64_t gap_ms;                       // that were not heard before the first of these; 0: none
    int latency_ms;                       // from being heard to this read, of the first frame
    Levels levels[AUDIO_CAPTURE_SOURCES_MAX]; // of these frames, each channel
} AudioCaptureReport;

typedef struct AudioCapture AudioCapture; // one owner thread

// Checks the options and begins; waits for nothing. That no server or device is there is no error
// but an event of the reads. Errors: INVALID_ARGUMENT, UNSUPPORTED (the driver's module or library
// is missing), OUT_OF_MEMORY, BUSY (no thread to be had), and of a file those of
// audio_decoder_open.
ScoutStatus audio_capture_open(const AudioCaptureOptions *options, AudioCapture **capture,
                               ScoutError *error);
void audio_capture_close(AudioCapture *capture);

// Gives frames, at most `most`, as soon as there are some; waits timeout_ms at the longest. *count
// may be 0: nothing came in time, or report has an event. Frames of one read follow each other
// without a gap. After the event ENDED state stays ENDED. Errors: CANCELLED, OUT_OF_MEMORY; what
// went wrong with the source stands in the report.
ScoutStatus audio_capture_read(AudioCapture *capture, int16_t *frames, size_t most, size_t *count,
                               int timeout_ms, AudioCaptureReport *report, ScoutError *error);

// Hears no more. What was heard until now still comes, then ENDED. Owner thread.
void audio_capture_stop(AudioCapture *capture);

// ---- Several sources

// Sources as the channels of one recording: frames are interleaved, and sound that was heard at one
// time stands in one frame, within 20 ms, however long it lasts and however the devices' clocks
// drift apart. The first source's clock is the recording's. A source that is lost is silence while
// the others go on. One source is passed on as it is.
typedef struct AudioCaptureSet AudioCaptureSet; // one owner thread

ScoutStatus audio_capture_set_open(const AudioCaptureOptions *sources, size_t source_count,
                                   AudioCaptureSet **set, ScoutError *error);
void audio_capture_set_close(AudioCaptureSet *set);

// As audio_capture_read; frames has room for most * source_count samples. state is RUNNING while
// any source runs; gap_ms is only above 0 where no source ran. ENDED comes when all have ended;
// that one of several has is told by LOST.
ScoutStatus audio_capture_set_read(AudioCaptureSet *set, int16_t *frames, size_t most,
                                   size_t *count, int timeout_ms, AudioCaptureReport *report,
                                   ScoutError *error);
void audio_capture_set_stop(AudioCaptureSet *set);

#endif
