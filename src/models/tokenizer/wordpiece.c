// WordPiece for MiniLM: characters are folded one by one and gathered into words; a word is cut
// into the longest tokens from its front, or is [UNK] as a whole.
#include "wordpiece_private.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "base/str.h"
#include "unicode.h"

#include <string.h>

enum {
    WORD_CHARACTERS_MAX = 100, // a longer word is [UNK]
    WORD_BYTES_MAX = 4 * WORD_CHARACTERS_MAX,
    PREFIX_BYTES = 2 // "##" marks a token that continues a word
};

struct WordPiece {
    TokenTable table;
    int32_t unknown, start, end;
};

// One encoding in progress.
typedef struct WordPieceRun {
    const WordPiece *wordpiece;
    int32_t *ids;
    size_t capacity; // without the final [SEP]
    size_t count;
    // The word so far, behind room for a prefix.
    char word[PREFIX_BYTES + WORD_BYTES_MAX];
    size_t word_bytes;      // without the prefix
    size_t word_characters; // counts on when they no longer fit
} WordPieceRun;

ScoutStatus wordpiece_new_from_tokens(const TokenSpan *tokens, size_t count, WordPiece **wordpiece,
                                      ScoutError *error)
{
    WordPiece *const made = mem_array(1, sizeof *made);
    if (!made) {
        return error_no_memory(error);
    }
    const ScoutStatus status = token_table_init(&made->table, tokens, count, error);
    if (status) {
        wordpiece_free(made);
        return status;
    }
    const struct {
        const char *name;
        int32_t *id;
    } named[] = {{"[UNK]", &made->unknown}, {"[CLS]", &made->start}, {"[SEP]", &made->end}};
    for (size_t i = 0; i < BASE_COUNT(named); i++) {
        *named[i].id = token_table_find(&made->table, named[i].name, strlen(named[i].name));
        if (*named[i].id < 0) {
            wordpiece_free(made);
            return error_set(error, SCOUT_ERROR_CORRUPT, "the vocabulary has no token %s",
                             named[i].name);
        }
    }
    *wordpiece = made;
    return SCOUT_OK;
}

void wordpiece_free(WordPiece *wordpiece)
{
    if (!wordpiece) {
        return;
    }
    token_table_done(&wordpiece->table);
    mem_free(wordpiece);
}

static bool run_full(const WordPieceRun *run)
{
    return run->count >= run->capacity;
}

static void run_put(WordPieceRun *run, int32_t id)
{
    if (!run_full(run)) {
        run->ids[run->count++] = id;
    }
}

// The longest token at the front of text[0..length), which is set to its length; -1 if there is
// none. Characters are not split.
static int32_t longest_token(const TokenTable *table, const char *text, size_t *length)
{
    size_t end = BASE_MIN(*length, table->longest);
    while (end > 0) {
        const bool inside = end < *length && ((uint8_t)text[end] & 0xC0) == 0x80;
        const int32_t id = inside ? -1 : token_table_find(table, text, end);
        if (id >= 0) {
            *length = end;
            return id;
        }
        end--;
    }
    return -1;
}

// Writes the tokens of the word; false, with nothing written, when some part of it has none.
static bool put_pieces(WordPieceRun *run)
{
    const size_t before = run->count;
    char *const text = run->word;
    const size_t total = PREFIX_BYTES + run->word_bytes;
    size_t at = PREFIX_BYTES;
    while (at < total) {
        // A token that continues the word is looked for with its prefix, which overwrites the end
        // of the token before it.
        const size_t prefix = at == PREFIX_BYTES ? 0 : PREFIX_BYTES;
        memset(text + at - prefix, '#', prefix);
        size_t length = total - at + prefix;
        const int32_t id = longest_token(&run->wordpiece->table, text + at - prefix, &length);
        if (id < 0 || length <= prefix) {
            run->count = before;
            return false;
        }
        run_put(run, id);
        at += length - prefix;
    }
    return true;
}

static void finish_word(WordPieceRun *run)
{
    if (run->word_characters > WORD_CHARACTERS_MAX ||
        (run->word_characters > 0 && !put_pieces(run))) {
        run_put(run, run->wordpiece->unknown);
    }
    run->word_bytes = 0;
    run->word_characters = 0;
}

static void add_character(WordPieceRun *run, uint32_t code)
{
    run->word_characters++;
    if (run->word_characters <= WORD_CHARACTERS_MAX) {
        run->word_bytes += utf8_encode(code, run->word + PREFIX_BYTES + run->word_bytes);
    }
}

static void add_folded(WordPieceRun *run, uint32_t code, FoldKind kind)
{
    uint32_t folded[UNICODE_FOLD_MAX];
    const size_t count = unicode_fold(code, folded);
    for (size_t i = 0; i < count; i++) {
        // A letter may fold to punctuation: the sign for "not equal" loses its stroke.
        const bool alone = kind == FOLD_ALONE || unicode_fold_kind(folded[i]) == FOLD_PUNCTUATION;
        if (alone) {
            finish_word(run);
        }
        add_character(run, folded[i]);
        if (alone) {
            finish_word(run);
        }
    }
}

ScoutStatus wordpiece_encode(const WordPiece *wordpiece, const char *text, size_t length,
                             int32_t *ids, size_t capacity, size_t *count, ScoutError *error)
{
    if (capacity < 2) {
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "room for %zu tokens, where [CLS] and [SEP] take 2", capacity);
    }
    WordPieceRun run = {.wordpiece = wordpiece, .ids = ids, .capacity = capacity - 1};
    run_put(&run, wordpiece->start);
    for (size_t at = 0; at < length && !run_full(&run);) {
        uint32_t code;
        at += utf8_decode(text + at, length - at, &code);
        const FoldKind kind = unicode_fold_kind(code);
        if (kind == FOLD_SPACE) {
            finish_word(&run);
        } else if (kind != FOLD_DROP) {
            add_folded(&run, code, kind);
        }
    }
    finish_word(&run);
    ids[run.count++] = wordpiece->end;
    *count = run.count;
    return SCOUT_OK;
}
