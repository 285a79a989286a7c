// `scout models ...` (but for pull) and `scout languages`: what there is, said in tables or JSON.
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include <scout/models.h>
#include <scout/system.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/str.h"
#include "commands.h"
#include "exits.h"
#include "json_view.h"
#include "models_common.h"
#include "output.h"
#include "signals.h"
#include "table.h"
#include "terminal.h"

enum { REPORT_MAX_BYTES = 64 << 20 };

const char *models_kind_name(ScoutModelKind kind)
{
    switch (kind) {
    case SCOUT_MODEL_WHISPER: return "speech recognition";
    case SCOUT_MODEL_SILERO: return "voice activity";
    case SCOUT_MODEL_MINILM: return "meaning";
    case SCOUT_MODEL_SPEAKER: return "speakers";
    case SCOUT_MODEL_UNKNOWN: break;
    }
    return "unreadable";
}

void models_size_text(uint64_t bytes, char out[32])
{
    double value = (double)bytes;
    if (bytes < 1000000)
        (void)snprintf(out, 32, "%.0f kB", value / 1e3);
    else if (bytes < 1000000000)
        (void)snprintf(out, 32, "%.1f MB", value / 1e6);
    else
        (void)snprintf(out, 32, "%.2f GB", value / 1e9);
}

int models_progress(void *context, double fraction)
{
    terminal_progress(context, fraction, -1);
    return signals_interrupted();
}

int models_failed(ScoutStatus status, const ScoutError *error)
{
    terminal_progress_hide();
    if (status == SCOUT_ERROR_CANCELLED && signals_interrupted()) {
        terminal_note("interrupted; nothing was changed");
        return EXIT_INTERRUPTED;
    }
    terminal_error("%s", error->message);
    return status == SCOUT_ERROR_INVALID_ARGUMENT ? EXIT_WRONG_USE : EXIT_FAILED;
}

static int report_json(json_t *value)
{
    Buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    bool good = json_write(value, JSON_INDENT(2), &out) && buffer_append_char(&out, '\n');
    json_decref(value);
    int status = EXIT_FAILED;
    if (good)
        status = output_report(&out);
    else
        terminal_error("out of memory");
    buffer_done(&out);
    return status;
}

// ------------------------------------------------------------------------------------------- list

static json_t *json_of_source(const ScoutModelSource *source)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "name", source->name, "summary", source->summary,
                     "licence", source->licence, "kind", models_kind_name(source->kind));
}

static int list_available(const Config *config)
{
    if (config_flag(config, OPTION_JSON)) {
        json_t *list = json_array();
        for (size_t i = 0; scout_models_source(i); i++)
            json_array_append_new(list, json_of_source(scout_models_source(i)));
        return report_json(list);
    }
    Buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    for (size_t i = 0; scout_models_source(i); i++) {
        const ScoutModelSource *source = scout_models_source(i);
        if (config_flag(config, OPTION_NAMES))
            buffer_printf(&out, "%s\n", source->name);
        else
            buffer_printf(&out, "%-18s %s (%s)\n", source->name, source->summary, source->licence);
    }
    int status = output_report(&out);
    buffer_done(&out);
    return status;
}

static json_t *json_of_entry(const ScoutModelEntry *entry)
{
    return json_pack("{s:s, s:s, s:s, s:I, s:s?}", "name", entry->name, "path", entry->path, "kind",
                     models_kind_name(entry->kind), "bytes", (json_int_t)entry->bytes, "problem",
                     *entry->problem ? entry->problem : NULL);
}

static int list_entries(const Config *config, const ScoutModelEntry *entries, size_t count)
{
    if (config_flag(config, OPTION_JSON)) {
        json_t *list = json_array();
        for (size_t i = 0; i < count; i++)
            json_array_append_new(list, json_of_entry(&entries[i]));
        return report_json(list);
    }
    bool names = config_flag(config, OPTION_NAMES);
    Buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    for (size_t i = 0; i < count; i++) {
        const ScoutModelEntry *entry = &entries[i];
        char size[32];
        models_size_text(entry->bytes, size);
        if (names)
            buffer_printf(&out, "%s\n", entry->name);
        else if (*entry->problem)
            buffer_printf(&out, "%-18s %s\n", entry->name, entry->problem);
        else
            buffer_printf(&out, "%-18s %-20s %9s\n", entry->name, models_kind_name(entry->kind),
                          size);
    }
    int status = output_report(&out);
    buffer_done(&out);
    if (!count && !names)
        terminal_note("no models yet; `scout models pull base` gets one");
    return status;
}

int command_models_list(const Config *config)
{
    if (config_flag(config, OPTION_AVAILABLE))
        return list_available(config);
    ScoutModelList *list = NULL;
    ScoutError error;
    ScoutStatus status = scout_models_list(config_text(config, OPTION_MODELS_DIR), &list, &error);
    if (status)
        return models_failed(status, &error);
    size_t count;
    const ScoutModelEntry *entries = scout_models_list_entries(list, &count);
    int exit_status = list_entries(config, entries, count);
    scout_models_list_free(list);
    return exit_status;
}

// ----------------------------------------------------------------------------------------- import

int command_models_import(const Config *config)
{
    size_t count;
    const char *source = config_arguments(config, &count)[0];
    const char *name = config_text(config, OPTION_NAME);
    if (!name) {
        terminal_error(
            "scout models import needs --name NAME: what the model shall be called here");
        return EXIT_WRONG_USE;
    }
    char label[128];
    (void)snprintf(label, sizeof(label), "importing %s", name);
    ScoutError error;
    ScoutStatus status = scout_models_import(config_text(config, OPTION_MODELS_DIR), source, name,
                                             (ScoutWeights)config_choice(config, OPTION_WEIGHTS),
                                             config_flag(config, OPTION_FORCE), source, NULL,
                                             models_progress, label, &error);
    if (status == SCOUT_ERROR_EXISTS) {
        terminal_error("there is a model named '%s' already: --force replaces it", name);
        return EXIT_FAILED;
    }
    if (status)
        return models_failed(status, &error);
    terminal_progress_hide();
    terminal_note("imported %s", name);
    return EXIT_DONE;
}

// ------------------------------------------------------------------------------- info, verify,
// remove

// Plain values of the metadata, one a line; what is nested is left to --json.
static void put_plain(Buffer *out, json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (json_is_string(value))
            buffer_printf(out, "%-24s %s\n", key, json_string_value(value));
        else if (json_is_integer(value))
            buffer_printf(out, "%-24s %lld\n", key, (long long)json_integer_value(value));
        else if (json_is_boolean(value))
            buffer_printf(out, "%-24s %s\n", key, json_is_true(value) ? "yes" : "no");
        else if (json_is_real(value))
            buffer_printf(out, "%-24s %g\n", key, json_real_value(value));
    }
}

int command_models_info(const Config *config)
{
    size_t count;
    const char *name = config_arguments(config, &count)[0];
    char *text = NULL;
    ScoutError error;
    ScoutStatus status =
        scout_models_info(config_text(config, OPTION_MODELS_DIR), name, &text, &error);
    if (status)
        return models_failed(status, &error);
    json_t *info = json_loads(text, 0, NULL);
    scout_free(text);
    if (!info) {
        terminal_error("%s: its description cannot be read; remove and pull it again", name);
        return EXIT_FAILED;
    }
    if (config_flag(config, OPTION_JSON))
        return report_json(info);
    Buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    put_plain(&out, info);
    put_plain(&out, json_object_get(info, "metadata"));
    buffer_printf(&out, "%-24s %zu\n", "tensors",
                  json_array_size(json_object_get(info, "tensors")));
    json_decref(info);
    int exit_status = output_report(&out);
    buffer_done(&out);
    return exit_status;
}

static ScoutStatus verify_one(const Config *config, const char *name, ScoutError *error)
{
    char label[128];
    (void)snprintf(label, sizeof(label), "checking %s", name);
    ScoutStatus status = scout_models_verify(config_text(config, OPTION_MODELS_DIR), name,
                                             models_progress, label, error);
    terminal_progress_hide();
    if (!status && !config_flag(config, OPTION_QUIET))
        (void)printf("%s: good\n", name);
    return status;
}

int command_models_verify(const Config *config)
{
    size_t count;
    const char *const *names = config_arguments(config, &count);
    int exit_status = EXIT_DONE;
    ScoutModelList *list = NULL;
    ScoutError error;
    const ScoutModelEntry *entries = NULL;
    if (!count) {
        ScoutStatus status =
            scout_models_list(config_text(config, OPTION_MODELS_DIR), &list, &error);
        if (status)
            return models_failed(status, &error);
        entries = scout_models_list_entries(list, &count);
    }
    for (size_t i = 0; i < count && exit_status != EXIT_INTERRUPTED; i++) {
        ScoutStatus status = verify_one(config, entries ? entries[i].name : names[i], &error);
        if (status)
            exit_status = models_failed(status, &error);
    }
    scout_models_list_free(list);
    return exit_status;
}

int command_models_remove(const Config *config)
{
    size_t count;
    const char *const *names = config_arguments(config, &count);
    int exit_status = EXIT_DONE;
    for (size_t i = 0; i < count; i++) {
        ScoutError error;
        ScoutStatus status =
            scout_models_remove(config_text(config, OPTION_MODELS_DIR), names[i], &error);
        if (status)
            exit_status = models_failed(status, &error);
        else
            terminal_note("removed %s", names[i]);
    }
    return exit_status;
}

// -------------------------------------------------------------------------------------- languages

int command_languages(const Config *config)
{
    const char *code;
    const char *name;
    if (config_flag(config, OPTION_JSON)) {
        json_t *list = json_array();
        for (size_t i = 0; scout_language_at(i, &code, &name); i++)
            json_array_append_new(list, json_pack("{s:s, s:s}", "code", code, "name", name));
        return report_json(list);
    }
    Buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    for (size_t i = 0; scout_language_at(i, &code, &name); i++) {
        if (config_flag(config, OPTION_NAMES))
            buffer_printf(&out, "%s\n", code);
        else
            buffer_printf(&out, "%-4s %s\n", code, name);
    }
    int status = output_report(&out);
    buffer_done(&out);
    return status;
}
