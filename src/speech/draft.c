// Guesses of a smaller model: see draft.h.
#include "draft.h"

#include <assert.h>

#include "base/attributes.h"

enum {
    DEPTH_FIRST = 4,
    DEPTH_MORE = 2,   // when all guesses of a full round were right
    MISSES_MAX = 3,   // then the draft rests
    REST_FIRST = 8,   // rounds
    REST_LONGEST = 64 // each rest without a right guess in between is twice the last
};

// After a guess less probable than this, more would mostly be in vain.
static const double PROBABLE = 0.4;

// ------------------------------------------------------------------------------------------- check

static bool same_marks(const BpeSpecial *a, const BpeSpecial *b)
{
    return a->end == b->end && a->start == b->start && a->language_first == b->language_first &&
           a->language_count == b->language_count && a->translate == b->translate &&
           a->transcribe == b->transcribe && a->start_of_lm == b->start_of_lm &&
           a->start_of_prev == b->start_of_prev && a->no_speech == b->no_speech &&
           a->no_timestamps == b->no_timestamps && a->timestamp_first == b->timestamp_first &&
           a->multilingual == b->multilingual;
}

ScoutStatus draft_check(const WhisperModel *whisper, const WhisperModel *draft, ScoutError *error)
{
    const size_t n_vocab = whisper_dims(whisper)->n_vocab;
    const size_t n_text_ctx = whisper_dims(whisper)->n_text_ctx;
    const size_t n_audio_ctx = whisper_dims(whisper)->n_audio_ctx;
    if (whisper_dims(draft)->n_vocab != n_vocab)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "the draft model has %zu tokens and the model %zu: choose a draft with "
                         "the model's vocabulary, or do without one",
                         whisper_dims(draft)->n_vocab, n_vocab);
    if (!same_marks(bpe_special(whisper_bpe(whisper)), bpe_special(whisper_bpe(draft))))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "the draft model's special tokens are not the model's: choose a draft "
                         "with the model's vocabulary, or do without one");
    if (whisper_dims(draft)->n_text_ctx != n_text_ctx ||
        whisper_dims(draft)->n_audio_ctx != n_audio_ctx)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "the draft model is made for %zu positions of sound and %zu tokens of "
                         "text and the model for %zu and %zu: choose another draft, or do without",
                         whisper_dims(draft)->n_audio_ctx, whisper_dims(draft)->n_text_ctx,
                         n_audio_ctx, n_text_ctx);
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------------------- place

// The prompt's of the place; the others are not needed.
static size_t sequence_of(const Draft *draft)
{
    return batch_first_sequence(draft->place);
}

static void hold(Draft *draft, size_t count)
{
    if (!draft->encoded || draft->held <= count)
        return;
    draft->held = count;
    whisper_sequence_truncate(batch_run(draft->batch), sequence_of(draft), count);
}

void draft_open(Draft *draft)
{
    assert(!draft->has_place);
    *draft = (Draft){.batch = draft->batch, .depth = DEPTH_FIRST, .rest_for = REST_FIRST};
}

void draft_close(Draft *draft)
{
    if (draft->has_place)
        batch_return_place(draft->batch, draft->place, draft->encoding);
    draft->encoding = NULL;
    draft->has_place = draft->encoded = false;
}

bool draft_wants_encoding(const Draft *draft)
{
    return draft->batch && !draft->encoded && !draft->refused;
}

// A place is never waited for: those who hold one may be waiting for a place of another model.
bool draft_try_place(Draft *draft)
{
    if (!draft->has_place)
        draft->has_place = batch_try_place(draft->batch, &draft->place);
    draft->refused = !draft->has_place;
    return draft->has_place;
}

void draft_note_encoded(Draft *draft)
{
    whisper_sequence_start(batch_run(draft->batch), sequence_of(draft), draft->place);
    draft->encoded = true;
    draft->held = 0;
}

void draft_forget_encoded(Draft *draft)
{
    draft->encoded = false;
}

// ------------------------------------------------------------------------------------------ rounds

void draft_start(Draft *draft, size_t prompt_count)
{
    hold(draft, prompt_count);
}

void draft_begin_round(Draft *draft, size_t known, size_t room)
{
    draft->known = known;
    draft->count = 0;
    draft->limit = draft->encoded ? BASE_MIN(draft->depth, room - 1) : 0;
    if (draft->rest > 0) {
        draft->rest--;
        draft->limit = 0;
    }
}

size_t draft_rows(const Draft *draft, const DraftText *text, WhisperRow *rows, size_t most)
{
    const size_t end = draft->known + draft->count, count = end - draft->held;
    if (draft->count >= draft->limit || count > most)
        return 0;
    for (size_t i = 0; i < count; i++) {
        const size_t at = draft->held + i;
        const int32_t token = at < text->prompt_count ? text->prompt[at]
                              : at < draft->known     ? text->text[at - text->prompt_count]
                                                      : draft->guesses[at - draft->known];
        rows[i] = (WhisperRow){sequence_of(draft), token, at + 1 == end};
    }
    return count;
}

void draft_advance(Draft *draft, SearchGuess guess, int32_t end)
{
    draft->held = draft->known + draft->count;
    if (guess.token < 0 || guess.token == end) {
        draft->limit = draft->count; // nothing follows an end
        return;
    }
    draft->guesses[draft->count++] = guess.token;
    if (guess.probability < PROBABLE)
        draft->limit = draft->count;
}

static void learn(Draft *draft, size_t right)
{
    if (right == draft->count) {
        if (draft->count == draft->depth)
            draft->depth = BASE_MIN(draft->depth + DEPTH_MORE, (size_t)DRAFT_MAX);
    } else if (draft->depth > 1) {
        draft->depth--;
    }
    if (right > 0) {
        draft->misses = 0;
        draft->rest_for = REST_FIRST;
    } else if (++draft->misses == MISSES_MAX) {
        draft->misses = 0;
        draft->rest = draft->rest_for;
        draft->rest_for = BASE_MIN(2 * draft->rest_for, (size_t)REST_LONGEST);
    }
}

void draft_end_round(Draft *draft, size_t right)
{
    hold(draft, draft->known + right);
    if (draft->count > 0)
        learn(draft, right);
    draft->count = draft->limit = 0;
}
