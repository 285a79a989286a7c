// The trie of favoured phrases, with failure links (Aho and Corasick, 1975) so that a phrase that
// begins inside another is not missed: see hotwords.h.
#include "hotwords.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/memory.h"
#include "base/str.h"

enum { VARIANTS_MAX = 4, PHRASE_BYTES_MAX = 1024 };

// A token whose logit lies further below the best one is not raised. Its probability is then under
// 0.03 % of the best one's.
static const float REACH = 8.0f;

typedef struct Node {
    int32_t token;
    uint32_t child_first, child_count; // children stand side by side, by ascending token
    uint32_t fail; // the longest proper ending of this node's path that is a path too
    float value;   // gained on arriving here, since the last complete phrase on the path
    bool end;      // a phrase is complete here
} Node;

struct Hotwords {
    Node *nodes; // node 0 is the root; a node comes after its parent
    uint32_t count;
    float boost;
};

// A phrase's tokens while the trie is built.
typedef struct Path {
    int32_t tokens[HOTWORDS_TOKENS_MAX];
    size_t count;
} Path;

// The nodes still to be built: those of the paths low..high, which share depth tokens.
typedef struct Pending {
    size_t low, high, depth;
} Pending;

static int compare_paths(const void *left, const void *right)
{
    const Path *a = left;
    const Path *b = right;
    for (size_t i = 0; i < a->count && i < b->count; i++)
        if (a->tokens[i] != b->tokens[i])
            return a->tokens[i] < b->tokens[i] ? -1 : 1;
    return (a->count > b->count) - (a->count < b->count);
}

// The capital of a small letter of the Latin, Greek and Cyrillic alphabets; other characters as
// they are.
static uint32_t capital(uint32_t code)
{
    if ((code >= 'a' && code <= 'z') || (code >= 0xE0 && code <= 0xFE && code != 0xF7))
        return code - 32;
    if (code >= 0x100 && code <= 0x17E && code != 0x131 && code != 0x138 && code != 0x149)
        return (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17E)
                   ? code - (code % 2 == 0)
                   : code & ~1u;
    if (code >= 0x3B1 && code <= 0x3C9 && code != 0x3C2)
        return code - 32;
    if (code >= 0x430 && code <= 0x44F)
        return code - 32;
    if (code >= 0x450 && code <= 0x45F)
        return code - 80;
    return code;
}

// Scripts that set no space before a word: Thai to Burmese, Khmer, and East Asia's.
static bool has_no_spaces(uint32_t code)
{
    return (code >= 0xE00 && code <= 0x109F) || (code >= 0x1780 && code <= 0x17FF) ||
           (code >= 0x2E80 && code <= 0xABFF) || (code >= 0xF900 && code <= 0xFAFF) ||
           (code >= 0x20000 && code <= 0x3FFFF);
}

static ScoutStatus encode_path(const Bpe *bpe, const char *phrase, const Buffer *text, Path *path,
                               ScoutError *error)
{
    ScoutStatus status = bpe_encode(bpe, buffer_text(text), text->length, path->tokens,
                                    HOTWORDS_TOKENS_MAX, &path->count, error);
    if (status == SCOUT_ERROR_LIMIT)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "hotword \"%.40s...\" is longer than %d tokens; shorten it", phrase,
                         HOTWORDS_TOKENS_MAX);
    return status;
}

// Appends the one or two ways a phrase is written to paths.
static ScoutStatus add_phrase(const Bpe *bpe, const char *phrase, Path *paths, size_t *count,
                              ScoutError *error)
{
    size_t length = strlen(phrase);
    while (length > 0 && phrase[length - 1] == ' ')
        length--;
    const char *first = phrase;
    for (; length > 0 && *first == ' '; first++)
        length--;
    uint32_t code = 0;
    size_t taken = utf8_decode(first, length, &code);
    if (taken == 0 || length > PHRASE_BYTES_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "a hotword is %s",
                         taken == 0 ? "empty" : "longer than 1,024 bytes");

    uint32_t forms[2] = {code, capital(code)};
    Buffer text;
    buffer_init(&text, PHRASE_BYTES_MAX + 8);
    ScoutStatus status = SCOUT_OK;
    for (size_t f = 0; f < (forms[0] == forms[1] ? 1u : 2u) && status == SCOUT_OK; f++) {
        char head[4];
        size_t head_length = utf8_encode(forms[f], head);
        buffer_clear(&text);
        if (!has_no_spaces(code))
            buffer_append_char(&text, ' ');
        buffer_append(&text, head, head_length);
        buffer_append(&text, first + taken, length - taken);
        status = text.failed ? error_no_memory(error)
                             : encode_path(bpe, phrase, &text, &paths[*count], error);
        if (status == SCOUT_OK && paths[*count].count > 0)
            (*count)++;
    }
    buffer_done(&text);
    return status;
}

static uint32_t find_child(const Hotwords *hotwords, uint32_t node, int32_t token)
{
    const Node *parent = &hotwords->nodes[node];
    uint32_t low = parent->child_first, high = low + parent->child_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (hotwords->nodes[middle].token == token)
            return middle;
        if (hotwords->nodes[middle].token < token)
            low = middle + 1;
        else
            high = middle;
    }
    return 0;
}

static double node_pending(const Node *node)
{
    return node->end ? 0 : (double)node->value;
}

// Level by level, so that the children of a node stand side by side and failure links, which lead
// to shorter paths, are there when they are asked for.
static void build_nodes(Hotwords *hotwords, const Path *paths, size_t path_count, Pending *pending)
{
    Node *nodes = hotwords->nodes;
    pending[0] = (Pending){0, path_count, 0};
    hotwords->count = 1;
    for (uint32_t n = 0; n < hotwords->count; n++) {
        Pending here = pending[n];
        nodes[n].child_first = hotwords->count;
        size_t low = here.low;
        for (; low < here.high && paths[low].count == here.depth; low++)
            nodes[n].end = n > 0;
        while (low < here.high) {
            int32_t token = paths[low].tokens[here.depth];
            size_t high = low;
            while (high < here.high && paths[high].tokens[here.depth] == token)
                high++;
            uint32_t child = hotwords->count++;
            nodes[child] = (Node){.token = token};
            pending[child] = (Pending){low, high, here.depth + 1};
            low = high;
        }
        nodes[n].child_count = hotwords->count - nodes[n].child_first;
    }
}

static void link_nodes(Hotwords *hotwords)
{
    Node *nodes = hotwords->nodes;
    for (uint32_t n = 0; n < hotwords->count; n++) {
        for (uint32_t i = 0; i < nodes[n].child_count; i++) {
            uint32_t child = nodes[n].child_first + i;
            nodes[child].value = hotwords->boost + (float)node_pending(&nodes[n]);
            for (uint32_t at = n; at != 0 && nodes[child].fail == 0;) {
                at = nodes[at].fail;
                nodes[child].fail = find_child(hotwords, at, nodes[child].token);
            }
        }
    }
}

ScoutStatus hotwords_new(const Bpe *bpe, const char *const *phrases, size_t count, float boost,
                         Hotwords **hotwords, ScoutError *error)
{
    ScoutStatus status = SCOUT_OK;
    Pending *pending = NULL;
    Hotwords *made = mem_array(1, sizeof *made);
    Path *paths = mem_array(mem_multiply(count, 2), sizeof *paths);
    size_t path_count = 0, node_limit = 1;
    if (!made || !paths) {
        status = error_no_memory(error);
        goto done;
    }
    for (size_t i = 0; i < count && status == SCOUT_OK; i++)
        status = add_phrase(bpe, phrases[i], paths, &path_count, error);
    if (status != SCOUT_OK)
        goto done;
    qsort(paths, path_count, sizeof *paths, compare_paths);
    for (size_t i = 0; i < path_count; i++)
        node_limit += paths[i].count;
    made->boost = boost;
    made->nodes = mem_array(node_limit, sizeof *made->nodes);
    pending = mem_array(node_limit, sizeof *pending);
    if (!made->nodes || !pending) {
        status = error_no_memory(error);
        goto done;
    }
    build_nodes(made, paths, path_count, pending);
    link_nodes(made);
    *hotwords = made;
    made = NULL;
done:
    mem_free(pending);
    mem_free(paths);
    hotwords_free(made);
    return status;
}

void hotwords_free(Hotwords *hotwords)
{
    if (!hotwords)
        return;
    mem_free(hotwords->nodes);
    mem_free(hotwords);
}

HotwordState hotwords_next(const Hotwords *hotwords, HotwordState state, int32_t token)
{
    for (;;) {
        HotwordState next = find_child(hotwords, state, token);
        if (next != 0 || state == 0)
            return next;
        state = hotwords->nodes[state].fail;
    }
}

double hotwords_pending(const Hotwords *hotwords, HotwordState state)
{
    return node_pending(&hotwords->nodes[state]);
}

static bool is_open(const LogitRanges *open, int32_t token)
{
    for (size_t r = 0; r < open->count; r++)
        if ((size_t)token >= open->range[r].first && (size_t)token < open->range[r].end)
            return true;
    return false;
}

static size_t insert_candidate(HotwordCandidate *list, size_t filled, HotwordCandidate candidate)
{
    for (size_t i = 0; i < filled; i++)
        if (list[i].token == candidate.token)
            return filled; // reached before, by a longer path
    float raised = candidate.logit + candidate.gain;
    bool full = filled == HOTWORDS_CANDIDATES_MAX;
    if (full && list[filled - 1].logit + list[filled - 1].gain >= raised)
        return filled;
    size_t at = full ? filled - 1 : filled;
    for (; at > 0 && list[at - 1].logit + list[at - 1].gain < raised; at--)
        list[at] = list[at - 1];
    list[at] = candidate;
    return full ? filled : filled + 1;
}

size_t hotwords_candidates(const Hotwords *hotwords, HotwordState state, bool pending,
                           const Kernels *kernels, const float *logits, const LogitRanges *open,
                           HotwordCandidate candidates[HOTWORDS_CANDIDATES_MAX])
{
    float floor = logits_max(kernels, logits, open) - REACH;
    size_t filled = 0;
    for (HotwordState at = state;; at = hotwords->nodes[at].fail) {
        const Node *node = &hotwords->nodes[at];
        for (uint32_t c = node->child_first; c < node->child_first + node->child_count; c++) {
            const Node *child = &hotwords->nodes[c];
            float logit = logits[child->token];
            if (!is_open(open, child->token) || !(logit >= floor) || !(logit > -INFINITY))
                continue;
            float gain = pending ? child->value : hotwords->boost;
            filled =
                insert_candidate(candidates, filled, (HotwordCandidate){child->token, logit, gain});
        }
        if (at == 0)
            return filled;
    }
}
