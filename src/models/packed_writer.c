// Writes packed model files: the layout is fixed when all tensors are declared, data goes to its
// place piece by piece, and the front (metadata, vocabulary, directory, header) is written last,
// once the checksums are known.
#include "models/packed_writer.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "kernels/kernels.h"
#include "kernels/pack.h"
#include "packed_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE_BYTES = 4 << 20, TEMPORARY_TRIES = 100 };

typedef enum WriterState { WRITER_DECLARING, WRITER_WRITING, WRITER_FINISHED } WriterState;

typedef struct WriterTensor {
    LayoutEntry entry;
    LayoutParts parts;
    size_t dims[PACKED_RANK_MAX];
    size_t row_elements;
    size_t rows_written;
} WriterTensor;

struct PackedWriter {
    char *path;
    char *temporary; // the file being written, or NULL
    int fd;
    WriterState state;
    PackedKind kind;
    json_t *metadata;
    Buffer token_ends; // u32 each
    Buffer token_bytes;
    WriterTensor *tensors;
    size_t count, capacity;
    LayoutHeader header;
    LayoutFront front;
    char *metadata_text;
    size_t file_bytes;
    uint8_t *scratch; // one packed piece
    size_t scratch_bytes;
};

static ScoutStatus wrong_order(ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_STATE, "packed writer: called in the wrong order");
}

ScoutStatus packed_writer_new(const char *path, PackedKind kind, PackedWriter **writer,
                              ScoutError *error)
{
    PackedWriter *made = mem_array(1, sizeof *made);
    if (!made) {
        return error_no_memory(error);
    }
    made->fd = -1;
    made->kind = kind;
    buffer_init(&made->token_ends, (size_t)LAYOUT_TOKENS_MAX * sizeof(uint32_t));
    buffer_init(&made->token_bytes, LAYOUT_TOKEN_BYTES_MAX);
    made->path = mem_copy_text(path, strlen(path));
    made->metadata = json_object();
    if (!made->path || !made->metadata) {
        packed_writer_free(made);
        return error_no_memory(error);
    }
    *writer = made;
    return SCOUT_OK;
}

void packed_writer_free(PackedWriter *writer)
{
    if (!writer) {
        return;
    }
    if (writer->fd >= 0) {
        close(writer->fd);
    }
    if (writer->temporary) {
        unlink(writer->temporary);
    }
    json_decref(writer->metadata);
    buffer_done(&writer->token_ends);
    buffer_done(&writer->token_bytes);
    mem_free(writer->metadata_text);
    mem_free(writer->tensors);
    mem_free(writer->scratch);
    mem_free(writer->temporary);
    mem_free(writer->path);
    mem_free(writer);
}

// Takes value over, also when it is NULL because memory was short.
static ScoutStatus set_metadata(PackedWriter *writer, const char *name, json_t *value,
                                ScoutError *error)
{
    if (writer->state != WRITER_DECLARING) {
        json_decref(value);
        return wrong_order(error);
    }
    if (!value || json_object_set_new(writer->metadata, name, value) != 0) {
        return error_no_memory(error);
    }
    return SCOUT_OK;
}

ScoutStatus packed_writer_meta_int(PackedWriter *writer, const char *name, int64_t value,
                                   ScoutError *error)
{
    return set_metadata(writer, name, json_integer(value), error);
}

ScoutStatus packed_writer_meta_text(PackedWriter *writer, const char *name, const char *value,
                                    ScoutError *error)
{
    if (!utf8_valid(value, strlen(value))) {
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s: not valid UTF-8", name);
    }
    return set_metadata(writer, name, json_string(value), error);
}

ScoutStatus packed_writer_meta_ints(PackedWriter *writer, const char *name, const int32_t *values,
                                    size_t count, ScoutError *error)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < count; i++) {
        if (json_array_append_new(array, json_integer(values[i])) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return set_metadata(writer, name, array, error);
}

ScoutStatus packed_writer_token(PackedWriter *writer, const void *bytes, size_t length,
                                ScoutError *error)
{
    if (writer->state != WRITER_DECLARING) {
        return wrong_order(error);
    }
    if (length > LAYOUT_TOKEN_BYTES_MAX - writer->token_bytes.length ||
        writer->token_ends.length == LAYOUT_TOKENS_MAX * sizeof(uint32_t)) {
        return error_set(error, SCOUT_ERROR_LIMIT, "%s: the vocabulary is too large", writer->path);
    }
    uint32_t end = (uint32_t)(writer->token_bytes.length + length);
    if ((length > 0 && !buffer_append(&writer->token_bytes, bytes, length)) ||
        !buffer_append(&writer->token_ends, &end, sizeof end)) {
        return error_no_memory(error);
    }
    return SCOUT_OK;
}

static ScoutStatus reserve_tensor(PackedWriter *writer, ScoutError *error)
{
    if (writer->count < writer->capacity) {
        return SCOUT_OK;
    }
    if (writer->count == PACKED_TENSORS_MAX) {
        return error_set(error, SCOUT_ERROR_LIMIT, "%s: more than %d tensors", writer->path,
                         PACKED_TENSORS_MAX);
    }
    size_t capacity = writer->capacity ? writer->capacity * 2 : 64;
    WriterTensor *tensors = mem_resize(writer->tensors, capacity, sizeof *tensors);
    if (!tensors) {
        return error_no_memory(error);
    }
    writer->tensors = tensors;
    writer->capacity = capacity;
    return SCOUT_OK;
}

static bool is_declared(const PackedWriter *writer, const char *name, PackedEncoding encoding)
{
    for (size_t i = 0; i < writer->count; i++) {
        const LayoutEntry *entry = &writer->tensors[i].entry;
        if (entry->encoding == (uint32_t)encoding && strcmp(entry->name, name) == 0) {
            return true;
        }
    }
    return false;
}

ScoutStatus packed_writer_declare(PackedWriter *writer, const char *name, PackedEncoding encoding,
                                  size_t rank, const size_t *dims, size_t *index, ScoutError *error)
{
    WriterTensor tensor = {0};
    if (writer->state != WRITER_DECLARING) {
        return wrong_order(error);
    }
    if (name[0] == '\0' || strlen(name) >= PACKED_NAME_MAX ||
        !layout_parts(encoding, rank, dims, &tensor.parts)) {
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "tensor %s: its name, shape or encoding cannot be stored", name);
    }
    if (is_declared(writer, name, encoding)) {
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "tensor %s: declared twice", name);
    }
    ScoutStatus status = reserve_tensor(writer, error);
    if (status != SCOUT_OK) {
        return status;
    }
    memcpy(tensor.entry.name, name, strlen(name));
    tensor.entry.encoding = encoding;
    tensor.entry.rank = (uint32_t)rank;
    tensor.entry.bytes = tensor.parts.bytes;
    tensor.row_elements = 1;
    for (size_t i = 0; i < rank; i++) {
        tensor.dims[i] = dims[i];
        tensor.entry.dims[i] = (uint32_t)dims[i];
        tensor.row_elements *= i ? dims[i] : 1;
    }
    writer->tensors[writer->count] = tensor;
    *index = writer->count++;
    return SCOUT_OK;
}

static ScoutStatus lay_out(PackedWriter *writer, ScoutError *error)
{
    writer->metadata_text = json_dumps(writer->metadata, JSON_COMPACT | JSON_SORT_KEYS);
    if (!writer->metadata_text) {
        return error_no_memory(error);
    }
    size_t metadata_bytes = strlen(writer->metadata_text);
    if (metadata_bytes > LAYOUT_METADATA_MAX) {
        return error_set(error, SCOUT_ERROR_LIMIT, "%s: too much metadata", writer->path);
    }
    writer->header = (LayoutHeader){
        .version = LAYOUT_VERSION,
        .kind = writer->kind,
        .metadata_bytes = (uint32_t)metadata_bytes,
        .token_count = (uint32_t)(writer->token_ends.length / sizeof(uint32_t)),
        .token_bytes = (uint32_t)writer->token_bytes.length,
        .tensor_count = (uint32_t)writer->count,
    };
    layout_front(&writer->header, &writer->front);

    size_t end = writer->front.data;
    for (size_t i = 0; i < writer->count; i++) {
        LayoutEntry *entry = &writer->tensors[i].entry;
        size_t unit = entry->bytes >= LAYOUT_PAGE_ALIGNED_FROM ? LAYOUT_PAGE : LAYOUT_ALIGNMENT;
        entry->offset = BASE_ROUND_UP(end, unit);
        end = entry->offset + entry->bytes;
    }
    writer->file_bytes = end;
    writer->header.file_bytes = end;
    return SCOUT_OK;
}

// Beside the target, so that the final rename stays inside one file system.
static ScoutStatus make_temporary(PackedWriter *writer, ScoutError *error)
{
    size_t size = strlen(writer->path) + 48;
    char *path = mem_array(size, 1);
    if (!path) {
        return error_no_memory(error);
    }
    for (int i = 0; i < TEMPORARY_TRIES && writer->fd < 0; i++) {
        snprintf(path, size, "%s.part-%ld-%d", writer->path, (long)getpid(), i);
        writer->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (writer->fd < 0 && errno != EEXIST) {
            break;
        }
    }
    if (writer->fd < 0) {
        ScoutStatus status = error_set_errno(error, errno, "cannot write %s", path);
        mem_free(path);
        return status;
    }
    writer->temporary = path;
    return SCOUT_OK;
}

// A disk that is too small shows now, not after minutes of packing. File systems that cannot
// reserve space say so, and are found out while writing.
static ScoutStatus take_space(PackedWriter *writer, ScoutError *error)
{
    int problem = posix_fallocate(writer->fd, 0, (off_t)writer->file_bytes);
    if (problem == EOPNOTSUPP || problem == EINVAL) {
        problem = ftruncate(writer->fd, (off_t)writer->file_bytes) == 0 ? 0 : errno;
    }
    if (problem) {
        return error_set_errno(error, problem, "%s: cannot take %zu MiB on the disk", writer->path,
                               (writer->file_bytes >> 20) + 1);
    }
    return SCOUT_OK;
}

ScoutStatus packed_writer_begin(PackedWriter *writer, ScoutError *error)
{
    if (writer->state != WRITER_DECLARING || writer->count == 0) {
        return wrong_order(error);
    }
    ScoutStatus status = lay_out(writer, error);
    if (status != SCOUT_OK) {
        return status;
    }
    status = make_temporary(writer, error);
    if (status != SCOUT_OK) {
        return status;
    }
    writer->state = WRITER_WRITING;
    return take_space(writer, error);
}

size_t packed_writer_size(const PackedWriter *writer)
{
    return writer->file_bytes;
}

static ScoutStatus write_at(PackedWriter *writer, size_t offset, const void *bytes, size_t length,
                            ScoutError *error)
{
    const uint8_t *from = bytes;
    while (length > 0) {
        ssize_t written = pwrite(writer->fd, from, length, (off_t)offset);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            return error_set_errno(error, errno, "cannot write %s", writer->temporary);
        }
        from += written;
        offset += (size_t)written;
        length -= (size_t)written;
    }
    return SCOUT_OK;
}

static ScoutStatus reserve_scratch(PackedWriter *writer, size_t bytes, ScoutError *error)
{
    if (bytes <= writer->scratch_bytes) {
        return SCOUT_OK;
    }
    mem_free(writer->scratch);
    writer->scratch_bytes = 0;
    writer->scratch = mem_aligned(bytes, 1);
    if (!writer->scratch) {
        return error_no_memory(error);
    }
    writer->scratch_bytes = bytes;
    return SCOUT_OK;
}

// Where a piece of rows goes. Panels stand one after another, so rows that begin at a multiple of
// 16 are a matrix of their own whose parts are slices of the whole's.
typedef struct Piece {
    size_t first, count;
    size_t dims[2];
    LayoutParts parts;                // of the piece, in the scratch memory
    size_t data_at, scale_at, sum_at; // in the file
} Piece;

static bool plan_piece(const WriterTensor *tensor, size_t first, size_t count, Piece *piece)
{
    PackedEncoding encoding = (PackedEncoding)tensor->entry.encoding;
    size_t k = tensor->row_elements;
    size_t before[2] = {first, k};
    LayoutParts skipped = {0};

    *piece = (Piece){.first = first, .count = count, .dims = {count, k}};
    if (encoding == PACKED_PLAIN_F32) {
        piece->parts = (LayoutParts){.data_bytes = count * k * sizeof(float)};
        piece->data_at = tensor->entry.offset + first * k * sizeof(float);
        return true;
    }
    if (!layout_parts(encoding, 2, piece->dims, &piece->parts) ||
        (first > 0 && !layout_parts(encoding, 2, before, &skipped))) {
        return false;
    }
    piece->data_at = tensor->entry.offset + skipped.data_bytes;
    piece->scale_at = tensor->entry.offset + tensor->parts.scale_offset + skipped.scale_bytes;
    piece->sum_at = tensor->entry.offset + tensor->parts.sum_offset + skipped.sum_bytes;
    return true;
}

static ScoutStatus write_piece(PackedWriter *writer, const Piece *piece, ScoutError *error)
{
    const LayoutParts *parts = &piece->parts;
    ScoutStatus status =
        write_at(writer, piece->data_at, writer->scratch, parts->data_bytes, error);
    if (status == SCOUT_OK && parts->scale_bytes) {
        status = write_at(writer, piece->scale_at, writer->scratch + parts->scale_offset,
                          parts->scale_bytes, error);
    }
    if (status == SCOUT_OK && parts->sum_bytes) {
        status = write_at(writer, piece->sum_at, writer->scratch + parts->sum_offset,
                          parts->sum_bytes, error);
    }
    return status;
}

static void pack_piece(PackedEncoding encoding, const Piece *piece, const float *rows, uint8_t *out)
{
    size_t n = piece->dims[0];
    size_t k = piece->dims[1];
    void *data = out;
    void *scale = out + piece->parts.scale_offset;
    void *sum = out + piece->parts.sum_offset;

    switch (encoding) {
    case PACKED_PLAIN_F32: memcpy(data, rows, n * k * sizeof(float)); break;
    case PACKED_PANEL_F32: pack_f32(n, k, 0, n, rows, data); break;
    case PACKED_PANEL_F16: pack_f16(n, k, 0, n, rows, data); break;
    case PACKED_PANEL_S8: pack_s8(n, k, 0, n, rows, data, scale, sum); break;
    case PACKED_PANEL_S4: pack_s4(n, k, 0, n, rows, data, scale); break;
    }
}

// The rows of one call: f32, or int8 with their scales.
typedef struct Rows {
    const float *values; // NULL if q is given
    const int8_t *q;
    const float *scale;
} Rows;

static ScoutStatus write_next_piece(PackedWriter *writer, WriterTensor *tensor, const Rows *rows,
                                    size_t done, size_t count, ScoutError *error)
{
    Piece piece;
    size_t k = tensor->row_elements;
    if (!plan_piece(tensor, tensor->rows_written, count, &piece)) {
        return wrong_order(error);
    }
    size_t bytes = BASE_MAX(piece.parts.bytes, piece.parts.data_bytes);
    ScoutStatus status = reserve_scratch(writer, bytes, error);
    if (status != SCOUT_OK) {
        return status;
    }
    memset(writer->scratch, 0, bytes);
    if (rows->values) {
        pack_piece((PackedEncoding)tensor->entry.encoding, &piece, rows->values + done * k,
                   writer->scratch);
    } else {
        pack_s8_quantized(count, k, 0, count, rows->q + done * k, rows->scale + done,
                          (void *)writer->scratch,
                          (void *)(writer->scratch + piece.parts.scale_offset),
                          (void *)(writer->scratch + piece.parts.sum_offset));
    }
    status = write_piece(writer, &piece, error);
    if (status == SCOUT_OK) {
        tensor->rows_written += count;
    }
    return status;
}

static ScoutStatus write_rows(PackedWriter *writer, WriterTensor *tensor, const Rows *rows,
                              size_t count, ScoutError *error)
{
    size_t step = PIECE_BYTES / sizeof(float) / tensor->row_elements / KERNELS_PANEL;
    step = BASE_MAX(step, (size_t)1) * KERNELS_PANEL;
    for (size_t done = 0; done < count; done += step) {
        ScoutStatus status =
            write_next_piece(writer, tensor, rows, done, BASE_MIN(step, count - done), error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

static bool rows_fit(const PackedWriter *writer, size_t index, size_t first, size_t count)
{
    if (writer->state != WRITER_WRITING || index >= writer->count || count == 0) {
        return false;
    }
    const WriterTensor *tensor = &writer->tensors[index];
    size_t rows = tensor->dims[0];
    bool panels = tensor->entry.encoding != PACKED_PLAIN_F32;
    return first == tensor->rows_written && count <= rows - first &&
           (!panels ||
            (first % KERNELS_PANEL == 0 && (count % KERNELS_PANEL == 0 || first + count == rows)));
}

ScoutStatus packed_writer_rows(PackedWriter *writer, size_t index, size_t first, size_t count,
                               const float *rows, ScoutError *error)
{
    if (!rows_fit(writer, index, first, count)) {
        return wrong_order(error);
    }
    return write_rows(writer, &writer->tensors[index], &(Rows){.values = rows}, count, error);
}

ScoutStatus packed_writer_rows_s8(PackedWriter *writer, size_t index, size_t first, size_t count,
                                  const int8_t *q, const float *scale, ScoutError *error)
{
    if (!rows_fit(writer, index, first, count) ||
        writer->tensors[index].entry.encoding != PACKED_PANEL_S8) {
        return wrong_order(error);
    }
    return write_rows(writer, &writer->tensors[index], &(Rows){.q = q, .scale = scale}, count,
                      error);
}

// Reads what was written back through the page cache, so the checksums cover what is in the file.
static ScoutStatus compute_digests(PackedWriter *writer, ScoutError *error)
{
    FileMap map = {0};
    ScoutStatus status = file_map(writer->temporary, &map, error);
    if (status != SCOUT_OK) {
        return status;
    }
    for (size_t i = 0; i < writer->count && map.size == writer->file_bytes; i++) {
        LayoutEntry *entry = &writer->tensors[i].entry;
        digest_blake2b(map.data + entry->offset, entry->bytes, entry->digest);
    }
    bool whole = map.size == writer->file_bytes;
    file_unmap(&map);
    return whole ? SCOUT_OK
                 : error_set(error, SCOUT_ERROR_IO,
                             "%s: changed by someone else while it was "
                             "written",
                             writer->temporary);
}

static ScoutStatus write_front(PackedWriter *writer, ScoutError *error)
{
    const LayoutFront *front = &writer->front;
    BASE_CLEANUP(mem_free_pointer) uint8_t *bytes = mem_array(front->end, 1);
    if (!bytes) {
        return error_no_memory(error);
    }
    memcpy(bytes + front->metadata, writer->metadata_text, writer->header.metadata_bytes);
    if (writer->header.token_count) {
        // The first offset is 0, which the memory already holds.
        memcpy(bytes + front->token_offsets + sizeof(uint32_t), writer->token_ends.data,
               writer->token_ends.length);
    }
    if (writer->header.token_bytes) {
        memcpy(bytes + front->tokens, writer->token_bytes.data, writer->token_bytes.length);
    }
    for (size_t i = 0; i < writer->count; i++) {
        layout_entry_encode(&writer->tensors[i].entry,
                            bytes + front->directory + i * LAYOUT_ENTRY_BYTES);
    }
    writer->header.front_crc = digest_crc32(0, bytes + LAYOUT_PAGE, front->end - LAYOUT_PAGE);
    layout_header_encode(&writer->header, bytes);
    return write_at(writer, 0, bytes, front->end, error);
}

// link() refuses to replace, in one step. Where a file system has no hard links, a look before the
// rename has to do.
static int publish(const char *temporary, const char *path, bool replace)
{
    if (replace) {
        return rename(temporary, path) == 0 ? 0 : errno;
    }
    if (link(temporary, path) == 0) {
        unlink(temporary);
        return 0;
    }
    if (errno == EEXIST || file_exists(path)) {
        return EEXIST;
    }
    return rename(temporary, path) == 0 ? 0 : errno;
}

// Makes the new name last. The file is complete without it, so a folder that cannot be flushed is
// no reason to fail.
static void flush_folder(const char *path)
{
    size_t length = (size_t)(path_base(path) - path);
    BASE_CLEANUP(mem_free_pointer)
    char *folder = length ? mem_copy_text(path, length) : mem_copy_text(".", 1);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

ScoutStatus packed_writer_finish(PackedWriter *writer, bool replace, ScoutError *error)
{
    if (writer->state != WRITER_WRITING) {
        return wrong_order(error);
    }
    for (size_t i = 0; i < writer->count; i++) {
        if (writer->tensors[i].rows_written != writer->tensors[i].dims[0]) {
            return error_set(error, SCOUT_ERROR_STATE, "tensor %s: rows are missing",
                             writer->tensors[i].entry.name);
        }
    }
    ScoutStatus status = compute_digests(writer, error);
    if (status != SCOUT_OK) {
        return status;
    }
    status = write_front(writer, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (fsync(writer->fd) != 0) {
        return error_set_errno(error, errno, "cannot write %s", writer->temporary);
    }
    int problem = publish(writer->temporary, writer->path, replace);
    if (problem == EEXIST) {
        return error_set(error, SCOUT_ERROR_EXISTS, "%s: already exists", writer->path);
    }
    if (problem) {
        return error_set_errno(error, problem, "cannot write %s", writer->path);
    }
    flush_folder(writer->path);
    mem_free(writer->temporary);
    writer->temporary = NULL;
    writer->state = WRITER_FINISHED;
    return SCOUT_OK;
}
