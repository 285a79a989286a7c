// Reads .npy files for tests: every failure ends the running test with its reason.
#include "support/npy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { HEADER_MAX = 4096, BYTES_MAX = 64 << 20 };

static const struct {
    const char *descr;
    NpyType type;
    size_t size;
} TYPES[] = {
    {"'<f4'", NPY_F32, 4}, {"'<i2'", NPY_I16, 2}, {"'<i4'", NPY_I32, 4}, {"'<i8'", NPY_I64, 8}};

// Ends the running test: cmocka jumps out of it.
static _Noreturn void refuse(const char *path, const char *what)
{
    fail_msg("%s: %s", path, what);
    abort();
}

// The text after 'key': in the header's dictionary.
static const char *find_value(const char *path, const char *header, const char *key)
{
    const char *found = strstr(header, key);
    if (!found)
        refuse(path, "the header lacks a key");
    found += strlen(key);
    return found + strspn(found, ": ");
}

static NpyType parse_type(const char *path, const char *header, size_t *size)
{
    const char *descr = find_value(path, header, "'descr'");
    for (size_t i = 0; i < sizeof TYPES / sizeof TYPES[0]; i++) {
        if (strncmp(descr, TYPES[i].descr, strlen(TYPES[i].descr)) == 0) {
            *size = TYPES[i].size;
            return TYPES[i].type;
        }
    }
    refuse(path, "only <f4, <i2, <i4 and <i8 are read");
}

static void parse_shape(const char *path, const char *header, Npy *npy)
{
    const char *at = find_value(path, header, "'shape'") + 1; // after the parenthesis
    npy->count = 1;
    while (*at != ')') {
        char *end;
        const unsigned long dim = strtoul(at, &end, 10);
        if (end == at || npy->rank == NPY_RANK_MAX || dim > BYTES_MAX ||
            npy->count * dim > BYTES_MAX)
            refuse(path, "a shape that is not read");
        npy->dims[npy->rank++] = dim;
        npy->count *= dim;
        at = end + strspn(end, ", ");
    }
}

static void read_header(const char *path, FILE *file, char header[HEADER_MAX + 1])
{
    unsigned char prefix[10];
    if (fread(prefix, 1, sizeof prefix, file) != sizeof prefix ||
        memcmp(prefix, "\x93NUMPY\x01", 7) != 0)
        refuse(path, "not an .npy file of version 1");
    const size_t length = prefix[8] | (size_t)prefix[9] << 8;
    if (length > HEADER_MAX || fread(header, 1, length, file) != length)
        refuse(path, "the header is cut off");
    header[length] = '\0';
}

Npy npy_load(const char *path)
{
    char full[4096];
    snprintf(full, sizeof full, "%s%s", path[0] == '/' ? "" : TESTS_FOLDER "/", path);
    FILE *file = fopen(full, "rb");
    if (!file)
        refuse(full, "cannot be opened");
    char header[HEADER_MAX + 1];
    read_header(full, file, header);
    Npy npy = {0};
    size_t size;
    npy.type = parse_type(full, header, &size);
    parse_shape(full, header, &npy);
    if (strncmp(find_value(full, header, "'fortran_order'"), "False", 5) != 0)
        refuse(full, "not in C order");
    npy.data = malloc(npy.count * size + 1);
    if (!npy.data || fread(npy.data, size, npy.count, file) != npy.count || fgetc(file) != EOF)
        refuse(full, "the data is not as long as the shape says");
    fclose(file);
    return npy;
}

void npy_free(Npy *npy)
{
    free(npy->data);
    *npy = (Npy){0};
}

float *npy_load_sound(const char *path, size_t *count)
{
    Npy npy = npy_load(path);
    if (npy.type != NPY_I16 || npy.rank != 1)
        refuse(path, "not a sound: a vector of <i2");
    float *samples = malloc(npy.count * sizeof *samples + 1);
    if (!samples)
        refuse(path, "out of memory");
    for (size_t i = 0; i < npy.count; i++)
        samples[i] = (float)npy.i16[i] / 32768.0f;
    *count = npy.count;
    npy_free(&npy);
    return samples;
}
