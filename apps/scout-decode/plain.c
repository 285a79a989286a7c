// Plain WAV: see plain.h.
#include "plain.h"

#include <string.h>

#include "base/str.h"
#include "ending.h"
#include "sink.h"

enum { BUFFER_BYTES = 32 * 1024, PIECE_SAMPLES = 4096, CHUNK_HEADER_BYTES = 8, CHUNKS_MAX = 64 };

typedef struct Job {
    const WavPlain *wav;
    const DecodeOptions *options;
    Input *input;
    Output *output;
    Sink sink;
    uint64_t data_left;                       // bytes of the samples that are still to be read
    uint64_t samples;                         // decoded so far
    size_t head_given;                        // bytes of the input's head
    size_t buffer_bytes;                      // in buffer; less than a block, between two reads
    _Alignas(8) uint8_t buffer[BUFFER_BYTES]; // begins with a block
    float piece[PIECE_SAMPLES];
    ProtocolError failure;
    bool padded;  // behind the samples there is a byte that is none of them
    bool skipped; // what lies before the part that is wanted was not read
} Job;

static void show_progress(void *context)
{
    const Job *job = context;
    ProtocolProgress progress = {.input_bytes = job->input->read_bytes,
                                 .decoded_samples = job->samples};
    output_progress(job->output, &progress);
}

// ---- Is it one?

// Whether the file goes on behind the place where its header says that the samples end: a recorder
// that was killed leaves such a header.
static bool is_longer(Input *input, const WavClaim *claim)
{
    uint64_t end = claim->data_at + claim->data_bytes + (claim->data_bytes & 1);
    if (!input->seekable || input->size_bytes - (int64_t)end < (int64_t)claim->bytes_per_s)
        return false;
    uint8_t next[CHUNK_HEADER_BYTES];
    return !input_seek(input, (int64_t)end) ||
           input_read(input, next, sizeof next) != sizeof next || !wav_is_chunk(next);
}

bool plain_is(Input *input, const DecodeOptions *options, WavPlain *wav)
{
    if (!wav_read_plain(input->head, input->head_bytes, wav) || options->channel > wav->channels)
        return false;
    if (!is_longer(input, &wav->claim))
        return true;
    (void)input_seek(input, (int64_t)input->head_bytes);
    return false;
}

// ---- Reading

// At most size bytes, the head's first. 0 when there are no more.
static size_t read_bytes(Job *job, uint8_t *out, size_t size)
{
    Input *input = job->input;
    size_t head_left = input->head_bytes - job->head_given;
    if (head_left) {
        size_t taken = size < head_left ? size : head_left;
        memcpy(out, input->head + job->head_given, taken);
        job->head_given += taken;
        return taken;
    }
    ssize_t count = input_read(input, out, size);
    return count > 0 ? (size_t)count : 0;
}

static bool read_all(Job *job, uint8_t *out, size_t size)
{
    while (size) {
        size_t count = read_bytes(job, out, size);
        if (count == 0)
            return false;
        out += count;
        size -= count;
    }
    return true;
}

static bool skip_bytes(Job *job, uint64_t count)
{
    while (count) {
        size_t taken =
            read_bytes(job, job->buffer, count < BUFFER_BYTES ? (size_t)count : BUFFER_BYTES);
        if (taken == 0)
            return false;
        count -= taken;
    }
    return true;
}

static void begin_data(Job *job, uint64_t bytes)
{
    job->data_left = bytes;
    job->padded = bytes & 1;
}

// Goes on to the next chunk of samples: some programs write several.
static bool find_data(Job *job)
{
    uint8_t header[CHUNK_HEADER_BYTES];
    if (job->padded && !skip_bytes(job, 1))
        return false;
    for (int i = 0; i < CHUNKS_MAX && read_all(job, header, sizeof header); i++) {
        if (!wav_is_chunk(header))
            return false;
        uint64_t size = wav_chunk_bytes(header);
        if (wav_is_data(header)) {
            begin_data(job, size);
            return true;
        }
        if (!skip_bytes(job, size + (size & 1)))
            return false;
    }
    return false;
}

// To the second at which resampling begins.
static void skip_to_start(Job *job)
{
    const WavPlain *wav = job->wav;
    uint64_t samples = (uint64_t)job->sink.base_s * (uint64_t)wav->rate;
    uint64_t whole = wav->claim.data_bytes / wav->block_bytes;
    if (samples == 0 || !job->input->seekable)
        return;
    uint64_t bytes = (samples < whole ? samples : whole) * wav->block_bytes;
    if (!input_seek(job->input, (int64_t)(wav->claim.data_at + bytes)))
        return;
    job->head_given = job->input->head_bytes;
    job->data_left -= bytes;
    job->sink.position = (int64_t)(bytes / wav->block_bytes);
    job->skipped = true;
}

static bool fail(Job *job, const ScoutError *error)
{
    job->failure.status = error->status;
    (void)str_copy(job->failure.text, sizeof job->failure.text, error->message);
    return false;
}

// Takes the whole blocks out of the buffer.
static bool feed_blocks(Job *job)
{
    const WavPlain *wav = job->wav;
    size_t blocks = job->buffer_bytes / wav->block_bytes;
    const uint8_t *at = job->buffer;
    ScoutError error;
    while (blocks && !job->sink.full) {
        size_t count = blocks < PIECE_SAMPLES ? blocks : PIECE_SAMPLES;
        pcm_to_mono(wav->format, at, wav->channels, job->options->channel, count, job->piece);
        if (sink_feed(&job->sink, job->piece, (int64_t)count, &error))
            return fail(job, &error);
        at += count * wav->block_bytes;
        blocks -= count;
        job->samples += count;
    }
    job->buffer_bytes %= wav->block_bytes;
    memmove(job->buffer, at, job->buffer_bytes);
    return true;
}

// Feeds one chunk of samples.
static bool feed_data(Job *job)
{
    job->buffer_bytes = 0;
    while (job->data_left && !job->sink.full) {
        size_t room = BUFFER_BYTES - job->buffer_bytes;
        size_t wanted = job->data_left < room ? (size_t)job->data_left : room;
        size_t count = read_bytes(job, job->buffer + job->buffer_bytes, wanted);
        if (count == 0)
            break;
        job->data_left -= count;
        job->buffer_bytes += count;
        if (!feed_blocks(job))
            return false;
    }
    return true;
}

// ---- The course

static double claimed_seconds(const WavPlain *wav)
{
    return (double)wav->claim.data_bytes / (double)wav->claim.bytes_per_s;
}

static void report_end(Job *job)
{
    // When nothing came after skipping, all that is known is that there is nothing from the start
    // on.
    double at_s = job->skipped && job->samples == 0 ? job->options->start_s
                                                    : (double)job->sink.position / job->wav->rate;
    ProtocolProblem problem;
    if (ending_is_early(job->input, at_s, at_s, claimed_seconds(job->wav), &problem))
        output_problem(job->output, &problem);
}

static bool decode(Job *job)
{
    const WavPlain *wav = job->wav;
    ProtocolInfo info = {.sample_rate = wav->rate,
                         .channels = wav->channels,
                         .duration_s = claimed_seconds(wav),
                         .container = "wav"};
    (void)str_copy(info.codec, sizeof info.codec, wav->codec);
    output_info(job->output, &info);
    sink_init(&job->sink, job->output, job->options->start_s, job->options->end_s,
              job->options->max_seconds);
    ScoutError error;
    if (sink_set_rate(&job->sink, wav->rate, 0, &error))
        return fail(job, &error);
    // The descriptor may stand anywhere, since the file's end was looked at.
    if (job->input->seekable)
        (void)input_seek(job->input, (int64_t)job->input->head_bytes);
    job->head_given = (size_t)wav->claim.data_at;
    begin_data(job, wav->claim.data_bytes);
    skip_to_start(job);
    do {
        if (!feed_data(job))
            return false;
    } while (!job->sink.full && job->data_left == 0 && find_data(job));
    Ending ending = ending_find(job->options, job->input, &job->sink, &job->failure);
    if (ending == ENDING_INPUT)
        report_end(job);
    return ending != ENDING_LIMIT;
}

void plain_decode(const WavPlain *wav, const DecodeOptions *options, Input *input, Output *output)
{
    static Job job;
    job = (Job){.wav = wav, .options = options, .input = input, .output = output};
    input->on_read = show_progress;
    input->context = &job;
    if (decode(&job))
        output_end(output);
    else
        output_error(output, &job.failure);
}
