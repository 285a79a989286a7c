// Writes a packed model file: metadata and tokens are set, tensors declared, then each tensor's
// rows are written in turn, so that a model of any size needs little memory. One owner thread.
//
//   packed_writer_new, meta_* and token, declare, begin, rows and rows_s8, finish, free
//
// Calls out of this order return STATE. The target appears whole in finish, or not at all.
#ifndef MODELS_PACKED_WRITER_H
#define MODELS_PACKED_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/packed.h"

typedef struct PackedWriter PackedWriter;

// Nothing is written before packed_writer_begin.
ScoutStatus packed_writer_new(const char *path, PackedKind kind, PackedWriter **writer,
                              ScoutError *error);
// Removes what an unfinished writer has written. NULL is allowed.
void packed_writer_free(PackedWriter *writer);

// Metadata. Setting a name again replaces its value. INVALID_ARGUMENT for text that is not UTF-8.
ScoutStatus packed_writer_meta_int(PackedWriter *writer, const char *name, int64_t value,
                                   ScoutError *error);
ScoutStatus packed_writer_meta_text(PackedWriter *writer, const char *name, const char *value,
                                    ScoutError *error);
ScoutStatus packed_writer_meta_ints(PackedWriter *writer, const char *name, const int32_t *values,
                                    size_t count, ScoutError *error);

// Appends the token of the next id: any bytes, none for an id without bytes.
ScoutStatus packed_writer_token(PackedWriter *writer, const void *bytes, size_t length,
                                ScoutError *error);

// Declares a tensor; *index is its number from 0. Panel encodings take matrices only. A name may
// be declared once an encoding.
ScoutStatus packed_writer_declare(PackedWriter *writer, const char *name, PackedEncoding encoding,
                                  size_t rank, const size_t *dims, size_t *index,
                                  ScoutError *error);

// Lays the file out, makes it beside the target and takes its space: NO_SPACE comes here.
ScoutStatus packed_writer_begin(PackedWriter *writer, ScoutError *error);

// Writes rows first..first+count of a tensor (rows of its outermost dimension; a vector is rows of
// one value). A tensor's rows come in ascending order without gaps; tensors in any order. In panel
// encodings first is a multiple of 16, and so is count except at the end. The values are packed
// into the tensor's encoding.
ScoutStatus packed_writer_rows(PackedWriter *writer, size_t index, size_t first, size_t count,
                               const float *rows, ScoutError *error);

// The same for S8 panels from values that are quantised already: w = q * scale[row], q not -128.
ScoutStatus packed_writer_rows_s8(PackedWriter *writer, size_t index, size_t first, size_t count,
                                  const int8_t *q, const float *scale, ScoutError *error);

// Bytes of the whole file, known after begin.
size_t packed_writer_size(const PackedWriter *writer);

// Checksums, flushes to disk and renames to the target. EXISTS if that is there and replace is
// false. STATE when rows are missing.
ScoutStatus packed_writer_finish(PackedWriter *writer, bool replace, ScoutError *error);

#endif
