// Tokenizers from packed model files.
#include "bpe_private.h"
#include "wordpiece_private.h"

#include "base/attributes.h"
#include "base/memory.h"

// The tokens of a file, borrowed from it; the array is new, free it with mem_free.
static ScoutStatus tokens_of(const PackedFile *file, TokenSpan **tokens, size_t *count,
                             ScoutError *error)
{
    const size_t total = packed_vocab_count(file);
    if (total == 0) {
        return error_set(error, SCOUT_ERROR_FORMAT,
                         "%s: it holds no vocabulary; import the model again with its vocabulary "
                         "beside it",
                         packed_path(file));
    }
    if (total > TOKEN_COUNT_MAX) {
        return error_set(error, SCOUT_ERROR_LIMIT, "%s: a vocabulary of %zu tokens, %d at most",
                         packed_path(file), total, TOKEN_COUNT_MAX);
    }
    TokenSpan *const spans = mem_array(total, sizeof *spans);
    if (!spans) {
        return error_no_memory(error);
    }
    for (size_t id = 0; id < total; id++) {
        if (!packed_vocab_token(file, id, &spans[id].bytes, &spans[id].length)) {
            spans[id] = (TokenSpan){0};
        }
    }
    *tokens = spans;
    *count = total;
    return SCOUT_OK;
}

ScoutStatus bpe_new(const PackedFile *file, size_t n_vocab, Bpe **bpe, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) TokenSpan *tokens = NULL;
    size_t count = 0;
    ScoutStatus status = tokens_of(file, &tokens, &count, error);
    if (status) {
        return status;
    }
    status = bpe_new_from_tokens(tokens, count, n_vocab, bpe, error);
    if (status) {
        error_prefix(error, "%s", packed_path(file));
    }
    return status;
}

ScoutStatus wordpiece_new(const PackedFile *file, WordPiece **wordpiece, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) TokenSpan *tokens = NULL;
    size_t count = 0;
    ScoutStatus status = tokens_of(file, &tokens, &count, error);
    if (status) {
        return status;
    }
    status = wordpiece_new_from_tokens(tokens, count, wordpiece, error);
    if (status) {
        error_prefix(error, "%s", packed_path(file));
    }
    return status;
}
