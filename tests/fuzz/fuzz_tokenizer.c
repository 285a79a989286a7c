// Fuzzes the tokenizers. The first byte chooses: BPE of arbitrary bytes with Whisper's
// vocabularies, WordPiece with MiniLM's, or a vocabulary made of the bytes themselves.
#include "bpe_private.h"
#include "wordpiece_private.h"

#include "base/buffer.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#include "support/vocabulary.h"

enum { TOKENS_MAX = 512, WORDPIECE_CAPACITY = 64 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static Bpe *english;
static Bpe *multilingual;
static WordPiece *wordpiece;

static void require(bool truth)
{
    if (!truth) {
        abort();
    }
}

static TokenSpan *load(const char *name, Vocabulary *vocabulary)
{
    require(vocabulary_load(name, vocabulary));
    TokenSpan *const spans = calloc(vocabulary->count + 1, sizeof *spans);
    require(spans);
    for (size_t id = 0; id < vocabulary->count; id++) {
        spans[id] = (TokenSpan){vocabulary->tokens[id], vocabulary->lengths[id]};
    }
    return spans;
}

static Bpe *load_bpe(const char *name, size_t n_vocab)
{
    Vocabulary vocabulary;
    TokenSpan *const spans = load(name, &vocabulary);
    Bpe *bpe;
    require(bpe_new_from_tokens(spans, vocabulary.count + 1, n_vocab, &bpe, NULL) == SCOUT_OK);
    free(spans);
    vocabulary_free(&vocabulary);
    return bpe;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    english = load_bpe("english.merges.z", 51864);
    multilingual = load_bpe("multilingual.merges.z", 51866);
    Vocabulary vocabulary;
    TokenSpan *const spans = load("wordpiece.vocab.z", &vocabulary);
    require(wordpiece_new_from_tokens(spans, vocabulary.count, &wordpiece, NULL) == SCOUT_OK);
    free(spans);
    vocabulary_free(&vocabulary);
    return 0;
}

// Decoding gives the text back, with U+FFFD for each malformed byte.
static void fuzz_bpe(const Bpe *bpe, const char *text, size_t length)
{
    int32_t *const ids = calloc(3 * length + 1, sizeof *ids);
    require(ids);
    size_t count = 0;
    require(bpe_encode(bpe, text, length, ids, 3 * length, &count, NULL) == SCOUT_OK);
    Buffer decoded;
    buffer_init(&decoded, 3 * length);
    require(bpe_decode(bpe, ids, count, &decoded));
    const char *at = buffer_text(&decoded);
    for (size_t i = 0; i < length;) {
        uint32_t code;
        char bytes[4];
        i += utf8_decode(text + i, length - i, &code);
        const size_t n = utf8_encode(code, bytes);
        require(memcmp(at, bytes, n) == 0);
        at += n;
    }
    require(at == buffer_text(&decoded) + decoded.length);
    buffer_done(&decoded);
    free(ids);
}

static void fuzz_wordpiece(const char *text, size_t length)
{
    int32_t ids[WORDPIECE_CAPACITY];
    size_t count = 0;
    require(wordpiece_encode(wordpiece, text, length, ids, WORDPIECE_CAPACITY, &count, NULL) ==
            SCOUT_OK);
    require(count >= 2 && count <= WORDPIECE_CAPACITY && ids[0] == 101 && ids[count - 1] == 102);
}

// Tokens separated by line ends, behind the 256 bytes, or alone; any size of the whole.
static void fuzz_vocabulary(const char *text, size_t length)
{
    char bytes[256];
    TokenSpan tokens[TOKENS_MAX];
    size_t count = 0;
    if (length > 0 && text[0] != '\n') {
        for (; count < 256; count++) {
            bytes[count] = (char)count;
            tokens[count] = (TokenSpan){&bytes[count], 1};
        }
    }
    for (size_t at = 0; at < length && count < TOKENS_MAX; count++) {
        const char *const end = memchr(text + at, '\n', length - at);
        const size_t token = end ? (size_t)(end - text) - at : length - at;
        tokens[count] = (TokenSpan){text + at, token};
        at += token + 1;
    }
    Bpe *bpe = NULL;
    if (bpe_new_from_tokens(tokens, count, count + BPE_TIMESTAMPS, &bpe, NULL) == SCOUT_OK) {
        fuzz_bpe(bpe, text, length);
    }
    bpe_free(bpe);
    WordPiece *made = NULL;
    if (wordpiece_new_from_tokens(tokens, count, &made, NULL) == SCOUT_OK) {
        int32_t ids[8];
        size_t ids_count;
        require(wordpiece_encode(made, text, length, ids, 8, &ids_count, NULL) == SCOUT_OK);
    }
    wordpiece_free(made);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    const char *const text = (const char *)data + 1;
    switch (data[0] % 4) {
    case 0: fuzz_bpe(english, text, size - 1); break;
    case 1: fuzz_bpe(multilingual, text, size - 1); break;
    case 2: fuzz_wordpiece(text, size - 1); break;
    default: fuzz_vocabulary(text, size - 1); break;
    }
    return 0;
}
