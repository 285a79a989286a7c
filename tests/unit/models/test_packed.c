// The packed format: what is written is read back in every encoding, damage and hostile files are
// refused, and a writer leaves its target whole or absent.
#include "models/packed.h"
#include "models/packed_writer.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "kernels/pack.h"
#include "unit/base/in_folder.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

enum { ROWS = 20, COLUMNS = 40, LARGE_ROWS = 300, LARGE_COLUMNS = 256, PAGE = 4096 };

// The linker sends these calls here (--wrap), so that a test can let the system fail. The names
// with 64 are what a 64-bit off_t makes of them.
ssize_t __real_pwrite64(int fd, const void *bytes, size_t length, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off_t offset);
int __real_posix_fallocate64(int fd, off_t offset, off_t length);
int __wrap_posix_fallocate64(int fd, off_t offset, off_t length);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_link(const char *from, const char *to);
int __wrap_link(const char *from, const char *to);
int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);

typedef struct Failures {
    int pwrite, fallocate, fsync, link, rename; // the errno to give, 0 for the real call
    int good_pwrites;                           // calls of pwrite before it fails
    bool short_pwrites;                         // writes half of what is asked
} Failures;

static Failures failures;

static int fail_with(int errno_value)
{
    errno = errno_value;
    return -1;
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t length, off_t offset)
{
    if (failures.pwrite && failures.good_pwrites-- <= 0) {
        int problem = failures.pwrite;
        failures.pwrite = problem == EINTR ? 0 : problem; // a signal comes once
        return fail_with(problem);
    }
    size_t portion = failures.short_pwrites && length > 1 ? length / 2 : length;
    return __real_pwrite64(fd, bytes, portion, offset);
}

int __wrap_posix_fallocate64(int fd, off_t offset, off_t length)
{
    return failures.fallocate ? failures.fallocate : __real_posix_fallocate64(fd, offset, length);
}

int __wrap_fsync(int fd)
{
    return failures.fsync ? fail_with(failures.fsync) : __real_fsync(fd);
}

int __wrap_link(const char *from, const char *to)
{
    return failures.link ? fail_with(failures.link) : __real_link(from, to);
}

int __wrap_rename(const char *from, const char *to)
{
    return failures.rename ? fail_with(failures.rename) : __real_rename(from, to);
}

static const PackedEncoding panels[] = {PACKED_PANEL_F32, PACKED_PANEL_F16, PACKED_PANEL_S8,
                                        PACKED_PANEL_S4};

// Positions in the header page and in a directory entry: docs/formats/packed.md.
enum {
    AT_VERSION = 8,
    AT_KIND = 12,
    AT_FILE_BYTES = 16,
    AT_METADATA_BYTES = 24,
    AT_TOKEN_COUNT = 28,
    AT_TOKEN_BYTES = 32,
    AT_TENSOR_COUNT = 36,
    AT_FRONT_CRC = 40,
    AT_HEADER_CRC = 44,
    HEADER_BYTES = 48,
    ENTRY_BYTES = 168,
    ENTRY_ENCODING = 96,
    ENTRY_RANK = 100,
    ENTRY_DIMS = 104,
    ENTRY_OFFSET = 120,
    ENTRY_BYTES_AT = 128
};

static float weight(size_t row, size_t column)
{
    return (float)((int)((row * 31 + column * 17) % 201) - 100) / 64.0F;
}

static float *weights(size_t rows, size_t columns)
{
    float *w = mem_array(rows * columns, sizeof *w);
    assert_non_null(w);
    for (size_t i = 0; i < rows * columns; i++)
        w[i] = weight(i / columns, i % columns);
    return w;
}

static void write_tensor(PackedWriter *writer, size_t index, size_t rows, size_t columns,
                         size_t step)
{
    float *w = weights(rows, columns);
    for (size_t first = 0; first < rows; first += step) {
        size_t count = BASE_MIN(step, rows - first);
        assert_int_equal(packed_writer_rows(writer, index, first, count, w + first * columns, NULL),
                         SCOUT_OK);
    }
    mem_free(w);
}

static PackedWriter *begin_sample(const char *path, size_t index[7])
{
    PackedWriter *writer;
    const int32_t heads[] = {3, 1, -4, 2};
    const size_t matrix[] = {ROWS, COLUMNS};
    const size_t large[] = {LARGE_ROWS, LARGE_COLUMNS};
    const size_t vector[] = {7};
    const size_t cube[] = {2, 3, 5};

    assert_int_equal(packed_writer_new(path, PACKED_WHISPER, &writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_meta_int(writer, "n_state", 1, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_meta_int(writer, "n_state", 512, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_meta_text(writer, "name", "b\"a\ns\xc3\xa9", NULL), SCOUT_OK);
    assert_int_equal(packed_writer_meta_ints(writer, "heads", heads, 4, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_meta_ints(writer, "none", NULL, 0, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_token(writer, "a", 1, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_token(writer, NULL, 0, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_token(writer, "\0\xff", 2, NULL), SCOUT_OK);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(packed_writer_declare(writer, "w", panels[i], 2, matrix, &index[i], NULL),
                         SCOUT_OK);
    assert_int_equal(
        packed_writer_declare(writer, "vector", PACKED_PLAIN_F32, 1, vector, &index[4], NULL),
        SCOUT_OK);
    assert_int_equal(
        packed_writer_declare(writer, "cube", PACKED_PLAIN_F32, 3, cube, &index[5], NULL),
        SCOUT_OK);
    assert_int_equal(
        packed_writer_declare(writer, "large", PACKED_PANEL_F32, 2, large, &index[6], NULL),
        SCOUT_OK);
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
    return writer;
}

// step is how many rows go into one call.
static void write_sample_rows(PackedWriter *writer, const size_t index[7], size_t step)
{
    for (size_t i = 0; i < 4; i++)
        write_tensor(writer, index[i], ROWS, COLUMNS, step);
    write_tensor(writer, index[4], 7, 1, step);
    write_tensor(writer, index[5], 2, 15, step);
    write_tensor(writer, index[6], LARGE_ROWS, LARGE_COLUMNS, step);
}

static void write_sample(const char *path, size_t step)
{
    size_t index[7];
    PackedWriter *writer = begin_sample(path, index);
    write_sample_rows(writer, index, step);
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_OK);
    packed_writer_free(writer);
}

static Buffer read_bytes(const char *path)
{
    Buffer bytes;
    buffer_init(&bytes, 1 << 24);
    assert_int_equal(file_read(path, 1 << 24, &bytes, NULL), SCOUT_OK);
    return bytes;
}

static void write_bytes(const char *path, const void *bytes, size_t length)
{
    assert_int_equal(file_write(path, bytes, length, true, NULL), SCOUT_OK);
}

static PackedFile *open_good(const char *path)
{
    PackedFile *file = NULL;
    ScoutError error = {.message = ""};
    if (packed_open(path, &file, &error) != SCOUT_OK)
        fail_msg("%s", error.message);
    return file;
}

static ScoutStatus open_status(const char *path, ScoutError *error)
{
    PackedFile *file = NULL;
    ScoutStatus status = packed_open(path, &file, error);
    if (status != SCOUT_OK)
        assert_null(file);
    packed_close(file);
    return status;
}

static void unpack(const PackedTensor *tensor, size_t row, float *out)
{
    size_t k = tensor->dims[1];
    switch (tensor->encoding) {
    case PACKED_PANEL_F32: unpack_row_f32(k, row, tensor->data, out); break;
    case PACKED_PANEL_F16: unpack_row_f16(k, row, tensor->data, out); break;
    case PACKED_PANEL_S8: unpack_row_s8(k, row, tensor->data, tensor->scale, out); break;
    case PACKED_PANEL_S4: unpack_row_s4(k, row, tensor->data, tensor->scale, out); break;
    default: fail();
    }
}

// The largest error a rounding to the encoding's step can make; weights reach 100/64.
static float tolerance(PackedEncoding encoding)
{
    switch (encoding) {
    case PACKED_PANEL_S8: return 1.5626F / 127 / 2;
    case PACKED_PANEL_S4: return 1.5626F / 8;
    default: return 0; // multiples of 1/64 up to 100/64 are exact in f16
    }
}

static void check_panels(const PackedTensor *tensor, size_t rows, size_t columns)
{
    float *row_values = mem_array(columns, sizeof *row_values);
    assert_non_null(tensor);
    assert_int_equal(tensor->rank, 2);
    assert_int_equal(tensor->dims[0], rows);
    assert_int_equal(tensor->dims[1], columns);
    for (size_t row = 0; row < rows; row++) {
        unpack(tensor, row, row_values);
        for (size_t i = 0; i < columns; i++) {
            float difference = fabsf(row_values[i] - weight(row, i));
            if (!(difference <= tolerance(tensor->encoding)))
                fail_msg("encoding %d, row %zu, column %zu: off by %g", (int)tensor->encoding, row,
                         i, (double)difference);
        }
    }
    mem_free(row_values);
}

static void test_tensors_come_back(void **state)
{
    (void)state;
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    assert_int_equal(packed_tensor_count(file), 7);
    for (size_t i = 0; i < 4; i++) {
        const PackedTensor *tensor = packed_find(file, "w", panels[i]);
        check_panels(tensor, ROWS, COLUMNS);
        assert_ptr_equal(tensor, packed_tensor_at(file, i));
        assert_int_equal(tensor->scale != NULL, panels[i] >= PACKED_PANEL_S8);
        assert_int_equal(tensor->sum != NULL, panels[i] == PACKED_PANEL_S8);
    }
    check_panels(packed_find(file, "large", PACKED_PANEL_F32), LARGE_ROWS, LARGE_COLUMNS);
    const PackedTensor *cube = packed_find(file, "cube", PACKED_PLAIN_F32);
    assert_int_equal(cube->rank, 3);
    assert_int_equal(cube->dims[2], 5);
    for (size_t i = 0; i < 30; i++)
        assert_true(((const float *)cube->data)[i] == weight(i / 15, i % 15));
    assert_null(packed_find(file, "w", PACKED_PLAIN_F32));
    assert_null(packed_find(file, "x", PACKED_PANEL_F32));
    assert_null(packed_find(file, "", PACKED_PANEL_F32));
    assert_null(packed_tensor_at(file, 7));
    packed_close(file);
}

// Kernels compute whole panels: what stands in the rows beyond n must add nothing.
static void test_padding_is_zero(void **state)
{
    (void)state;
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    const PackedTensor *s8 = packed_find(file, "w", PACKED_PANEL_S8);
    const PackedTensor *f32 = packed_find(file, "w", PACKED_PANEL_F32);
    float row[COLUMNS];
    assert_int_equal(s8->bytes, pack_s8_bytes(ROWS, COLUMNS));
    for (size_t channel = ROWS; channel < 32; channel++) {
        assert_int_equal(s8->sum[channel], 0);
        assert_true(isfinite(s8->scale[channel]));
        unpack(f32, channel, row);
        for (size_t i = 0; i < COLUMNS; i++)
            assert_true(row[i] == 0);
    }
    packed_close(file);
}

static void test_find_any_takes_the_first_preferred(void **state)
{
    (void)state;
    const PackedEncoding order[] = {PACKED_PLAIN_F32, PACKED_PANEL_S8, PACKED_PANEL_F32};
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    assert_int_equal(packed_find_any(file, "w", order, 3)->encoding, PACKED_PANEL_S8);
    assert_int_equal(packed_find_any(file, "large", order, 3)->encoding, PACKED_PANEL_F32);
    assert_null(packed_find_any(file, "w", order, 1));
    assert_null(packed_find_any(file, "absent", order, 3));
    packed_close(file);
}

static void test_tensors_are_aligned(void **state)
{
    (void)state;
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    for (size_t i = 0; i < packed_tensor_count(file); i++) {
        const PackedTensor *tensor = packed_tensor_at(file, i);
        assert_int_equal((uintptr_t)tensor->data % 64, 0);
        assert_int_equal((uintptr_t)tensor->scale % 64, 0);
        assert_int_equal((uintptr_t)tensor->sum % 64, 0);
    }
    assert_int_equal((uintptr_t)packed_find(file, "large", PACKED_PANEL_F32)->data % PAGE, 0);
    packed_close(file);
}

static void test_metadata_comes_back(void **state)
{
    (void)state;
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    int64_t number = -1;
    const char *text = NULL;
    const int32_t *ints = NULL;
    size_t count = 9;

    assert_true(packed_meta_int(file, "n_state", &number));
    assert_int_equal(number, 512);
    assert_true(packed_meta_text(file, "name", &text));
    assert_string_equal(text, "b\"a\ns\xc3\xa9");
    assert_true(packed_meta_ints(file, "heads", &ints, &count));
    assert_int_equal(count, 4);
    assert_int_equal(ints[2], -4);
    assert_true(packed_meta_ints(file, "none", &ints, &count));
    assert_int_equal(count, 0);
    number = 7;
    assert_false(packed_meta_int(file, "name", &number)); // another type
    assert_false(packed_meta_text(file, "n_state", &text));
    assert_false(packed_meta_int(file, "absent", &number));
    assert_int_equal(number, 7);
    packed_meta_json(file, &text, &count);
    assert_int_equal(text[0], '{');
    assert_int_equal(text[count - 1], '}');
    assert_int_equal(packed_kind(file), PACKED_WHISPER);
    assert_string_equal(packed_path(file), "m");
    packed_close(file);
}

static void test_vocabulary_comes_back(void **state)
{
    (void)state;
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    const char *bytes;
    size_t length;
    assert_int_equal(packed_vocab_count(file), 3);
    assert_true(packed_vocab_token(file, 0, &bytes, &length));
    assert_int_equal(length, 1);
    assert_memory_equal(bytes, "a", 1);
    assert_true(packed_vocab_token(file, 1, &bytes, &length));
    assert_int_equal(length, 0);
    assert_true(packed_vocab_token(file, 2, &bytes, &length));
    assert_int_equal(length, 2);
    assert_memory_equal(bytes, "\0\xff", 2);
    assert_false(packed_vocab_token(file, 3, &bytes, &length));
    packed_close(file);
}

static void test_a_file_without_vocabulary_has_none(void **state)
{
    (void)state;
    PackedWriter *writer;
    size_t index;
    const char *bytes;
    size_t length;
    const float value = 1;
    assert_int_equal(packed_writer_new("m", PACKED_SILERO, &writer, NULL), SCOUT_OK);
    assert_int_equal(
        packed_writer_declare(writer, "x", PACKED_PLAIN_F32, 1, &(size_t){1}, &index, NULL),
        SCOUT_OK);
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_rows(writer, index, 0, 1, &value, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_OK);
    packed_writer_free(writer);
    PackedFile *file = open_good("m");
    assert_int_equal(packed_vocab_count(file), 0);
    assert_false(packed_vocab_token(file, 0, &bytes, &length));
    packed_close(file);
}

// Rows may come in any portion: the file is the same.
static void test_pieces_make_the_same_file(void **state)
{
    (void)state;
    write_sample("whole", 1000);
    write_sample("pieces", 16);
    Buffer a = read_bytes("whole");
    Buffer b = read_bytes("pieces");
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
    buffer_done(&a);
    buffer_done(&b);
}

static void test_quantised_rows_are_exact(void **state)
{
    (void)state;
    PackedWriter *writer;
    size_t index;
    int8_t q[ROWS * COLUMNS];
    float scale[ROWS];
    float row[COLUMNS];
    for (size_t i = 0; i < BASE_COUNT(q); i++)
        q[i] = (int8_t)((int)(i * 37 % 255) - 127);
    for (size_t i = 0; i < ROWS; i++)
        scale[i] = 0.01F * (float)(i + 1);
    const size_t dims[] = {ROWS, COLUMNS};
    assert_int_equal(packed_writer_new("m", PACKED_WHISPER, &writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_declare(writer, "w", PACKED_PANEL_S8, 2, dims, &index, NULL),
                     SCOUT_OK);
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_rows_s8(writer, index, 0, 16, q, scale, NULL), SCOUT_OK);
    assert_int_equal(
        packed_writer_rows_s8(writer, index, 16, ROWS - 16, q + 16 * COLUMNS, scale + 16, NULL),
        SCOUT_OK);
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_OK);
    packed_writer_free(writer);

    PackedFile *file = open_good("m");
    const PackedTensor *tensor = packed_find(file, "w", PACKED_PANEL_S8);
    for (size_t i = 0; i < ROWS; i++) {
        int32_t sum = 0;
        unpack(tensor, i, row);
        for (size_t j = 0; j < COLUMNS; j++) {
            sum += q[i * COLUMNS + j];
            assert_true(row[j] == (float)q[i * COLUMNS + j] * scale[i]);
        }
        assert_int_equal(tensor->sum[i], 128 * sum);
    }
    packed_close(file);
}

// ---- damage -------------------------------------------------------------------------------------

static size_t round_up(size_t value, size_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static uint32_t get_u32(const Buffer *bytes, size_t at)
{
    uint32_t value;
    memcpy(&value, bytes->data + at, sizeof value);
    return value;
}

static void set_u32(Buffer *bytes, size_t at, uint32_t value)
{
    memcpy(bytes->data + at, &value, sizeof value);
}

static void set_u64(Buffer *bytes, size_t at, uint64_t value)
{
    memcpy(bytes->data + at, &value, sizeof value);
}

static size_t offsets_at(const Buffer *bytes)
{
    return round_up(PAGE + get_u32(bytes, AT_METADATA_BYTES), 64);
}

static size_t directory_at(const Buffer *bytes)
{
    size_t tokens = offsets_at(bytes) + 4 * ((size_t)get_u32(bytes, AT_TOKEN_COUNT) + 1);
    return round_up(tokens + get_u32(bytes, AT_TOKEN_BYTES), 64);
}

static size_t entry_at(const Buffer *bytes, size_t index)
{
    return directory_at(bytes) + index * ENTRY_BYTES;
}

static void fix_checksums(Buffer *bytes, size_t front_end)
{
    set_u32(bytes, AT_FRONT_CRC, digest_crc32(0, bytes->data + PAGE, front_end - PAGE));
    set_u32(bytes, AT_HEADER_CRC, digest_crc32(0, bytes->data, AT_HEADER_CRC));
}

// Whoever writes hostile files gets the checksums right.
static ScoutStatus open_forged(Buffer *bytes, size_t front_end)
{
    fix_checksums(bytes, front_end);
    write_bytes("forged", bytes->data, bytes->length);
    ScoutStatus status = open_status("forged", NULL);
    buffer_done(bytes);
    return status;
}

typedef struct Forgery {
    const char *what;
    size_t at; // in the header, or in the entry of tensor `entry`
    int entry; // -1: the header
    uint64_t value;
    size_t bytes; // of value
    ScoutStatus expected;
} Forgery;

static void test_forged_numbers_are_refused(void **state)
{
    (void)state;
    static const Forgery forgeries[] = {
        {"version", AT_VERSION, -1, 2, 4, SCOUT_ERROR_UNSUPPORTED},
        {"version of the other byte order", AT_VERSION, -1, 1u << 24, 4, SCOUT_ERROR_UNSUPPORTED},
        {"kind 0", AT_KIND, -1, 0, 4, SCOUT_ERROR_UNSUPPORTED},
        {"kind 99", AT_KIND, -1, 99, 4, SCOUT_ERROR_UNSUPPORTED},
        {"size", AT_FILE_BYTES, -1, 1, 8, SCOUT_ERROR_CORRUPT},
        {"metadata size", AT_METADATA_BYTES, -1, UINT32_MAX, 4, SCOUT_ERROR_CORRUPT},
        {"token count", AT_TOKEN_COUNT, -1, UINT32_MAX, 4, SCOUT_ERROR_CORRUPT},
        {"token count beyond the file", AT_TOKEN_COUNT, -1, 1 << 20, 4, SCOUT_ERROR_CORRUPT},
        {"token bytes", AT_TOKEN_BYTES, -1, UINT32_MAX, 4, SCOUT_ERROR_CORRUPT},
        {"tensor count", AT_TENSOR_COUNT, -1, UINT32_MAX, 4, SCOUT_ERROR_CORRUPT},
        {"no tensors", AT_TENSOR_COUNT, -1, 0, 4, SCOUT_ERROR_CORRUPT},
        {"encoding 0", ENTRY_ENCODING, 0, 0, 4, SCOUT_ERROR_CORRUPT},
        {"encoding 6", ENTRY_ENCODING, 0, 6, 4, SCOUT_ERROR_CORRUPT},
        {"another encoding's size", ENTRY_ENCODING, 0, PACKED_PANEL_F16, 4, SCOUT_ERROR_CORRUPT},
        {"rank 0", ENTRY_RANK, 4, 0, 4, SCOUT_ERROR_CORRUPT},
        {"rank 5", ENTRY_RANK, 4, 5, 4, SCOUT_ERROR_CORRUPT},
        {"rank 3 panels", ENTRY_RANK, 0, 3, 4, SCOUT_ERROR_CORRUPT},
        {"dimension 0", ENTRY_DIMS, 0, 0, 4, SCOUT_ERROR_CORRUPT},
        {"dimension 2^32-1", ENTRY_DIMS, 0, UINT32_MAX, 4, SCOUT_ERROR_CORRUPT},
        {"2^24 x 40 elements", ENTRY_DIMS, 0, 1 << 24, 4, SCOUT_ERROR_CORRUPT},
        {"offset in the front", ENTRY_OFFSET, 0, 64, 8, SCOUT_ERROR_CORRUPT},
        {"offset beyond the file", ENTRY_OFFSET, 0, UINT64_C(1) << 40, 8, SCOUT_ERROR_CORRUPT},
        {"offset that wraps", ENTRY_OFFSET, 6, UINT64_MAX - 63, 8, SCOUT_ERROR_CORRUPT},
        {"bytes that wrap", ENTRY_BYTES_AT, 6, UINT64_MAX, 8, SCOUT_ERROR_CORRUPT},
        {"bytes 0", ENTRY_BYTES_AT, 6, 0, 8, SCOUT_ERROR_CORRUPT},
    };
    write_sample("m", 1000);
    for (size_t i = 0; i < BASE_COUNT(forgeries); i++) {
        const Forgery *forgery = &forgeries[i];
        Buffer bytes = read_bytes("m");
        size_t end = entry_at(&bytes, 7);
        size_t base = forgery->entry < 0 ? 0 : entry_at(&bytes, (size_t)forgery->entry);
        memcpy(bytes.data + base + forgery->at, &forgery->value, forgery->bytes);
        ScoutStatus status = open_forged(&bytes, end);
        if (status != forgery->expected)
            fail_msg("%s: status %d", forgery->what, (int)status);
    }
}

static void test_tensors_must_not_overlap(void **state)
{
    (void)state;
    write_sample("m", 1000);
    Buffer bytes = read_bytes("m");
    uint64_t offset;
    memcpy(&offset, bytes.data + entry_at(&bytes, 0) + ENTRY_OFFSET, sizeof offset);
    set_u64(&bytes, entry_at(&bytes, 1) + ENTRY_OFFSET, offset);
    size_t end = entry_at(&bytes, 7);
    assert_int_equal(open_forged(&bytes, end), SCOUT_ERROR_CORRUPT);
}

static void test_tensors_must_be_aligned(void **state)
{
    (void)state;
    write_sample("m", 1000);
    Buffer bytes = read_bytes("m");
    uint64_t offset;
    size_t at = entry_at(&bytes, 4) + ENTRY_OFFSET; // the vector: 28 bytes before a gap
    memcpy(&offset, bytes.data + at, sizeof offset);
    set_u64(&bytes, at, offset + 4);
    size_t end = entry_at(&bytes, 7);
    assert_int_equal(open_forged(&bytes, end), SCOUT_ERROR_CORRUPT);
}

static void test_names_must_end_and_differ(void **state)
{
    (void)state;
    write_sample("m", 1000);
    Buffer bytes = read_bytes("m");
    size_t end = entry_at(&bytes, 7);
    memset(bytes.data + entry_at(&bytes, 0), 'x', PACKED_NAME_MAX);
    assert_int_equal(open_forged(&bytes, end), SCOUT_ERROR_CORRUPT);

    bytes = read_bytes("m");
    memset(bytes.data + entry_at(&bytes, 0), 0, PACKED_NAME_MAX);
    assert_int_equal(open_forged(&bytes, end), SCOUT_ERROR_CORRUPT);

    bytes = read_bytes("m"); // "cube" becomes a second "vector", f32 as well
    memcpy(bytes.data + entry_at(&bytes, 5), "vector", 7);
    assert_int_equal(open_forged(&bytes, end), SCOUT_ERROR_CORRUPT);
}

static void test_token_offsets_must_ascend(void **state)
{
    (void)state;
    static const uint32_t bad[][4] = {{1, 1, 1, 3}, {0, 2, 1, 3}, {0, 1, 1, 2}, {0, 1, 1, 4}};
    write_sample("m", 1000);
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        Buffer bytes = read_bytes("m");
        size_t end = entry_at(&bytes, 7);
        memcpy(bytes.data + offsets_at(&bytes), bad[i], sizeof bad[i]);
        assert_int_equal(open_forged(&bytes, end), SCOUT_ERROR_CORRUPT);
    }
}

static void test_metadata_must_be_an_object(void **state)
{
    (void)state;
    static const char *const bad[] = {"[1", "{1:", "\"a\"", "{\"a\":1,\"a\":2}", ""};
    write_sample("m", 1000);
    for (size_t i = 0; i < BASE_COUNT(bad); i++) {
        Buffer bytes = read_bytes("m");
        size_t end = entry_at(&bytes, 7);
        memset(bytes.data + PAGE, ' ', get_u32(&bytes, AT_METADATA_BYTES));
        memcpy(bytes.data + PAGE, bad[i], strlen(bad[i]));
        assert_int_equal(open_forged(&bytes, end), SCOUT_ERROR_CORRUPT);
    }
}

static void test_metadata_of_later_versions_is_passed_over(void **state)
{
    (void)state;
    static const char later[] = "{\"a\":1.5,\"b\":{},\"c\":[\"x\"],\"d\":4}";
    int64_t number;
    const int32_t *ints;
    size_t count;
    write_sample("m", 1000);
    Buffer bytes = read_bytes("m");
    memset(bytes.data + PAGE, ' ', get_u32(&bytes, AT_METADATA_BYTES));
    memcpy(bytes.data + PAGE, later, strlen(later));
    fix_checksums(&bytes, entry_at(&bytes, 7));
    write_bytes("later", bytes.data, bytes.length);
    buffer_done(&bytes);
    PackedFile *file = open_good("later");
    assert_true(packed_meta_int(file, "d", &number));
    assert_int_equal(number, 4);
    assert_false(packed_meta_int(file, "a", &number));
    assert_false(packed_meta_ints(file, "c", &ints, &count));
    packed_close(file);
}

static void test_any_flipped_bit_of_the_front_is_noticed(void **state)
{
    (void)state;
    write_sample("m", 1000);
    Buffer bytes = read_bytes("m");
    size_t end = entry_at(&bytes, 7);
    for (size_t at = 0; at < end; at = at + 1 == HEADER_BYTES ? PAGE : at + 1) {
        bytes.data[at] = (char)(bytes.data[at] ^ (1 << (at % 8)));
        write_bytes("flipped", bytes.data, bytes.length);
        ScoutStatus status = open_status("flipped", NULL);
        if (status != (at < 8 ? SCOUT_ERROR_FORMAT : SCOUT_ERROR_CORRUPT))
            fail_msg("byte %zu: status %d", at, (int)status);
        bytes.data[at] = (char)(bytes.data[at] ^ (1 << (at % 8)));
    }
    buffer_done(&bytes);
}

static void test_a_cut_file_is_refused(void **state)
{
    (void)state;
    write_sample("m", 1000);
    Buffer bytes = read_bytes("m");
    const size_t lengths[] = {1, 47, PAGE - 1, PAGE, PAGE + 1, 2 * PAGE, bytes.length - 1};
    for (size_t i = 0; i < BASE_COUNT(lengths); i++) {
        ScoutError error;
        write_bytes("cut", bytes.data, lengths[i]);
        ScoutStatus status = open_status("cut", &error);
        assert_int_equal(status, lengths[i] < PAGE ? SCOUT_ERROR_FORMAT : SCOUT_ERROR_CORRUPT);
        assert_non_null(strstr(error.message, "cut: "));
    }
    buffer_append(&bytes, "x", 1);
    write_bytes("longer", bytes.data, bytes.length);
    assert_int_equal(open_status("longer", NULL), SCOUT_ERROR_CORRUPT);
    buffer_done(&bytes);
}

static void test_other_files_are_told_apart(void **state)
{
    (void)state;
    ScoutError error;
    write_bytes("text", "hello", 5);
    assert_int_equal(open_status("text", &error), SCOUT_ERROR_FORMAT);
    assert_non_null(strstr(error.message, "import"));
    assert_int_equal(open_status("absent", &error), SCOUT_ERROR_NOT_FOUND);
    assert_int_equal(file_make_folders("folder", NULL), SCOUT_OK);
    assert_int_not_equal(open_status("folder", &error), SCOUT_OK);
}

static void note_progress(void *context, double fraction)
{
    double *last = context;
    assert_true(fraction > *last && fraction <= 1);
    *last = fraction;
}

static void test_verify_finds_damage_in_the_data(void **state)
{
    (void)state;
    double last = 0;
    ScoutError error;
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    assert_int_equal(packed_verify(file, NULL, note_progress, &last, NULL), SCOUT_OK);
    assert_true(last == 1);
    const char *sums = (const void *)packed_find(file, "w", PACKED_PANEL_S8)->sum;
    const char *begin = packed_tensor_at(file, 0)->data;
    size_t offset = (size_t)(sums - begin);
    packed_close(file);

    Buffer bytes = read_bytes("m");
    uint64_t first;
    memcpy(&first, bytes.data + entry_at(&bytes, 0) + ENTRY_OFFSET, sizeof first);
    bytes.data[first + offset] ^= 1;
    write_bytes("m", bytes.data, bytes.length);
    buffer_done(&bytes);
    file = open_good("m"); // opening does not read the data
    assert_int_equal(packed_verify(file, NULL, NULL, NULL, &error), SCOUT_ERROR_CORRUPT);
    assert_non_null(strstr(error.message, "tensor w, int8 panels"));
    packed_close(file);
}

static void test_verify_can_be_cancelled(void **state)
{
    (void)state;
    Cancel cancel;
    cancel_init(&cancel);
    cancel_raise(&cancel);
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    assert_int_equal(packed_verify(file, &cancel, NULL, NULL, NULL), SCOUT_ERROR_CANCELLED);
    packed_close(file);
}

static void test_hints_change_nothing(void **state)
{
    (void)state;
    write_sample("m", 1000);
    PackedFile *file = open_good("m");
    for (size_t i = 0; i < packed_tensor_count(file); i++)
        packed_will_need(file, packed_tensor_at(file, i));
    assert_int_equal(packed_verify(file, NULL, NULL, NULL, NULL), SCOUT_OK);
    for (size_t i = 0; i < packed_tensor_count(file); i++)
        packed_not_needed(file, packed_tensor_at(file, i));
    assert_int_equal(packed_verify(file, NULL, NULL, NULL, NULL), SCOUT_OK);
    packed_close(file);
}

// ---- the writer ---------------------------------------------------------------------------------

static size_t count_files(void)
{
    size_t count = 0;
    DIR *dir = opendir(".");
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void test_the_writer_keeps_its_order(void **state)
{
    (void)state;
    size_t index[7];
    size_t other;
    const size_t dims[] = {ROWS, COLUMNS};
    float *w = weights(ROWS, COLUMNS);
    int8_t q[16 * COLUMNS] = {0};
    float scale[16];
    PackedWriter *writer;
    assert_int_equal(packed_writer_new("m", PACKED_WHISPER, &writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_ERROR_STATE); // nothing declared
    assert_int_equal(packed_writer_rows(writer, 0, 0, 1, w, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_ERROR_STATE);
    packed_writer_free(writer);

    writer = begin_sample("m", index);
    assert_int_equal(packed_writer_begin(writer, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_declare(writer, "y", PACKED_PANEL_F32, 2, dims, &other, NULL),
                     SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_meta_int(writer, "y", 1, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_token(writer, "y", 1, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_rows(writer, index[0], 16, 4, w, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_rows(writer, index[0], 0, 15, w, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_rows(writer, index[0], 0, ROWS + 1, w, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_rows(writer, index[0], 0, 0, w, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_rows(writer, 7, 0, 16, w, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_rows_s8(writer, index[0], 0, 16, q, scale, NULL),
                     SCOUT_ERROR_STATE); // not int8
    write_sample_rows(writer, index, 16);
    assert_int_equal(packed_writer_rows(writer, index[0], ROWS, 1, w, NULL), SCOUT_ERROR_STATE);
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_finish(writer, true, NULL), SCOUT_ERROR_STATE);
    packed_writer_free(writer);
    assert_int_equal(count_files(), 1);
    mem_free(w);
}

static void test_the_writer_refuses_what_cannot_be_stored(void **state)
{
    (void)state;
    PackedWriter *writer;
    size_t index;
    const size_t matrix[] = {16, 16};
    const size_t cube[] = {2, 2, 2};
    const size_t wide[] = {16, 65537};
    char name[PACKED_NAME_MAX + 1];
    memset(name, 'n', PACKED_NAME_MAX);
    name[PACKED_NAME_MAX] = '\0';
    assert_int_equal(packed_writer_new("m", PACKED_WHISPER, &writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_declare(writer, name, PACKED_PANEL_F32, 2, matrix, &index, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(packed_writer_declare(writer, "", PACKED_PANEL_F32, 2, matrix, &index, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(packed_writer_declare(writer, "c", PACKED_PANEL_F32, 3, cube, &index, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(
        packed_writer_declare(writer, "z", PACKED_PLAIN_F32, 1, &(size_t){0}, &index, NULL),
        SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(packed_writer_declare(writer, "q", PACKED_PANEL_S8, 2, wide, &index, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(packed_writer_declare(writer, "w", PACKED_PANEL_F32, 2, matrix, &index, NULL),
                     SCOUT_OK);
    assert_int_equal(packed_writer_declare(writer, "w", PACKED_PANEL_F32, 2, matrix, &index, NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    assert_int_equal(packed_writer_meta_text(writer, "t", "\xff", NULL),
                     SCOUT_ERROR_INVALID_ARGUMENT);
    packed_writer_free(writer);
    packed_writer_free(NULL);
}

static void test_an_unfinished_file_leaves_nothing(void **state)
{
    (void)state;
    size_t index[7];
    PackedWriter *writer = begin_sample("m", index);
    assert_int_equal(count_files(), 1);                                             // the draft
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_ERROR_STATE); // no rows
    packed_writer_free(writer);
    assert_int_equal(count_files(), 0);
}

static void test_an_existing_file_is_replaced_only_when_asked(void **state)
{
    (void)state;
    size_t index[7];
    write_bytes("m", "old", 3);
    PackedWriter *writer = begin_sample("m", index);
    write_sample_rows(writer, index, 1000);
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_ERROR_EXISTS);
    Buffer bytes = read_bytes("m");
    assert_int_equal(bytes.length, 3);
    buffer_done(&bytes);
    assert_int_equal(packed_writer_finish(writer, true, NULL), SCOUT_OK);
    packed_writer_free(writer);
    assert_int_equal(count_files(), 1);
    packed_close(open_good("m"));
}

// Writes the sample while the system fails as set; leaves the failures off.
static ScoutStatus write_with(Failures set, bool replace, ScoutError *error)
{
    size_t index[7];
    float *w = weights(LARGE_ROWS, LARGE_COLUMNS);
    PackedWriter *writer = begin_sample("m", index);
    failures = set;
    ScoutStatus status = SCOUT_OK;
    static const size_t rows[7] = {ROWS, ROWS, ROWS, ROWS, 7, 2, LARGE_ROWS};
    for (size_t i = 0; i < 7 && status == SCOUT_OK; i++)
        status = packed_writer_rows(writer, index[i], 0, rows[i], w, error);
    if (status == SCOUT_OK)
        status = packed_writer_finish(writer, replace, error);
    failures = (Failures){0};
    packed_writer_free(writer);
    mem_free(w);
    assert_int_equal(count_files(), status == SCOUT_OK);
    return status;
}

static void test_failing_writes_leave_nothing(void **state)
{
    (void)state;
    int good = 0;
    while (write_with((Failures){.pwrite = ENOSPC, .good_pwrites = good}, false, NULL) ==
           SCOUT_ERROR_NO_SPACE)
        good++;
    assert_true(good >= 11); // a write for each part of each tensor, then the front
    packed_close(open_good("m"));
    (void)unlink("m");
    assert_int_equal(write_with((Failures){.fsync = EIO}, false, NULL), SCOUT_ERROR_IO);
    assert_int_equal(write_with((Failures){.rename = EACCES}, true, NULL), SCOUT_ERROR_PERMISSION);
}

static void test_short_and_interrupted_writes_are_continued(void **state)
{
    (void)state;
    assert_int_equal(write_with((Failures){.short_pwrites = true}, false, NULL), SCOUT_OK);
    Buffer a = read_bytes("m");
    (void)unlink("m");
    assert_int_equal(write_with((Failures){.pwrite = EINTR, .good_pwrites = 3}, false, NULL),
                     SCOUT_OK);
    Buffer b = read_bytes("m");
    assert_int_equal(a.length, b.length);
    assert_memory_equal(a.data, b.data, a.length);
    buffer_done(&a);
    buffer_done(&b);
    packed_close(open_good("m"));
}

static void test_file_systems_without_links_will_do(void **state)
{
    (void)state;
    assert_int_equal(write_with((Failures){.link = EPERM}, false, NULL), SCOUT_OK);
    packed_close(open_good("m"));
    size_t index[7];
    PackedWriter *writer = begin_sample("m", index);
    write_sample_rows(writer, index, 1000);
    failures = (Failures){.link = EPERM};
    assert_int_equal(packed_writer_finish(writer, false, NULL), SCOUT_ERROR_EXISTS);
    failures = (Failures){0};
    packed_writer_free(writer);
}

static void test_file_systems_that_reserve_nothing_will_do(void **state)
{
    (void)state;
    failures = (Failures){.fallocate = EOPNOTSUPP};
    write_sample("m", 1000);
    failures = (Failures){0};
    packed_close(open_good("m"));
}

static void test_a_full_disk_is_noticed_at_the_beginning(void **state)
{
    (void)state;
    size_t index;
    PackedWriter *writer;
    ScoutError error;
    const size_t dims[] = {1024, 1024};
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit small = {.rlim_cur = 1 << 20, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);

    assert_int_equal(packed_writer_new("m", PACKED_WHISPER, &writer, NULL), SCOUT_OK);
    assert_int_equal(packed_writer_declare(writer, "w", PACKED_PANEL_F32, 2, dims, &index, NULL),
                     SCOUT_OK);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    ScoutStatus status = packed_writer_begin(writer, &error);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_not_equal(status, SCOUT_OK);
    assert_non_null(strstr(error.message, "5 MiB"));
    packed_writer_free(writer);
    assert_int_equal(count_files(), 0);
}

static void test_a_missing_folder_is_named(void **state)
{
    (void)state;
    size_t index;
    PackedWriter *writer;
    ScoutError error;
    assert_int_equal(packed_writer_new("no/m", PACKED_WHISPER, &writer, NULL), SCOUT_OK);
    assert_int_equal(
        packed_writer_declare(writer, "w", PACKED_PLAIN_F32, 1, &(size_t){1}, &index, NULL),
        SCOUT_OK);
    assert_int_equal(packed_writer_begin(writer, &error), SCOUT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, "no/m"));
    packed_writer_free(writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_tensors_come_back),
        IN_FOLDER(test_padding_is_zero),
        IN_FOLDER(test_find_any_takes_the_first_preferred),
        IN_FOLDER(test_tensors_are_aligned),
        IN_FOLDER(test_metadata_comes_back),
        IN_FOLDER(test_vocabulary_comes_back),
        IN_FOLDER(test_a_file_without_vocabulary_has_none),
        IN_FOLDER(test_pieces_make_the_same_file),
        IN_FOLDER(test_quantised_rows_are_exact),
        IN_FOLDER(test_forged_numbers_are_refused),
        IN_FOLDER(test_tensors_must_not_overlap),
        IN_FOLDER(test_tensors_must_be_aligned),
        IN_FOLDER(test_names_must_end_and_differ),
        IN_FOLDER(test_token_offsets_must_ascend),
        IN_FOLDER(test_metadata_must_be_an_object),
        IN_FOLDER(test_metadata_of_later_versions_is_passed_over),
        IN_FOLDER(test_any_flipped_bit_of_the_front_is_noticed),
        IN_FOLDER(test_a_cut_file_is_refused),
        IN_FOLDER(test_other_files_are_told_apart),
        IN_FOLDER(test_verify_finds_damage_in_the_data),
        IN_FOLDER(test_verify_can_be_cancelled),
        IN_FOLDER(test_hints_change_nothing),
        IN_FOLDER(test_the_writer_keeps_its_order),
        IN_FOLDER(test_the_writer_refuses_what_cannot_be_stored),
        IN_FOLDER(test_an_unfinished_file_leaves_nothing),
        IN_FOLDER(test_an_existing_file_is_replaced_only_when_asked),
        IN_FOLDER(test_failing_writes_leave_nothing),
        IN_FOLDER(test_short_and_interrupted_writes_are_continued),
        IN_FOLDER(test_file_systems_without_links_will_do),
        IN_FOLDER(test_file_systems_that_reserve_nothing_will_do),
        IN_FOLDER(test_a_full_disk_is_noticed_at_the_beginning),
        IN_FOLDER(test_a_missing_folder_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
