// What was told of one input: see document.h.
#include "document.h"

#include <math.h>
#include <string.h>

#include "base/attributes.h"
#include "base/str.h"

// As much as libscout itself keeps of one recording.
enum { DOCUMENT_MAX_BYTES = 1 << 30 };

void document_init(Document *document)
{
    *document = (Document){.view.language = {.code = "", .name = ""}};
    arena_init(&document->arena, DOCUMENT_MAX_BYTES);
    buffer_init(&document->segments, DOCUMENT_MAX_BYTES);
    buffer_init(&document->skipped, DOCUMENT_MAX_BYTES);
}

void document_done(Document *document)
{
    arena_done(&document->arena);
    buffer_done(&document->segments);
    buffer_done(&document->skipped);
}

static void show(Document *document)
{
    View *view = &document->view;
    view->segments = (const ScoutSegment *)(const void *)document->segments.data;
    view->segment_count = document->segments.length / sizeof(ScoutSegment);
    view->skipped = (const ScoutSkipped *)(const void *)document->skipped.data;
    view->skipped_count = document->skipped.length / sizeof(ScoutSkipped);
}

static void round_time(double *seconds)
{
    *seconds = round(*seconds * 1000.0) / 1000.0;
}

static bool keep_text(Arena *arena, const char **text)
{
    if (!*text)
        return true;
    *text = arena_copy_text(arena, *text, strlen(*text));
    return *text != NULL;
}

static bool keep_alternatives(Arena *arena, ScoutWord *word)
{
    if (!word->alternative_count) {
        word->alternatives = NULL;
        return true;
    }
    ScoutAlternative *copy = arena_alloc(arena, word->alternative_count, sizeof(*copy));
    if (!copy)
        return false;
    for (size_t i = 0; i < word->alternative_count; i++) {
        copy[i] = word->alternatives[i];
        if (!keep_text(arena, &copy[i].text))
            return false;
    }
    word->alternatives = copy;
    return true;
}

static bool keep_words(Arena *arena, ScoutSegment *segment)
{
    if (!segment->word_count) {
        segment->words = NULL;
        return true;
    }
    ScoutWord *copy = arena_alloc(arena, segment->word_count, sizeof(*copy));
    if (!copy)
        return false;
    for (size_t i = 0; i < segment->word_count; i++) {
        copy[i] = segment->words[i];
        round_time(&copy[i].start_s);
        round_time(&copy[i].end_s);
        if (!keep_text(arena, &copy[i].text) || !keep_alternatives(arena, &copy[i]))
            return false;
    }
    segment->words = copy;
    return true;
}

static bool keep_tokens(Arena *arena, ScoutSegment *segment)
{
    if (!segment->token_count) {
        segment->tokens = NULL;
        return true;
    }
    int32_t *copy = arena_alloc(arena, segment->token_count, sizeof(*copy));
    if (!copy)
        return false;
    memcpy(copy, segment->tokens, segment->token_count * sizeof(*copy));
    segment->tokens = copy;
    return true;
}

static bool keep_segment(Document *document, ScoutSegment segment)
{
    segment.id = document->view.segment_count;
    round_time(&segment.start_s);
    round_time(&segment.end_s);
    return keep_text(&document->arena, &segment.text) &&
           keep_text(&document->arena, &segment.language) &&
           keep_tokens(&document->arena, &segment) && keep_words(&document->arena, &segment) &&
           buffer_append(&document->segments, &segment, sizeof(segment));
}

static bool keep_skipped(Document *document, ScoutSkipped skipped)
{
    round_time(&skipped.start_s);
    round_time(&skipped.end_s);
    return keep_text(&document->arena, &skipped.text) &&
           buffer_append(&document->skipped, &skipped, sizeof(skipped));
}

static bool keep_language(Document *document, ScoutLanguage language)
{
    document->view.language = language;
    return keep_text(&document->arena, &document->view.language.code) &&
           keep_text(&document->arena, &document->view.language.name);
}

ScoutStatus document_add(Document *document, const ScoutEvent *event, ScoutError *error)
{
    bool kept = true;
    switch (event->type) {
    case SCOUT_EVENT_LANGUAGE: kept = keep_language(document, event->u.language); break;
    case SCOUT_EVENT_SEGMENT: kept = keep_segment(document, event->u.segment); break;
    case SCOUT_EVENT_SKIPPED: kept = keep_skipped(document, event->u.skipped); break;
    case SCOUT_EVENT_PROGRESS: break;
    }
    show(document);
    return kept ? SCOUT_OK : error_no_memory(error);
}

ScoutStatus document_finish(Document *document, const ScoutTranscript *transcript,
                            ScoutError *error)
{
    if (!transcript)
        return SCOUT_OK;
    View *view = &document->view;
    size_t count;
    const ScoutDamage *damage = scout_transcript_damage(transcript, &count);
    if (count) {
        ScoutDamage *copy = arena_alloc(&document->arena, count, sizeof(*copy));
        if (!copy)
            return error_no_memory(error);
        memcpy(copy, damage, count * sizeof(*copy));
        view->damage = copy;
        view->damage_count = count;
    }
    document->source = *scout_transcript_source(transcript);
    document->timings = *scout_transcript_timings(transcript);
    view->source = &document->source;
    view->timings = &document->timings;
    view->duration_s = scout_transcript_duration_s(transcript);
    round_time(&view->duration_s);
    return SCOUT_OK;
}

void document_cut(Document *document, size_t segments, size_t skipped)
{
    document->segments.length =
        BASE_MIN(document->segments.length, segments * sizeof(ScoutSegment));
    document->skipped.length = BASE_MIN(document->skipped.length, skipped * sizeof(ScoutSkipped));
    show(document);
}
