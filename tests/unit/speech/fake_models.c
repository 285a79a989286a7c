// The made-up model: see fake_models.h.
#include "fake_models.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"

enum { POSITIONS = 448, AUDIOS = 64, SEQUENCES = 64 * 17, REORDERED_MAX = 16, HEADS = 2 };

typedef struct FakeAudio {
    float *mel;
    size_t frames;
} FakeAudio;

struct Bpe {
    char unused;
};

struct Silero {
    char unused;
};

struct WhisperModel {
    FakeModel *script;
    WhisperDims dims;
};

struct WhisperRun {
    const WhisperModel *model;
    WhisperRunLimits limits;
    FakeAudio audios[AUDIOS];
    int32_t tokens[SEQUENCES][POSITIONS];
    size_t lengths[SEQUENCES];
    size_t audio_of[SEQUENCES];
};

struct WhisperEncoding {
    WhisperRun *run;
    size_t audio;
    float *mel; // a copy
    size_t frames, steps;
};

// ------------------------------------------------------------------------------------- tokenizer

static const Bpe BPE, OTHER_BPE;

const Bpe *fake_bpe(void)
{
    return &BPE;
}

const BpeSpecial *bpe_special(const Bpe *bpe)
{
    static const BpeSpecial OTHER = {.end = FAKE_END, .start = FAKE_START + 1};
    static const BpeSpecial SPECIAL = {
        .end = FAKE_END,
        .start = FAKE_START,
        .language_first = FAKE_LANGUAGE,
        .language_count = FAKE_LANGUAGES,
        .translate = FAKE_TRANSLATE,
        .transcribe = FAKE_TRANSCRIBE,
        .start_of_lm = FAKE_START_OF_LM,
        .start_of_prev = FAKE_START_OF_PREV,
        .no_speech = FAKE_NO_SPEECH,
        .no_timestamps = FAKE_NO_TIMESTAMPS,
        .timestamp_first = FAKE_TIMESTAMP,
        .multilingual = true,
    };
    return bpe == &OTHER_BPE ? &OTHER : &SPECIAL;
}

size_t bpe_size(const Bpe *bpe)
{
    (void)bpe;
    return FAKE_VOCAB;
}

void bpe_token_bytes(const Bpe *bpe, int32_t id, const char **bytes, size_t *length)
{
    (void)bpe;
    static const char LETTERS[] = " a b c d e f g h i j k l m n o p q r s t u v w x y z";
    *bytes = "";
    *length = 0;
    if (id >= FAKE_WORD && id < FAKE_PIECE) {
        *bytes = LETTERS + (size_t)(id - FAKE_WORD) * 2;
        *length = 2;
    } else if (id >= FAKE_PIECE && id < FAKE_COMMA) {
        *bytes = LETTERS + (size_t)(id - FAKE_PIECE) * 2 + 1;
        *length = 1;
    } else if (id == FAKE_BLANK || id == FAKE_COMMA || id == FAKE_STOP) {
        *bytes = id == FAKE_BLANK ? " " : id == FAKE_COMMA ? "," : ".";
        *length = 1;
    } else if (id == FAKE_BRACKET) {
        *bytes = " [";
        *length = 2;
    } else if (id == FAKE_HALF_CHARACTER) {
        *bytes = "\xE4\xB8"; // of U+4E2D
        *length = 2;
    } else if (id == FAKE_REST_CHARACTER) {
        *bytes = "\xAD";
        *length = 1;
    }
}

bool bpe_decode(const Bpe *bpe, const int32_t *ids, size_t count, Buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        const char *bytes;
        size_t length;
        bpe_token_bytes(bpe, ids[i], &bytes, &length);
        buffer_append(out, bytes, length);
    }
    return !out->failed;
}

ScoutStatus bpe_encode(const Bpe *bpe, const char *text, size_t length, int32_t *ids,
                       size_t capacity, size_t *count, ScoutError *error)
{
    size_t needed = 0;
    for (size_t at = 0; at < length;) {
        int32_t best = -1;
        size_t best_length = 0;
        for (int32_t id = 0; id < FAKE_TEXT; id++) {
            const char *bytes;
            size_t token_length;
            bpe_token_bytes(bpe, id, &bytes, &token_length);
            if (token_length > best_length && token_length <= length - at &&
                memcmp(bytes, text + at, token_length) == 0) {
                best = id;
                best_length = token_length;
            }
        }
        if (best < 0) { // not in the vocabulary
            best = FAKE_REST_CHARACTER;
            best_length = 1;
        }
        if (needed < capacity)
            ids[needed] = best;
        needed++;
        at += best_length;
    }
    *count = needed;
    return needed <= capacity ? SCOUT_OK : error_set(error, SCOUT_ERROR_LIMIT, "too long");
}

bool bpe_is_timestamp(const Bpe *bpe, int32_t id)
{
    (void)bpe;
    return id >= FAKE_TIMESTAMP && id < FAKE_VOCAB;
}

double bpe_timestamp_seconds(const Bpe *bpe, int32_t id)
{
    (void)bpe;
    return 0.02 * (double)(id - FAKE_TIMESTAMP);
}

void bpe_suppressed(const Bpe *bpe, const int32_t **ids, size_t *count)
{
    (void)bpe;
    static const int32_t IDS[] = {FAKE_BRACKET,    FAKE_START,       FAKE_TRANSLATE,
                                  FAKE_TRANSCRIBE, FAKE_START_OF_LM, FAKE_START_OF_PREV,
                                  FAKE_NO_SPEECH};
    *ids = IDS;
    *count = sizeof IDS / sizeof IDS[0];
}

static const char *const LANGUAGES[FAKE_LANGUAGES][2] = {
    {"en", "english"}, {"zh", "chinese"}, {"de", "german"}, {"es", "spanish"}};

size_t language_count(void)
{
    return FAKE_LANGUAGES;
}

const char *language_code(size_t index)
{
    return LANGUAGES[index][0];
}

const char *language_name(size_t index)
{
    return LANGUAGES[index][1];
}

bool language_find(const char *code_or_name, size_t *index)
{
    for (size_t i = 0; i < FAKE_LANGUAGES; i++) {
        if (strcmp(code_or_name, LANGUAGES[i][0]) == 0 ||
            strcmp(code_or_name, LANGUAGES[i][1]) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

int32_t bpe_language_token(const Bpe *bpe, size_t language_index)
{
    (void)bpe;
    return FAKE_LANGUAGE + (int32_t)language_index;
}

bool bpe_language_of(const Bpe *bpe, int32_t id, size_t *index)
{
    (void)bpe;
    if (id < FAKE_LANGUAGE || id >= FAKE_LANGUAGE + FAKE_LANGUAGES)
        return false;
    *index = (size_t)(id - FAKE_LANGUAGE);
    return true;
}

// ----------------------------------------------------------------------------------------- model

static WhisperModel *make_model(WhisperModel *whisper, FakeModel *script)
{
    whisper->script = script;
    whisper->dims =
        (WhisperDims){.n_vocab = script->n_vocab ? script->n_vocab : FAKE_VOCAB,
                      .n_mels = script->n_mels ? script->n_mels : 80,
                      .n_state = 64,
                      .n_heads = 1,
                      .n_encoder_layers = 1,
                      .n_decoder_layers = 1,
                      .n_audio_ctx = script->n_audio_ctx ? script->n_audio_ctx : 1500,
                      .n_text_ctx = script->n_text_ctx ? script->n_text_ctx : POSITIONS};
    return whisper;
}

WhisperModel *fake_model(FakeModel *model)
{
    static WhisperModel whisper;
    return make_model(&whisper, model);
}

WhisperModel *fake_draft_model(FakeModel *model)
{
    static WhisperModel whisper;
    return make_model(&whisper, model);
}

const WhisperDims *whisper_dims(const WhisperModel *model)
{
    return &model->dims;
}

static Kernels scalar;

static void make_scalar(void)
{
    kernels_init(&scalar, 0);
}

const Kernels *fake_kernels(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_scalar);
    return &scalar;
}

const Kernels *whisper_kernels(const WhisperModel *model)
{
    (void)model;
    return fake_kernels();
}

const Bpe *whisper_bpe(const WhisperModel *model)
{
    return model->script->other_marks ? &OTHER_BPE : fake_bpe();
}

ScoutStatus whisper_run_new(const WhisperModel *model, ThreadPool *pool,
                            const WhisperRunLimits *limits, WhisperRun **run, ScoutError *error)
{
    (void)pool;
    WhisperRun *made = calloc(1, sizeof *made);
    if (!made || limits->sequences > SEQUENCES || limits->audios > AUDIOS)
        return error_no_memory(error);
    made->model = model;
    made->limits = *limits;
    *run = made;
    return SCOUT_OK;
}

void whisper_run_free(WhisperRun *run)
{
    if (!run)
        return;
    for (size_t i = 0; i < AUDIOS; i++)
        free(run->audios[i].mel);
    free(run);
}

void whisper_run_trim(WhisperRun *run)
{
    (void)run;
}

void whisper_audio_drop(WhisperRun *run, size_t audio)
{
    if (audio >= run->limits.audios)
        abort();
    free(run->audios[audio].mel);
    run->audios[audio] = (FakeAudio){0};
}

ScoutStatus whisper_encoding_new(WhisperRun *run, size_t audio, const float *mel, size_t frames,
                                 WhisperEncoding **encoding, ScoutError *error)
{
    if (audio >= run->limits.audios || frames < 2 || frames > 3000 || frames % 2 != 0)
        abort();
    WhisperEncoding *made = malloc(sizeof *made);
    const size_t values = frames * run->model->dims.n_mels;
    float *copy = malloc(values * sizeof *copy);
    if (!made || !copy) {
        free(made);
        free(copy);
        return error_no_memory(error);
    }
    memcpy(copy, mel, values * sizeof *mel);
    *made = (WhisperEncoding){run, audio, copy, frames, 0};
    whisper_audio_drop(run, audio);
    *encoding = made;
    return SCOUT_OK;
}

// Two steps, so that others can come in between.
bool whisper_encoding_step(WhisperEncoding *encoding)
{
    WhisperRun *run = encoding->run;
    if (encoding->steps++ == 0)
        return true;
    run->audios[encoding->audio] = (FakeAudio){encoding->mel, encoding->frames};
    encoding->mel = NULL;
    run->model->script->encodes++;
    run->model->script->last_frames = encoding->frames;
    return false;
}

void whisper_encoding_free(WhisperEncoding *encoding)
{
    if (!encoding)
        return;
    free(encoding->mel);
    free(encoding);
}

static void check_sequence(const WhisperRun *run, size_t sequence)
{
    if (sequence >= run->limits.sequences)
        abort();
}

void whisper_sequence_start(WhisperRun *run, size_t sequence, size_t audio)
{
    check_sequence(run, sequence);
    if (audio >= run->limits.audios)
        abort();
    run->lengths[sequence] = 0;
    run->audio_of[sequence] = audio;
}

void whisper_sequence_copy(WhisperRun *run, size_t dst, size_t src)
{
    check_sequence(run, dst);
    check_sequence(run, src);
    memmove(run->tokens[dst], run->tokens[src], sizeof run->tokens[0]);
    run->lengths[dst] = run->lengths[src];
    run->audio_of[dst] = run->audio_of[src];
}

void whisper_sequences_reorder(WhisperRun *run, size_t first, size_t count, const size_t *from)
{
    static int32_t tokens[REORDERED_MAX][POSITIONS];
    size_t lengths[REORDERED_MAX], audios[REORDERED_MAX];
    check_sequence(run, first + count - 1);
    if (count > REORDERED_MAX)
        abort();
    memcpy(tokens, run->tokens[first], count * sizeof tokens[0]);
    memcpy(lengths, run->lengths + first, count * sizeof lengths[0]);
    memcpy(audios, run->audio_of + first, count * sizeof audios[0]);
    for (size_t i = 0; i < count; i++) {
        if (from[i] >= count)
            abort();
        memcpy(run->tokens[first + i], tokens[from[i]], sizeof tokens[0]);
        run->lengths[first + i] = lengths[from[i]];
        run->audio_of[first + i] = audios[from[i]];
    }
}

void whisper_sequence_truncate(WhisperRun *run, size_t sequence, size_t length)
{
    check_sequence(run, sequence);
    if (length < run->lengths[sequence])
        run->lengths[sequence] = length;
}

size_t whisper_sequence_length(const WhisperRun *run, size_t sequence)
{
    check_sequence(run, sequence);
    return run->lengths[sequence];
}

ScoutStatus whisper_decode(WhisperRun *run, const WhisperRow *rows, size_t count, float *logits,
                           ScoutError *error)
{
    FakeModel *script = run->model->script;
    if (count > run->limits.rows)
        abort();
    script->decode_calls++;
    script->decode_rows += count;
    if (script->calls_until_failure && --script->calls_until_failure == 0)
        return error_set(error, SCOUT_ERROR_IO, "the fake model was told to fail");
    for (size_t i = 0; i < count; i++) { // all or nothing
        check_sequence(run, rows[i].sequence);
        size_t more = 0;
        for (size_t j = 0; j < count; j++)
            more += rows[j].sequence == rows[i].sequence;
        if (run->lengths[rows[i].sequence] + more > POSITIONS)
            return error_set(error, SCOUT_ERROR_LIMIT, "the text is too long");
    }
    for (size_t i = 0; i < count; i++) {
        size_t length = run->lengths[rows[i].sequence];
        run->tokens[rows[i].sequence][length] = rows[i].token;
        run->lengths[rows[i].sequence] = length + 1;
        if (!rows[i].want_logits)
            continue;
        memset(logits, 0, FAKE_VOCAB * sizeof *logits);
        const FakeAudio *audio = &run->audios[run->audio_of[rows[i].sequence]];
        script->script(script->context, audio->mel, audio->frames, run->tokens[rows[i].sequence],
                       length + 1, logits);
        logits += FAKE_VOCAB;
    }
    return SCOUT_OK;
}

size_t whisper_alignment_heads(const WhisperModel *model)
{
    (void)model;
    return HEADS;
}

// Token i looks at its share of the window, in order.
ScoutStatus whisper_align(WhisperRun *run, size_t audio, size_t sequence, const int32_t *tokens,
                          size_t count, float *weights, float *probabilities, ScoutError *error)
{
    (void)tokens;
    (void)error;
    check_sequence(run, sequence);
    size_t positions = run->audios[audio].frames / 2;
    for (size_t h = 0; h < HEADS; h++)
        for (size_t i = 0; i < count; i++)
            for (size_t p = 0; p < positions; p++) {
                double there = ((double)p + 0.5) / (double)positions * (double)count - 0.5;
                double distance = there - (double)i;
                weights[(h * count + i) * positions + p] = (float)exp(-distance * distance);
            }
    for (size_t i = 0; probabilities && i + 1 < count; i++)
        probabilities[i] = 0.5f;
    return SCOUT_OK;
}

// ------------------------------------------------------------------------------- voice activity

const Silero *fake_silero(void)
{
    static const Silero SILERO;
    return &SILERO;
}

float silero_step(const Silero *silero, SileroState *state,
                  const float samples[SILERO_FRAME_SAMPLES])
{
    (void)silero;
    (void)state;
    float sum = 0;
    for (size_t i = 0; i < SILERO_FRAME_SAMPLES; i++)
        sum += fabsf(samples[i]);
    return sum > 0.01f * SILERO_FRAME_SAMPLES ? 0.95f : 0.02f;
}

void silero_steps(const Silero *silero, SileroState *state, const float *samples, size_t count,
                  float *probabilities)
{
    for (size_t i = 0; i < count; i++)
        probabilities[i] = silero_step(silero, state, samples + i * SILERO_FRAME_SAMPLES);
}
