// Collects a stream's events into the transcript that the caller keeps.
#include "transcript.h"

#include <string.h>

#include "base/attributes.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/str.h"
#include "speech/keep.h"

// A day of speech is about 1 MB of text and 50 MB with words and alternatives.
enum { TRANSCRIPT_MAX_BYTES = 1 << 30 };

ScoutStatus transcript_new(ScoutTranscript **transcript, ScoutError *error)
{
    ScoutTranscript *made = mem_array(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    arena_init(&made->arena, TRANSCRIPT_MAX_BYTES);
    buffer_init(&made->text, TRANSCRIPT_MAX_BYTES);
    buffer_init(&made->segments, TRANSCRIPT_MAX_BYTES);
    buffer_init(&made->skipped, TRANSCRIPT_MAX_BYTES);
    made->language = (ScoutLanguage){.code = "", .name = ""};
    made->source.claimed_duration_s = -1.0;
    *transcript = made;
    return SCOUT_OK;
}

void scout_transcript_free(ScoutTranscript *transcript)
{
    if (!transcript)
        return;
    arena_done(&transcript->arena);
    buffer_done(&transcript->text);
    buffer_done(&transcript->segments);
    buffer_done(&transcript->skipped);
    mem_free(transcript);
}

static bool add_segment(ScoutTranscript *transcript, ScoutSegment segment)
{
    if (!keep_segment(&transcript->arena, &segment))
        return false;
    const char *text = segment.text;
    if (!transcript->text.length) {
        while (*text == ' ')
            text++;
    }
    return buffer_append_text(&transcript->text, text) &&
           buffer_append(&transcript->segments, &segment, sizeof(segment));
}

static bool add_skipped(ScoutTranscript *transcript, ScoutSkipped skipped)
{
    return keep_skipped(&transcript->arena, &skipped) &&
           buffer_append(&transcript->skipped, &skipped, sizeof(skipped));
}

ScoutStatus transcript_add(ScoutTranscript *transcript, const ScoutEvent *event, ScoutError *error)
{
    bool kept = true;
    switch (event->type) {
    case SCOUT_EVENT_LANGUAGE:
        transcript->language = event->u.language; // its texts are static
        break;
    case SCOUT_EVENT_SEGMENT: kept = add_segment(transcript, event->u.segment); break;
    case SCOUT_EVENT_SKIPPED: kept = add_skipped(transcript, event->u.skipped); break;
    case SCOUT_EVENT_PROGRESS: break;
    }
    return kept ? SCOUT_OK
                : error_set(error, SCOUT_ERROR_OUT_OF_MEMORY,
                            "the transcript does not fit into memory (at most 1 GiB is kept): "
                            "transcribe the recording in parts");
}

static ScoutStatus copy_damage(ScoutTranscript *transcript, const AudioDecoder *decoder,
                               ScoutError *error)
{
    size_t count;
    size_t total;
    const AudioProblem *problems = audio_decoder_problems(decoder, &count, &total);
    if (!count)
        return SCOUT_OK;
    ScoutDamage *damage = arena_alloc(&transcript->arena, count, sizeof(*damage));
    if (!damage)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++) {
        damage[i].at_s = problems[i].at_s;
        damage[i].to_end = problems[i].to_end;
        str_copy(damage[i].message, sizeof(damage[i].message), problems[i].message);
    }
    transcript->damage = damage;
    transcript->damage_count = count;
    return SCOUT_OK;
}

ScoutStatus transcript_set_source(ScoutTranscript *transcript, const AudioDecoder *decoder,
                                  ScoutError *error)
{
    const AudioInfo *info = audio_decoder_info(decoder);
    ScoutSource *source = &transcript->source;
    str_copy(source->container, sizeof(source->container), info->container);
    str_copy(source->codec, sizeof(source->codec), info->codec);
    source->sample_rate = info->sample_rate;
    source->channels = info->channels;
    source->claimed_duration_s = info->duration_s;
    return copy_damage(transcript, decoder, error);
}

const char *scout_transcript_text(const ScoutTranscript *transcript)
{
    return transcript ? buffer_text(&transcript->text) : "";
}

const ScoutLanguage *scout_transcript_language(const ScoutTranscript *transcript)
{
    return transcript ? &transcript->language : NULL;
}

double scout_transcript_duration_s(const ScoutTranscript *transcript)
{
    return transcript ? transcript->duration_s : 0.0;
}

const ScoutSegment *scout_transcript_segments(const ScoutTranscript *transcript, size_t *count)
{
    *count = transcript ? transcript->segments.length / sizeof(ScoutSegment) : 0;
    return *count ? (const ScoutSegment *)(const void *)transcript->segments.data : NULL;
}

const ScoutSkipped *scout_transcript_skipped(const ScoutTranscript *transcript, size_t *count)
{
    *count = transcript ? transcript->skipped.length / sizeof(ScoutSkipped) : 0;
    return *count ? (const ScoutSkipped *)(const void *)transcript->skipped.data : NULL;
}

const ScoutDamage *scout_transcript_damage(const ScoutTranscript *transcript, size_t *count)
{
    *count = transcript ? transcript->damage_count : 0;
    return *count ? transcript->damage : NULL;
}

const ScoutTimings *scout_transcript_timings(const ScoutTranscript *transcript)
{
    return transcript ? &transcript->timings : NULL;
}

const ScoutSource *scout_transcript_source(const ScoutTranscript *transcript)
{
    return transcript ? &transcript->source : NULL;
}
