// Imports a model for tests and benches: import_model SOURCE TARGET [source|f32|f16|int8|int4].
// Replaces TARGET, checks what was written and lists it.
#include "models/import.h"

#include "base/attributes.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static int weights_of(const char *text)
{
    static const char *const names[] = {"source", "f32", "f16", "int8", "int4"};
    for (size_t i = 0; i < BASE_COUNT(names); i++) {
        if (strcmp(names[i], text) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int list(const char *path)
{
    PackedFile *file;
    ScoutError error;
    const char *json;
    size_t length;
    if (packed_open(path, &file, &error) != SCOUT_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    packed_meta_json(file, &json, &length);
    printf("%.*s\n%zu tensors, %zu tokens, %zu bytes\n", (int)length, json,
           packed_tensor_count(file), packed_vocab_count(file), packed_size(file));
    ScoutStatus status = packed_verify(file, NULL, NULL, NULL, &error);
    packed_close(file);
    if (status != SCOUT_OK) {
        fprintf(stderr, "%s\n", error.message);
    }
    return status == SCOUT_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
    int weights = argc > 3 ? weights_of(argv[3]) : IMPORT_SOURCE;
    if (argc < 3 || argc > 4 || weights < 0) {
        fprintf(stderr, "usage: %s SOURCE TARGET [source|f32|f16|int8|int4]\n", argv[0]);
        return 2;
    }
    ImportOptions options = {.weights = (ImportWeights)weights, .replace = true};
    ScoutError error;
    int64_t start = clock_monotonic_ns();
    if (import_model(argv[1], argv[2], &options, &error) != SCOUT_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    printf("%s: imported in %.2f s\n", argv[2], (double)(clock_monotonic_ns() - start) / 1e9);
    return list(argv[2]);
}
