// The models on this machine, for programs: a thin face over the registry, the importer and the
// packed file.
#include <scout/models.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/cancel.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/status.h"
#include "base/str.h"
#include "models/import.h"
#include "models/packed.h"
#include "models/registry.h"

struct ScoutModelList {
    RegistryEntry *entries; // owns the texts
    ScoutModelEntry *shown;
    size_t count;
};

// The folder that was asked for, or the default, as a new string.
static ScoutStatus models_folder(const char *folder, char **path, ScoutError *error)
{
    *path = folder ? mem_copy_text(folder, strlen(folder)) : registry_folder();
    if (*path)
        return SCOUT_OK;
    return folder || errno == ENOMEM
               ? error_no_memory(error)
               : error_set(error, SCOUT_ERROR_NOT_FOUND,
                           "no folder for models: set HOME, XDG_DATA_HOME or SCOUT_MODELS_DIR");
}

ScoutStatus scout_models_list(const char *folder, ScoutModelList **list, ScoutError *error)
{
    if (!list)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "list is NULL");
    char *path BASE_CLEANUP(mem_free_pointer) = NULL;
    ScoutStatus status = models_folder(folder, &path, error);
    if (status)
        return status;
    ScoutModelList *made = mem_array(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    status = registry_list(path, &made->entries, &made->count, error);
    if (!status) {
        made->shown = mem_array(made->count ? made->count : 1, sizeof(*made->shown));
        if (!made->shown)
            status = error_no_memory(error);
    }
    if (status) {
        scout_models_list_free(made);
        return status;
    }
    for (size_t i = 0; i < made->count; i++) {
        const RegistryEntry *entry = &made->entries[i];
        made->shown[i] = (ScoutModelEntry){
            .name = entry->name,
            .path = entry->path,
            .kind = (ScoutModelKind)entry->kind,
            .bytes = entry->bytes,
            .problem = entry->problem,
        };
    }
    *list = made;
    return SCOUT_OK;
}

void scout_models_list_free(ScoutModelList *list)
{
    if (!list)
        return;
    registry_list_free(list->entries, list->count);
    mem_free(list->shown);
    mem_free(list);
}

const ScoutModelEntry *scout_models_list_entries(const ScoutModelList *list, size_t *count)
{
    *count = list ? list->count : 0;
    return list ? list->shown : NULL;
}

// Turns the caller's "stop" into the flag that the work below looks at.
typedef struct Progress {
    ScoutModelProgress callback;
    void *context;
    Cancel cancel;
} Progress;

static void progress_report(void *context, double fraction)
{
    Progress *progress = context;
    if (progress->callback && progress->callback(progress->context, fraction))
        cancel_raise(&progress->cancel);
}

static void progress_init(Progress *progress, ScoutModelProgress callback, void *context)
{
    *progress = (Progress){.callback = callback, .context = context};
    cancel_init(&progress->cancel);
}

// Makes folder/name and returns folder/name/model.scout. *made says whether the folder is new.
static ScoutStatus import_target(const char *folder, const char *name, char **model_folder,
                                 char **target, bool *made, ScoutError *error)
{
    *model_folder = path_join(folder, name);
    *target = *model_folder ? path_join(*model_folder, "model.scout") : NULL;
    if (!*target)
        return error_no_memory(error);
    *made = !file_exists(*model_folder);
    return file_make_folders(*model_folder, error);
}

ScoutStatus scout_models_import(const char *folder, const char *source, const char *name,
                                ScoutWeights weights, int replace, const char *origin,
                                const char *licence, ScoutModelProgress progress, void *context,
                                ScoutError *error)
{
    if (!source || !name)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is NULL",
                         source ? "name" : "source");
    if (!registry_name_valid(name))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "'%s' cannot name a model: use 1 to %d letters, digits, dots, dashes and "
                         "underscores, not beginning with a dot",
                         name, REGISTRY_NAME_MAX - 1);
    if (weights < SCOUT_WEIGHTS_SOURCE || weights > SCOUT_WEIGHTS_INT4)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "weights is %d, not a ScoutWeights",
                         (int)weights);
    char *path BASE_CLEANUP(mem_free_pointer) = NULL;
    char *model_folder BASE_CLEANUP(mem_free_pointer) = NULL;
    char *target BASE_CLEANUP(mem_free_pointer) = NULL;
    bool made = false;
    ScoutStatus status = models_folder(folder, &path, error);
    if (!status)
        status = import_target(path, name, &model_folder, &target, &made, error);
    if (status)
        return status;
    if (!replace && file_exists(target))
        return error_set(error, SCOUT_ERROR_EXISTS,
                         "there is a model named '%s' already: remove it first, replace it, or "
                         "choose another name",
                         name);
    Progress report;
    progress_init(&report, progress, context);
    ImportOptions options = {
        .weights = (ImportWeights)weights,
        .replace = replace != 0,
        .name = name,
        .origin = origin,
        .licence = licence,
        .cancel = &report.cancel,
        .progress = progress_report,
        .context = &report,
    };
    status = import_model(source, target, &options, error);
    if (status && made)
        file_remove_tree(model_folder, NULL);
    return status;
}

static ScoutStatus open_model(const char *folder, const char *name, PackedFile **file,
                              ScoutError *error)
{
    if (!name)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "name is NULL");
    char *path BASE_CLEANUP(mem_free_pointer) = NULL;
    char *model BASE_CLEANUP(mem_free_pointer) = NULL;
    ScoutStatus status = models_folder(folder, &path, error);
    if (!status)
        status = registry_find(path, name, &model, error);
    return status ? status : packed_open(model, file, error);
}

ScoutStatus scout_models_verify(const char *folder, const char *name, ScoutModelProgress progress,
                                void *context, ScoutError *error)
{
    PackedFile *file = NULL;
    ScoutStatus status = open_model(folder, name, &file, error);
    if (status)
        return status;
    Progress report;
    progress_init(&report, progress, context);
    status = packed_verify(file, &report.cancel, progress_report, &report, error);
    packed_close(file);
    return status;
}

ScoutStatus scout_models_remove(const char *folder, const char *name, ScoutError *error)
{
    if (!name)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "name is NULL");
    char *path BASE_CLEANUP(mem_free_pointer) = NULL;
    ScoutStatus status = models_folder(folder, &path, error);
    return status ? status : registry_remove(path, name, error);
}

static const char *encoding_name(PackedEncoding encoding)
{
    switch (encoding) {
    case PACKED_PLAIN_F32: return "f32";
    case PACKED_PANEL_F32: return "f32 panels";
    case PACKED_PANEL_F16: return "f16 panels";
    case PACKED_PANEL_S8: return "int8 panels";
    case PACKED_PANEL_S4: return "int4 panels";
    }
    return "unknown";
}

static json_t *tensor_json(const PackedTensor *tensor)
{
    json_t *shape = json_array();
    for (size_t i = 0; i < tensor->rank; i++)
        json_array_append_new(shape, json_integer((json_int_t)tensor->dims[i]));
    return json_pack("{s:s, s:s, s:o, s:I}", "name", tensor->name, "encoding",
                     encoding_name(tensor->encoding), "shape", shape, "bytes",
                     (json_int_t)tensor->bytes);
}

static json_t *model_json(const char *name, const PackedFile *file)
{
    const char *text;
    size_t length;
    packed_meta_json(file, &text, &length);
    json_t *metadata = json_loadb(text, length, 0, NULL);
    json_t *tensors = json_array();
    for (size_t i = 0; i < packed_tensor_count(file); i++)
        json_array_append_new(tensors, tensor_json(packed_tensor_at(file, i)));
    return json_pack("{s:s, s:s, s:I, s:o?, s:o}", "name", name, "path", packed_path(file), "bytes",
                     (json_int_t)packed_size(file), "metadata", metadata, "tensors", tensors);
}

ScoutStatus scout_models_info(const char *folder, const char *name, char **json, ScoutError *error)
{
    if (!json)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "json is NULL");
    PackedFile *file = NULL;
    ScoutStatus status = open_model(folder, name, &file, error);
    if (status)
        return status;
    json_t *object = model_json(name, file);
    char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    packed_close(file);
    if (!text)
        return error_no_memory(error);
    *json = text;
    return SCOUT_OK;
}

const ScoutModelSource *scout_models_source(size_t index)
{
    enum { SOURCES_MAX = 16 };
    static _Thread_local ScoutModelSource shown[SOURCES_MAX];
    if (index >= registry_source_count() || index >= SOURCES_MAX)
        return NULL;
    const RegistrySource *source = registry_source_at(index);
    ScoutModelSource *out = &shown[index];
    *out = (ScoutModelSource){
        .name = source->name,
        .summary = source->summary,
        .licence = source->licence,
        .kind = (ScoutModelKind)source->kind,
        .assembled = source->assembled,
        .sha256 = source->sha256,
        .requires_name = source->requires,
    };
    for (size_t i = 0; i < REGISTRY_PACKAGES_MAX && source->packages[i].name; i++) {
        out->packages[i][0] = source->packages[i].name;
        out->packages[i][1] = source->packages[i].version;
        out->packages[i][2] = source->packages[i].sha256;
    }
    for (size_t i = 0; i < REGISTRY_PACKAGES_MAX; i++)
        out->parts[i] = source->parts[i];
    for (size_t i = 0; i < BASE_COUNT(out->companions); i++)
        out->companions[i] = source->companions[i];
    return out;
}

void scout_free(void *pointer)
{
    free(pointer);
}
