// Finds the tensors of Silero VAD in its packed file and checks that they are what silero.c
// computes.
#include "silero_internal.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "kernels/pack.h"

typedef struct Loader {
    const PackedFile *file;
    ScoutStatus status; // of the first failure
    ScoutError *error;
} Loader;

// The data of a tensor of exactly this size, or NULL and the loader's status.
static const float *load(Loader *loader, const char *name, PackedEncoding encoding, size_t n,
                         size_t k)
{
    if (loader->status != SCOUT_OK)
        return NULL;
    const PackedTensor *tensor = packed_find(loader->file, name, encoding);
    if (!tensor) {
        loader->status = error_set(loader->error, SCOUT_ERROR_FORMAT, "%s: tensor %s is missing",
                                   packed_path(loader->file), name);
        return NULL;
    }
    size_t elements = 1;
    for (size_t i = 0; i < tensor->rank; i++)
        elements = mem_multiply(elements, tensor->dims[i]);
    const size_t bytes =
        encoding == PACKED_PANEL_F32 ? pack_f32_bytes(n, k) : n * k * sizeof(float);
    if (elements != n * k || tensor->dims[0] != n || tensor->bytes < bytes) {
        loader->status = error_set(loader->error, SCOUT_ERROR_CORRUPT,
                                   "%s: tensor %s does not hold %zu x %zu values",
                                   packed_path(loader->file), name, n, k);
        return NULL;
    }
    return tensor->data;
}

static const float *load_matrix(Loader *loader, const char *name, size_t n, size_t k)
{
    return load(loader, name, PACKED_PANEL_F32, n, k);
}

static const float *load_vector(Loader *loader, const char *name, size_t count)
{
    return load(loader, name, PACKED_PLAIN_F32, count, 1);
}

// Columns first..first+count of panels with n rows of k.
static void copy_columns(size_t n, size_t k, size_t first, size_t count, const float *panels,
                         float *out)
{
    for (size_t panel = 0; panel < n / KERNELS_PANEL; panel++)
        memcpy(out + panel * count * KERNELS_PANEL, panels + (panel * k + first) * KERNELS_PANEL,
               count * KERNELS_PANEL * sizeof(float));
}

// The first layer is a Fourier transform under a Hann window, written as a convolution. Computing
// it as a transform is much faster; here it is made sure that it is one.
static bool is_fourier_transform(const float *panels, const float *window)
{
    float row[SILERO_STFT_SAMPLES];
    float cosine[SILERO_STFT_SAMPLES];
    for (size_t i = 0; i < SILERO_STFT_SAMPLES; i++)
        cosine[i] = (float)cos(6.283185307179586 * (double)i / SILERO_STFT_SAMPLES);
    for (size_t r = 0; r < (size_t)2 * SILERO_BINS; r++) {
        const size_t bin = r % SILERO_BINS;
        const size_t quarter = r < SILERO_BINS ? 0 : SILERO_STFT_SAMPLES / 4; // to minus the sine
        unpack_row_f32(SILERO_STFT_SAMPLES, r, panels, row);
        for (size_t i = 0; i < SILERO_STFT_SAMPLES; i++) {
            const float expected = cosine[(bin * i + quarter) % SILERO_STFT_SAMPLES] * window[i];
            if (!(fabsf(row[i] - expected) < 1e-5f))
                return false;
        }
    }
    return true;
}

static ScoutStatus allocate(Silero *silero, ScoutError *error)
{
    const size_t conv3 = (size_t)SILERO_CONV3 * SILERO_CONV3_K;
    const size_t conv4 = (size_t)SILERO_CONV4 * SILERO_CONV4_K;
    silero->memory = mem_aligned(conv3 + conv4 + SILERO_GATES + SILERO_STATE + SILERO_STFT_SAMPLES,
                                 sizeof(float));
    if (!silero->memory)
        return error_no_memory(error);
    silero->conv3_weight = silero->memory;
    silero->conv4_weight = silero->conv3_weight + conv3;
    silero->gates_bias = silero->conv4_weight + conv4;
    silero->out_weight = silero->gates_bias + SILERO_GATES;
    silero->window = silero->out_weight + SILERO_STATE;
    return fft_new(SILERO_STFT_SAMPLES, &silero->fft, error);
}

static ScoutStatus load_tensors(Silero *silero, ScoutError *error)
{
    Loader loader = {.file = silero->file, .status = SCOUT_OK, .error = error};
    const float *stft =
        load_matrix(&loader, "stft.weight", (size_t)2 * SILERO_BINS, SILERO_STFT_SAMPLES);
    silero->conv1_weight = load_matrix(&loader, "conv1.weight", SILERO_CONV1, SILERO_CONV1_K);
    silero->conv1_bias = load_vector(&loader, "conv1.bias", SILERO_CONV1);
    silero->conv2_weight = load_matrix(&loader, "conv2.weight", SILERO_CONV2, SILERO_CONV2_K);
    silero->conv2_bias = load_vector(&loader, "conv2.bias", SILERO_CONV2);
    const size_t conv3_k = (size_t)SILERO_TAPS * SILERO_CONV2;
    const float *conv3 = load_matrix(&loader, "conv3.weight", SILERO_CONV3, conv3_k);
    silero->conv3_bias = load_vector(&loader, "conv3.bias", SILERO_CONV3);
    const size_t conv4_k = (size_t)SILERO_TAPS * SILERO_CONV3;
    const float *conv4 = load_matrix(&loader, "conv4.weight", SILERO_CONV4, conv4_k);
    silero->conv4_bias = load_vector(&loader, "conv4.bias", SILERO_CONV4);
    silero->input_weight = load_matrix(&loader, "lstm.input.weight", SILERO_GATES, SILERO_STATE);
    silero->hidden_weight = load_matrix(&loader, "lstm.hidden.weight", SILERO_GATES, SILERO_STATE);
    const float *input_bias = load_vector(&loader, "lstm.input.bias", SILERO_GATES);
    const float *hidden_bias = load_vector(&loader, "lstm.hidden.bias", SILERO_GATES);
    const float *out_weight = load_matrix(&loader, "out.weight", 1, SILERO_STATE);
    const float *out_bias = load_vector(&loader, "out.bias", 1);
    if (loader.status != SCOUT_OK)
        return loader.status;
    if (!is_fourier_transform(stft, silero->window))
        return error_set(error, SCOUT_ERROR_UNSUPPORTED,
                         "%s: the first layer is not the transform that Silero VAD begins with",
                         packed_path(silero->file));
    copy_columns(SILERO_CONV3, conv3_k, SILERO_CONV2, SILERO_CONV3_K, conv3, silero->conv3_weight);
    copy_columns(SILERO_CONV4, conv4_k, SILERO_CONV3, SILERO_CONV4_K, conv4, silero->conv4_weight);
    for (size_t i = 0; i < SILERO_GATES; i++)
        silero->gates_bias[i] = input_bias[i] + hidden_bias[i];
    unpack_row_f32(SILERO_STATE, 0, out_weight, silero->out_weight);
    silero->out_bias = out_bias[0];
    return SCOUT_OK;
}

ScoutStatus silero_open(PackedFile *file, const Kernels *kernels, Silero **silero,
                        ScoutError *error)
{
    if (packed_kind(file) != PACKED_SILERO) {
        const ScoutStatus status = error_set(
            error, SCOUT_ERROR_FORMAT, "%s: not a model of voice activity", packed_path(file));
        packed_close(file);
        return status;
    }
    Silero *made = mem_array(1, sizeof *made);
    if (!made) {
        packed_close(file);
        return error_no_memory(error);
    }
    made->file = file;
    made->kernels = kernels;
    ScoutStatus status = allocate(made, error);
    if (status == SCOUT_OK) {
        for (size_t i = 0; i < SILERO_STFT_SAMPLES; i++)
            made->window[i] =
                (float)(0.5 - 0.5 * cos(6.283185307179586 * (double)i / SILERO_STFT_SAMPLES));
        status = load_tensors(made, error);
    }
    if (status != SCOUT_OK) {
        silero_close(made);
        return status;
    }
    *silero = made;
    return SCOUT_OK;
}

void silero_close(Silero *silero)
{
    if (!silero)
        return;
    fft_free(silero->fft);
    mem_free(silero->memory);
    packed_close(silero->file);
    mem_free(silero);
}
