// Writes small source files for tests: safetensors and CTranslate2 variables from tables. Any
// failure fails the running test.
#ifndef TESTS_SUPPORT_WRITE_SOURCE_H
#define TESTS_SUPPORT_WRITE_SOURCE_H

#include "base/buffer.h"

#include <stddef.h>
#include <stdint.h>

typedef struct WriteTensor {
    const char *name;
    size_t rank;
    size_t dims[4];
} WriteTensor;

// The value of element index of the tensor that stands at `tensor` in the table.
static inline float write_value(size_t tensor, size_t index)
{
    return (float)((int)((index * 7 + tensor * 13) % 251) - 125) / 128.0F;
}

size_t write_count(const WriteTensor *tensor); // elements

// A safetensors file of f32 tensors holding write_value.
void write_safetensors(const char *path, const WriteTensor *tensors, size_t count);

// Pieces of a model.bin.
void write_u8(Buffer *out, uint8_t value);
void write_u16(Buffer *out, uint16_t value);
void write_u32(Buffer *out, uint32_t value);
void write_ct2_string(Buffer *out, const char *text);

#endif
