// Deep copies of events: see keep.h.
#include "speech/keep.h"

#include <string.h>

#include "base/attributes.h"

// Replaces *text by a copy in the arena; NULL stays NULL.
static bool keep_text(Arena *arena, const char **text)
{
    if (!*text)
        return true;
    *text = arena_copy_text(arena, *text, strlen(*text));
    return *text != NULL;
}

static bool keep_words(Arena *arena, ScoutSegment *segment)
{
    if (!segment->word_count) {
        segment->words = NULL;
        return true;
    }
    ScoutWord *words = arena_alloc(arena, segment->word_count, sizeof(*words));
    if (!words)
        return false;
    memcpy(words, segment->words, segment->word_count * sizeof(*words));
    segment->words = words;
    for (size_t i = 0; i < segment->word_count; i++) {
        ScoutWord *word = &words[i];
        if (!keep_text(arena, &word->text))
            return false;
        if (!word->alternative_count) {
            word->alternatives = NULL;
            continue;
        }
        ScoutAlternative *alternatives =
            arena_alloc(arena, word->alternative_count, sizeof(*alternatives));
        if (!alternatives)
            return false;
        memcpy(alternatives, word->alternatives, word->alternative_count * sizeof(*alternatives));
        word->alternatives = alternatives;
        for (size_t j = 0; j < word->alternative_count; j++) {
            if (!keep_text(arena, &alternatives[j].text))
                return false;
        }
    }
    return true;
}

bool keep_segment(Arena *arena, ScoutSegment *segment)
{
    if (!keep_text(arena, &segment->text) || !keep_text(arena, &segment->language))
        return false;
    int32_t *tokens = arena_alloc(arena, BASE_MAX(segment->token_count, 1), sizeof(*tokens));
    if (!tokens)
        return false;
    if (segment->token_count)
        memcpy(tokens, segment->tokens, segment->token_count * sizeof(*tokens));
    segment->tokens = tokens;
    return keep_words(arena, segment);
}

bool keep_skipped(Arena *arena, ScoutSkipped *skipped)
{
    return keep_text(arena, &skipped->text);
}
