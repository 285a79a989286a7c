// The alignment heads that OpenAI publishes with its models (openai/whisper, whisper/__init__.py,
// decoded from its compressed masks), by what can be told from the shapes. large-v1 and large-v2
// have the same shapes; the newer one is taken.
#include "alignment.h"

#include "base/attributes.h"

enum { KNOWN_PAIRS_MAX = 23 };

typedef struct KnownHeads {
    size_t n_state, n_vocab, n_decoder_layers;
    size_t count;
    uint8_t pairs[KNOWN_PAIRS_MAX][2];
} KnownHeads;

static const KnownHeads known[] = {
    // tiny.en
    {384, 51864, 4, 8, {{1, 0}, {2, 0}, {2, 5}, {3, 0}, {3, 1}, {3, 2}, {3, 3}, {3, 4}}},
    // tiny
    {384, 51865, 4, 6, {{2, 2}, {3, 0}, {3, 2}, {3, 3}, {3, 4}, {3, 5}}},
    // base.en
    {512, 51864, 6, 5, {{3, 3}, {4, 7}, {5, 1}, {5, 5}, {5, 7}}},
    // base
    {512, 51865, 6, 8, {{3, 1}, {4, 2}, {4, 3}, {4, 7}, {5, 1}, {5, 2}, {5, 4}, {5, 6}}},
    // small.en
    {768,
     51864,
     12,
     19,
     {{6, 6},
      {7, 0},
      {7, 3},
      {7, 8},
      {8, 2},
      {8, 5},
      {8, 7},
      {9, 0},
      {9, 4},
      {9, 8},
      {9, 10},
      {10, 0},
      {10, 1},
      {10, 2},
      {10, 3},
      {10, 6},
      {10, 11},
      {11, 2},
      {11, 4}}},
    // small
    {768,
     51865,
     12,
     10,
     {{5, 3}, {5, 9}, {8, 0}, {8, 4}, {8, 7}, {8, 8}, {9, 0}, {9, 7}, {9, 9}, {10, 5}}},
    // medium.en
    {1024,
     51864,
     24,
     18,
     {{11, 4},
      {14, 1},
      {14, 12},
      {14, 14},
      {15, 4},
      {16, 0},
      {16, 4},
      {16, 9},
      {17, 12},
      {17, 14},
      {18, 7},
      {18, 10},
      {18, 15},
      {20, 0},
      {20, 3},
      {20, 9},
      {20, 14},
      {21, 12}}},
    // medium
    {1024, 51865, 24, 6, {{13, 15}, {15, 4}, {15, 15}, {16, 1}, {20, 0}, {23, 4}}},
    // large-v2
    {1280, 51865, 32, 23, {{10, 12}, {13, 17}, {16, 11}, {16, 12}, {16, 13}, {17, 15},
                           {17, 16}, {18, 4},  {18, 11}, {18, 19}, {19, 11}, {21, 2},
                           {21, 3},  {22, 3},  {22, 9},  {22, 12}, {23, 5},  {23, 7},
                           {23, 13}, {25, 5},  {26, 1},  {26, 12}, {27, 15}}},
    // large-v3
    {1280,
     51866,
     32,
     10,
     {{7, 0},
      {10, 17},
      {12, 18},
      {13, 12},
      {16, 1},
      {17, 14},
      {19, 11},
      {21, 4},
      {24, 1},
      {25, 6}}},
    // large-v3-turbo
    {1280, 51866, 4, 6, {{2, 4}, {2, 11}, {3, 3}, {3, 6}, {3, 11}, {3, 14}}},
};

static const KnownHeads *find_known(size_t n_state, size_t n_vocab, size_t n_decoder_layers)
{
    for (size_t i = 0; i < BASE_COUNT(known); i++) {
        if (known[i].n_state == n_state && known[i].n_vocab == n_vocab &&
            known[i].n_decoder_layers == n_decoder_layers) {
            return &known[i];
        }
    }
    return NULL;
}

size_t alignment_default_heads(size_t n_state, size_t n_vocab, size_t n_decoder_layers,
                               size_t n_heads, int32_t *out)
{
    size_t count = 0;
    const KnownHeads *heads = find_known(n_state, n_vocab, n_decoder_layers);
    for (size_t i = 0; heads && i < heads->count; i++) {
        out[count++] = heads->pairs[i][0];
        out[count++] = heads->pairs[i][1];
    }
    if (heads) {
        return count;
    }
    for (size_t layer = n_decoder_layers / 2; layer < n_decoder_layers; layer++) {
        for (size_t head = 0; head < n_heads && count < 2 * ALIGNMENT_PAIRS_MAX; head++) {
            out[count++] = (int32_t)layer;
            out[count++] = (int32_t)head;
        }
    }
    return count;
}
