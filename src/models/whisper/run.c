// The memory of a run, and its sequences. Scratch is sized here from the model and the limits and
// is not cleared: what nobody writes never takes memory. Keys and values come and go with their
// use.
#include "whisper_internal.h"

#include <assert.h>
#include <string.h>

#include "base/memory.h"

enum {
    SEQUENCES_MAX = 4096,
    AUDIOS_MAX = 1024,
    ROWS_MAX = 1 << 16,
    SHARED_BLOCKS = 32,
    WORKER_BLOCKS = 6,
    LINE_BYTES = 64,
};

// Memory that whisper_run_free finds again. NULL when out of memory, and from then on.
static void *reserve(WhisperRun *run, bool *failed, size_t count, size_t size)
{
    void *block = *failed ? NULL : mem_aligned(count, size);
    if (block)
        run->blocks[run->block_count++] = block;
    else
        *failed = true;
    return block;
}

static bool reserve_workers(WhisperRun *run)
{
    const WhisperModel *model = run->model;
    const WhisperDims *dims = &model->dims;
    const size_t block = WHISPER_BLOCK;
    const size_t mel = (2 * block + 3) * dims->n_mels; // under a block of positions
    const size_t conv1 = (2 * block + 1) * dims->n_state;
    const size_t narrow = BASE_MAX(block * dims->n_state, mel);
    const size_t wide =
        BASE_MAX(block * (BASE_MAX(model->n_inner, 2 * dims->n_state) + WHISPER_GAP), conv1);
    const size_t scores = BASE_MAX(nn_attention_scratch(dims->n_audio_ctx), dims->n_text_ctx);
    // An odd number of cache lines, or all rows of a block would share a few sets of the cache.
    const size_t bytes = nn_rows_bytes(BASE_MAX(model->n_inner, dims->n_state)) + LINE_BYTES;
    const size_t halves = BASE_MAX(nn_conv_scratch(&model->conv1, 2 * block + 1),
                                   nn_conv_scratch(&model->conv2, block));
    bool failed = false;
    for (size_t i = 0; i < run->threads && !failed; i++) {
        WhisperWorker *worker = &run->workers[i];
        worker->narrow = reserve(run, &failed, narrow, sizeof(float));
        worker->wide = reserve(run, &failed, wide, sizeof(float));
        worker->scores = reserve(run, &failed, scores, sizeof(float));
        if (halves > 0)
            worker->halves = reserve(run, &failed, halves, sizeof(uint16_t));
        worker->rows.prepared = reserve(run, &failed, block, bytes);
        worker->rows.row_bytes = bytes;
        worker->rows.scale = reserve(run, &failed, block, sizeof(float));
        worker->rows.parts = 1;
    }
    return !failed;
}

static bool reserve_encoder(WhisperRun *run)
{
    run->audios = mem_array(run->limits.audios, sizeof(*run->audios));
    return run->audios && whisper_encodings_reserve(run);
}

// A sequence of n tokens names n slots, so sequences * n_text_ctx slots always suffice.
static bool reserve_sequences(WhisperRun *run)
{
    const WhisperDims *dims = &run->model->dims;
    const size_t count = run->limits.sequences;
    const size_t slots = mem_multiply(count, dims->n_text_ctx);
    bool failed = false;
    run->sequences = reserve(run, &failed, count, sizeof(*run->sequences));
    run->reordered = reserve(run, &failed, count, sizeof(*run->reordered));
    uint32_t *lists = reserve(run, &failed, slots, 2 * sizeof(*lists));
    float **places = reserve(run, &failed, slots, 2 * sizeof(*places));
    run->page_max = (slots + WHISPER_PAGE_SLOTS - 1) / WHISPER_PAGE_SLOTS;
    run->pages = failed ? NULL : mem_array(run->page_max, sizeof(WhisperPage *));
    if (!run->pages)
        return false;
    for (size_t i = 0; i < count; i++) {
        const size_t at = 2 * i * dims->n_text_ctx;
        const size_t other = at + dims->n_text_ctx;
        run->sequences[i] = (WhisperSequence){.slots = lists + at, .places = places + at};
        run->reordered[i] = (WhisperSequence){.slots = lists + other, .places = places + other};
    }
    return true;
}

static bool reserve_decoder(WhisperRun *run)
{
    const WhisperModel *model = run->model;
    const WhisperDims *dims = &model->dims;
    const size_t rows = run->limits.rows;
    const size_t narrow = mem_multiply(rows, dims->n_state);
    // Each part an odd number of cache lines, as above.
    const size_t bytes = nn_rows_bytes(BASE_MAX(model->n_inner, dims->n_state)) + 2 * LINE_BYTES;
    bool failed = false;
    run->row_x = reserve(run, &failed, narrow, sizeof(float));
    run->row_normed = reserve(run, &failed, narrow, sizeof(float));
    run->row_qkv = reserve(run, &failed, narrow, 3 * sizeof(float));
    run->row_attended = reserve(run, &failed, narrow, sizeof(float));
    run->row_hidden = reserve(run, &failed, mem_multiply(rows, model->n_inner), sizeof(float));
    run->row_input.parts = 2;
    run->row_input.prepared = reserve(run, &failed, rows, bytes);
    run->row_input.row_bytes = bytes;
    run->row_input.scale = reserve(run, &failed, rows, 2 * sizeof(float));
    run->row_sequences = reserve(run, &failed, rows, sizeof(WhisperSequence *));
    run->row_lengths = reserve(run, &failed, rows, sizeof(*run->row_lengths));
    run->row_kept = reserve(run, &failed, rows, sizeof(*run->row_kept));
    run->spans = reserve(run, &failed, rows, sizeof(*run->spans));
    run->align_rows = reserve(run, &failed, rows, sizeof(*run->align_rows));
    run->align_logits =
        reserve(run, &failed, mem_multiply(WHISPER_LOGIT_ROWS, dims->n_vocab), sizeof(float));
    return !failed;
}

ScoutStatus whisper_run_new(const WhisperModel *model, ThreadPool *pool,
                            const WhisperRunLimits *limits, WhisperRun **run, ScoutError *error)
{
    if (limits->audios < 1 || limits->audios > AUDIOS_MAX || limits->sequences < 1 ||
        limits->sequences > SEQUENCES_MAX || limits->rows < 1 || limits->rows > ROWS_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a run takes 1 to %d audios, 1 to %d sequences and 1 to %d rows, not %zu, "
                         "%zu and %zu",
                         AUDIOS_MAX, SEQUENCES_MAX, ROWS_MAX, limits->audios, limits->sequences,
                         limits->rows);
    const size_t threads = pool ? thread_pool_size(pool) : 1;
    WhisperRun *made = mem_array(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    made->model = model;
    made->threads = threads;
    made->context = (NnContext){.kernels = model->kernels, .pool = pool};
    made->limits = *limits;
    made->limits.rows = BASE_MAX(limits->rows, model->dims.n_text_ctx);
    made->blocks = mem_array(SHARED_BLOCKS + WORKER_BLOCKS * threads, sizeof(*made->blocks));
    made->workers = mem_array(threads, sizeof(*made->workers));
    if (!made->blocks || !made->workers || !reserve_workers(made) || !reserve_encoder(made) ||
        !reserve_sequences(made) || !reserve_decoder(made)) {
        whisper_run_free(made);
        return error_no_memory(error);
    }
    assert(made->block_count <= SHARED_BLOCKS + WORKER_BLOCKS * threads);
    *run = made;
    return SCOUT_OK;
}

void whisper_run_free(WhisperRun *run)
{
    if (!run)
        return;
    whisper_encodings_free(run);
    for (size_t i = 0; run->audios && i < run->limits.audios; i++)
        mem_free(run->audios[i].memory);
    for (size_t i = 0; i < run->page_end; i++)
        mem_free(run->pages[i]);
    mem_free(run->audios);
    mem_free(run->pages);
    for (size_t i = 0; run->blocks && i < run->block_count; i++)
        mem_free(run->blocks[i]);
    mem_free(run->blocks);
    mem_free(run->workers);
    mem_free(run);
}

// Floats of the keys, or values, of a layer in a page.
static size_t page_part(const WhisperModel *model)
{
    return model->dims.n_state * WHISPER_PAGE_SLOTS;
}

size_t whisper_key_offset(const WhisperModel *model, size_t layer, size_t head)
{
    return 2 * layer * page_part(model) + head * model->head_size * WHISPER_PAGE_SLOTS;
}

size_t whisper_value_offset(const WhisperModel *model, size_t layer, size_t head)
{
    return whisper_key_offset(model, layer, head) + page_part(model);
}

static WhisperPage *take_page(WhisperRun *run)
{
    size_t at = 0;
    while (run->pages[at])
        at++;
    assert(at < run->page_max);
    const size_t floats =
        mem_multiply(page_part(run->model), 2 * run->model->dims.n_decoder_layers);
    const size_t bytes = mem_multiply(floats, sizeof(float));
    if (bytes > SIZE_MAX - sizeof(WhisperPage))
        return NULL;
    WhisperPage *page = mem_aligned(sizeof(*page) + bytes, 1);
    if (!page)
        return NULL;
    page->free = UINT64_MAX;
    memset(page->uses, 0, sizeof(page->uses));
    run->pages[at] = page;
    run->page_end = BASE_MAX(run->page_end, at + 1);
    run->page_open = at;
    return page;
}

ScoutStatus whisper_slot_append(WhisperRun *run, WhisperSequence *sequence, ScoutError *error)
{
    while (run->page_open < run->page_end &&
           (!run->pages[run->page_open] || run->pages[run->page_open]->free == 0))
        run->page_open++;
    WhisperPage *page =
        run->page_open < run->page_end ? run->pages[run->page_open] : take_page(run);
    if (!page)
        return error_no_memory(error);
    const size_t slot = (size_t)__builtin_ctzll(page->free);
    page->free &= page->free - 1;
    page->uses[slot] = 1;
    sequence->places[sequence->length] = page->memory + slot * run->model->head_size;
    sequence->slots[sequence->length++] = (uint32_t)(run->page_open * WHISPER_PAGE_SLOTS + slot);
    return SCOUT_OK;
}

static void use_slots(WhisperRun *run, const WhisperSequence *sequence)
{
    for (size_t i = 0; i < sequence->length; i++) {
        const uint32_t slot = sequence->slots[i];
        run->pages[slot / WHISPER_PAGE_SLOTS]->uses[slot % WHISPER_PAGE_SLOTS]++;
    }
}

// Lets go of the slots from position `length` on.
static void drop_slots(WhisperRun *run, WhisperSequence *sequence, size_t length)
{
    while (sequence->length > length) {
        const uint32_t slot = sequence->slots[--sequence->length];
        const size_t at = slot / WHISPER_PAGE_SLOTS;
        WhisperPage *page = run->pages[at];
        if (--page->uses[slot % WHISPER_PAGE_SLOTS] > 0)
            continue;
        page->free |= UINT64_C(1) << slot % WHISPER_PAGE_SLOTS;
        run->page_open = BASE_MIN(run->page_open, at);
    }
}

void whisper_run_trim(WhisperRun *run)
{
    for (size_t i = 0; i < run->page_end; i++) {
        if (!run->pages[i] || run->pages[i]->free != UINT64_MAX)
            continue;
        mem_free(run->pages[i]);
        run->pages[i] = NULL;
    }
    while (run->page_end > 0 && !run->pages[run->page_end - 1])
        run->page_end--;
    run->page_open = BASE_MIN(run->page_open, run->page_end);
}

// Becomes another's text, whose slots are counted already.
static void copy_list(WhisperSequence *to, const WhisperSequence *from)
{
    memcpy(to->slots, from->slots, from->length * sizeof(*to->slots));
    memcpy(to->places, from->places, from->length * sizeof(*to->places));
    to->length = from->length;
    to->audio = from->audio;
}

void whisper_sequence_start(WhisperRun *run, size_t sequence, size_t audio)
{
    assert(sequence < run->limits.sequences && audio < run->limits.audios);
    drop_slots(run, &run->sequences[sequence], 0);
    run->sequences[sequence].audio = audio;
}

void whisper_sequence_copy(WhisperRun *run, size_t dst, size_t src)
{
    assert(dst < run->limits.sequences && src < run->limits.sequences);
    if (dst == src)
        return;
    WhisperSequence *to = &run->sequences[dst];
    const WhisperSequence *from = &run->sequences[src];
    use_slots(run, from); // before dropping: the two may share slots
    drop_slots(run, to, 0);
    copy_list(to, from);
}

void whisper_sequences_reorder(WhisperRun *run, size_t first, size_t count, const size_t *from)
{
    assert(count <= run->limits.sequences && first <= run->limits.sequences - count);
    WhisperSequence *old = run->sequences + first;
    WhisperSequence *new = run->reordered + first;
    for (size_t i = 0; i < count; i++) {
        assert(from[i] < count);
        const WhisperSequence *source = &old[from[i]];
        copy_list(&new[i], source);
        use_slots(run, source);
    }
    for (size_t i = 0; i < count; i++) {
        drop_slots(run, &old[i], 0);
        const WhisperSequence emptied = old[i];
        old[i] = new[i];
        new[i] = emptied;
    }
}

void whisper_sequence_truncate(WhisperRun *run, size_t sequence, size_t length)
{
    assert(sequence < run->limits.sequences);
    drop_slots(run, &run->sequences[sequence], length);
}

size_t whisper_sequence_length(const WhisperRun *run, size_t sequence)
{
    assert(sequence < run->limits.sequences);
    return run->sequences[sequence].length;
}

static NnPanels panels_of(const WhisperModel *model, size_t length, NnFormat keys, NnFormat values)
{
    return (NnPanels){
        .key_format = keys,
        .value_format = values,
        .heads = model->dims.n_heads,
        .head_size = model->head_size,
        .length = length,
    };
}

static NnFormat key_format(const WhisperModel *model)
{
    switch (model->compute) {
    case WHISPER_INT8: return NN_S8; // costs nothing that could be measured, and is fastest
    case WHISPER_BF16: return NN_BF16;
    default: return NN_F32;
    }
}

NnPanels whisper_self_panels(const WhisperModel *model, size_t length)
{
    const Kernels *kernels = model->kernels;
    if (model->bf16 && kernels->attends_best_in_bf16)
        return panels_of(model, length, NN_BF16, NN_BF16);
    if (model->compute == WHISPER_INT8 && kernels->attends_best_in_s16)
        return panels_of(model, length, NN_S8, NN_S16);
    return panels_of(model, length, key_format(model), model->bf16 ? NN_BF16 : NN_F32);
}

// These are read whole for every token, so their size counts.
NnPanels whisper_cross_panels_of(const WhisperModel *model, size_t length)
{
    const NnFormat values = model->bf16                      ? NN_BF16
                            : model->compute == WHISPER_INT8 ? NN_F16
                                                             : NN_F32;
    return panels_of(model, length, key_format(model), values);
}

NnPanels whisper_cross_panels(const WhisperRun *run, size_t audio, size_t layer)
{
    const WhisperAudio *from = &run->audios[audio];
    NnPanels panels = whisper_cross_panels_of(run->model, from->positions);
    nn_panels_place(&panels, from->memory + layer * nn_panels_bytes(&panels));
    return panels;
}

ScoutStatus whisper_audio_take(WhisperRun *run, size_t audio, size_t positions, ScoutError *error)
{
    WhisperAudio *to = &run->audios[audio];
    const NnPanels panels = whisper_cross_panels_of(run->model, positions);
    const size_t bytes = mem_multiply(nn_panels_bytes(&panels), run->model->dims.n_decoder_layers);
    if (bytes > to->bytes) {
        char *memory = mem_aligned(bytes, 1);
        if (!memory)
            return error_no_memory(error);
        mem_free(to->memory);
        to->memory = memory;
        to->bytes = bytes;
    }
    to->positions = 0;
    return SCOUT_OK;
}

void whisper_audio_drop(WhisperRun *run, size_t audio)
{
    assert(audio < run->limits.audios && !run->audios[audio].encoding);
    mem_free(run->audios[audio].memory);
    run->audios[audio] = (WhisperAudio){.positions = 0};
}
