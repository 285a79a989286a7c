// Sounds: see sounds.h. libpulse is loaded at the first one.
#include "platform/sounds.h"

#include <math.h>
#include <pthread.h>
#include <pulse/simple.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/condition.h"
#include "base/library.h"
#include "base/log.h"
#include "base/memory.h"

typedef struct Note {
    float hertz;
    float seconds;
} Note;

static const Note notes[][2] = {
    [SOUND_START] = {{587.33F, 0.055F}, {880.0F, 0.075F}},
    [SOUND_STOP] = {{880.0F, 0.055F}, {587.33F, 0.075F}},
    [SOUND_ERROR] = {{233.08F, 0.09F}, {196.0F, 0.14F}},
};

static const float volume = 0.16F;
static const float fade_s = 0.008F; // no clicks

typedef struct Pulse {
    __typeof__(pa_simple_new) *open;
    __typeof__(pa_simple_write) *write;
    __typeof__(pa_simple_drain) *drain;
    __typeof__(pa_simple_free) *free;
} Pulse;

struct Sounds {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    bool waiting; // `next` is to be played
    bool quit;
    Sound next;
};

size_t sounds_make(Sound sound, int16_t out[SOUND_MAX_SAMPLES])
{
    size_t count = 0;
    for (size_t i = 0; i < BASE_COUNT(notes[0]); i++) {
        const Note *note = &notes[sound][i];
        const size_t length = (size_t)(note->seconds * SOUNDS_RATE);
        for (size_t n = 0; n < length && count < SOUND_MAX_SAMPLES; n++) {
            const float t = (float)n / SOUNDS_RATE;
            const float in = BASE_MIN(1.0F, t / fade_s);
            const float gone = BASE_MIN(1.0F, (note->seconds - t) / fade_s);
            const float wave = sinf(2.0F * 3.14159265F * note->hertz * t);
            out[count++] = (int16_t)lrintf(32767.0F * volume * in * gone * wave);
        }
    }
    return count;
}

static bool load(Pulse *pulse)
{
    const LibraryFunction functions[] = {{"pa_simple_new", &pulse->open},
                                         {"pa_simple_write", &pulse->write},
                                         {"pa_simple_drain", &pulse->drain},
                                         {"pa_simple_free", &pulse->free}};
    char problem[256];
    return library_load("libpulse-simple.so.0", functions, BASE_COUNT(functions), problem,
                        sizeof problem);
}

static void play(const Pulse *pulse, Sound sound)
{
    int16_t samples[SOUND_MAX_SAMPLES];
    const size_t count = sounds_make(sound, samples);
    const pa_sample_spec format = {.format = PA_SAMPLE_S16NE, .rate = SOUNDS_RATE, .channels = 1};
    int problem = 0;
    pa_simple *stream = pulse->open(NULL, "Scout", PA_STREAM_PLAYBACK, NULL, "dictation", &format,
                                    NULL, NULL, &problem);
    if (!stream) {
        log_write(LOG_INFO, "sounds", "no sound server to play through");
        return;
    }
    if (pulse->write(stream, samples, count * sizeof samples[0], &problem) == 0)
        (void)pulse->drain(stream, &problem);
    pulse->free(stream);
}

static void *play_all(void *context)
{
    Sounds *sounds = context;
    Pulse pulse = {0};
    bool loaded = false;
    bool usable = false;
    for (;;) {
        pthread_mutex_lock(&sounds->mutex);
        while (!sounds->waiting && !sounds->quit)
            condition_wait(&sounds->condition, &sounds->mutex, NULL);
        const bool waiting = sounds->waiting;
        const Sound next = sounds->next;
        sounds->waiting = false;
        pthread_mutex_unlock(&sounds->mutex);
        if (!waiting)
            return NULL;
        if (!loaded)
            usable = load(&pulse);
        loaded = true;
        if (usable)
            play(&pulse, next);
    }
}

ScoutStatus sounds_new(Sounds **sounds, ScoutError *error)
{
    Sounds *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    pthread_mutex_init(&made->mutex, NULL);
    condition_init(&made->condition);
    if (pthread_create(&made->thread, NULL, play_all, made) != 0) {
        pthread_cond_destroy(&made->condition);
        pthread_mutex_destroy(&made->mutex);
        mem_free(made);
        return error_set(error, SCOUT_ERROR_BUSY, "the system refuses another thread");
    }
    *sounds = made;
    return SCOUT_OK;
}

void sounds_free(Sounds *sounds)
{
    if (!sounds)
        return;
    pthread_mutex_lock(&sounds->mutex);
    sounds->quit = true;
    pthread_cond_broadcast(&sounds->condition);
    pthread_mutex_unlock(&sounds->mutex);
    pthread_join(sounds->thread, NULL);
    pthread_cond_destroy(&sounds->condition);
    pthread_mutex_destroy(&sounds->mutex);
    mem_free(sounds);
}

void sounds_play(Sounds *sounds, Sound sound)
{
    if (!sounds)
        return;
    pthread_mutex_lock(&sounds->mutex);
    sounds->next = sound;
    sounds->waiting = true;
    pthread_cond_broadcast(&sounds->condition);
    pthread_mutex_unlock(&sounds->mutex);
}
