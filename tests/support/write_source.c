// Writes small source files for tests.
#include "support/write_source.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum { SOURCE_BYTES_MAX = 1 << 26 };

size_t write_count(const WriteTensor *tensor)
{
    size_t count = 1;
    for (size_t i = 0; i < tensor->rank; i++)
        count *= tensor->dims[i];
    return count;
}

static void write_header(Buffer *out, const WriteTensor *tensors, size_t count)
{
    size_t offset = 0;
    buffer_append_text(out, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < count; i++) {
        const WriteTensor *tensor = &tensors[i];
        size_t end = offset + write_count(tensor) * sizeof(float);
        buffer_printf(out, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[", tensor->name);
        for (size_t j = 0; j < tensor->rank; j++)
            buffer_printf(out, "%s%zu", j ? "," : "", tensor->dims[j]);
        buffer_printf(out, "],\"data_offsets\":[%zu,%zu]}", offset, end);
        offset = end;
    }
    buffer_append_text(out, "}");
}

void write_safetensors(const char *path, const WriteTensor *tensors, size_t count)
{
    Buffer header;
    Buffer file;
    buffer_init(&header, SOURCE_BYTES_MAX);
    buffer_init(&file, SOURCE_BYTES_MAX);
    write_header(&header, tensors, count);
    const uint64_t length = header.length;
    buffer_append(&file, &length, sizeof length);
    buffer_append(&file, header.data, header.length);
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < write_count(&tensors[i]); j++) {
            const float value = write_value(i, j);
            buffer_append(&file, &value, sizeof value);
        }
    assert_false(header.failed || file.failed);
    assert_int_equal(file_write(path, file.data, file.length, true, NULL), SCOUT_OK);
    buffer_done(&header);
    buffer_done(&file);
}

void write_u8(Buffer *out, uint8_t value)
{
    assert_true(buffer_append(out, &value, sizeof value));
}

void write_u16(Buffer *out, uint16_t value)
{
    assert_true(buffer_append(out, &value, sizeof value));
}

void write_u32(Buffer *out, uint32_t value)
{
    assert_true(buffer_append(out, &value, sizeof value));
}

void write_ct2_string(Buffer *out, const char *text)
{
    write_u16(out, (uint16_t)(strlen(text) + 1));
    assert_true(buffer_append(out, text, strlen(text) + 1));
}
