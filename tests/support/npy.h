// Reads the vectors that the reference implementations made: NumPy's .npy files, version 1, C
// order, little-endian f32, i16, i32 or i64.
#ifndef TESTS_SUPPORT_NPY_H
#define TESTS_SUPPORT_NPY_H

#include <stddef.h>
#include <stdint.h>

enum { NPY_RANK_MAX = 4 };

typedef enum NpyType { NPY_F32, NPY_I16, NPY_I32, NPY_I64 } NpyType;

typedef struct Npy {
    NpyType type;
    size_t rank; // 0 for a scalar
    size_t dims[NPY_RANK_MAX];
    size_t count; // product of dims; 1 for a scalar
    union {
        void *data; // owned
        const float *f32;
        const int16_t *i16;
        const int32_t *i32;
        const int64_t *i64;
    };
} Npy;

// path is relative to tests/ ("reference/mel/speech_80.npy") or absolute. Whatever is wrong with
// the file fails the running cmocka test. Free with npy_free.
Npy npy_load(const char *path);
void npy_free(Npy *npy);

// A sound: 16 kHz mono kept as i16, returned as floats of -1..1. Free with free().
float *npy_load_sound(const char *path, size_t *count);

#endif
