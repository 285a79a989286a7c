// Tones for words, and the script that hears them: see fake_speech.h.
#include "fake_speech.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BANDS = 80, HEARD_MAX = 100, FIRST_BAND = 8, BANDS_A_LETTER = 2 };

// The centre of a mel band: the Slaney scale is linear below 1 kHz and logarithmic above.
static double band_hz(size_t band)
{
    double top = 15 + 27 * log(8000.0 / 1000) / log(6.4);
    double mel = (double)(band + 1) * top / (BANDS + 1);
    return mel < 15 ? mel * 200.0 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27);
}

float *fake_speech(const FakeWord *words, size_t word_count, size_t count)
{
    float *samples = calloc(count + 1, sizeof *samples);
    for (size_t w = 0; samples && w < word_count; w++) {
        double hz = band_hz(FIRST_BAND + (size_t)(words[w].letter - 'a') * BANDS_A_LETTER);
        size_t end = (size_t)(words[w].end_s * 16000);
        for (size_t i = (size_t)(words[w].start_s * 16000); i < end && i < count; i++)
            samples[i] = (float)(0.3 * sin(6.283185307179586 * hz * (double)i / 16000));
    }
    return samples;
}

typedef struct Heard {
    size_t first, last; // frames
    int32_t token;
} Heard;

// The loudest band of a frame, or -1 for a quiet one.
static int loudest_band(const float *frame)
{
    int best = 0;
    for (int b = 1; b < BANDS; b++)
        best = frame[b] > frame[best] ? b : best;
    return frame[best] > 0.5f ? best : -1;
}

static size_t hear(const float *mel, size_t frames, Heard *heard)
{
    size_t count = 0, quiet = 99;
    for (size_t f = 0; f < frames; f++) {
        int band = loudest_band(mel + f * BANDS);
        if (band < 0) {
            quiet++;
            continue;
        }
        if (quiet > 3 && count < HEARD_MAX)
            heard[count++] = (Heard){.first = f};
        quiet = 0;
        Heard *word = &heard[count - 1];
        word->last = f;
        if (f == word->first + 5) { // past the click of its beginning
            int letter = (band - FIRST_BAND + BANDS_A_LETTER / 2) / BANDS_A_LETTER;
            word->token = FAKE_WORD + (letter < 0 ? 0 : letter > 25 ? 25 : letter);
        }
    }
    return count;
}

static int32_t time_token(size_t frame)
{
    return FAKE_TIMESTAMP + (int32_t)(frame / 2);
}

// What the model would write for this window; returns how many tokens.
static size_t compose(const FakeSpeaker *speaker, const Heard *heard, size_t count, size_t frames,
                      int32_t *out)
{
    size_t filled = 0;
    if (speaker->no_times || count == 0)
        out[filled++] = FAKE_TIMESTAMP;
    for (size_t round = 0; round <= speaker->repeats; round++) {
        for (size_t i = 0; i < count; i++) {
            if (!speaker->no_times)
                out[filled++] = time_token(i == 0 ? 0 : heard[i].first);
            out[filled++] = heard[i].token;
            bool cut = heard[i].last + 2 >= frames;
            if (!speaker->no_times && !cut)
                out[filled++] = time_token(heard[i].last + 2);
        }
    }
    out[filled++] = FAKE_END;
    return filled;
}

void fake_speaker_script(void *context, const float *mel, size_t frames, const int32_t *tokens,
                         size_t count, float *logits)
{
    const FakeSpeaker *speaker = context;
    size_t start = count; // where the text begins: after the task and the mark of no timestamps
    for (size_t i = count; i-- > 0 && start == count;)
        if (tokens[i] == FAKE_START)
            start = i + 1;
    logits[FAKE_NO_SPEECH] = speaker->doubts ? 12.0f : -20.0f;
    if (start == count) { // only asked for the language
        bool unsure = frames < speaker->unsure_below;
        logits[FAKE_LANGUAGE + speaker->language] = unsure ? 0.5f : 10.0f;
        return;
    }
    bool times = tokens[count - 1] != FAKE_NO_TIMESTAMPS;
    size_t text = start;
    for (size_t i = start; i < count; i++) {
        times = times && tokens[i] != FAKE_NO_TIMESTAMPS;
        if (tokens[i] > FAKE_END && tokens[i] < FAKE_TIMESTAMP)
            text = i + 1;
    }
    Heard heard[HEARD_MAX];
    int32_t plan[4 * HEARD_MAX * 10];
    FakeSpeaker how = *speaker;
    how.no_times = how.no_times || !times;
    size_t planned = compose(&how, heard, hear(mel, frames, heard), frames, plan);
    size_t at = count - text + (times ? 0 : 1); // without times, plan[0] is not written
    int32_t next = at < planned ? plan[at] : FAKE_END;
    for (size_t i = FAKE_TIMESTAMP; speaker->doubts && i < FAKE_VOCAB; i++)
        logits[i] = -10.0f; // or all of them together would win over any word
    logits[next] = speaker->doubts ? 0.5f : 20.0f;
}
