// The configuration file: one YAML mapping, read with libyaml's event parser, so that every error
// can name its line.
#include "values.h"

#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

enum { FILE_MAX_BYTES = 1 << 20 };

typedef struct FileReader {
    Config *config;
    const char *path;
    yaml_parser_t parser;
    uint8_t seen[256]; // options that have been set
} FileReader;

static size_t event_line(const yaml_event_t *event)
{
    return event->start_mark.line + 1;
}

static ScoutStatus refuse(const FileReader *reader, size_t line, const char *what,
                          ScoutError *error)
{
    return error_set(error, SCOUT_ERROR_FORMAT, "%s:%zu: %s", reader->path, line, what);
}

static ScoutStatus next_event(FileReader *reader, yaml_event_t *event, ScoutError *error)
{
    if (yaml_parser_parse(&reader->parser, event))
        return SCOUT_OK;
    return refuse(reader, reader->parser.problem_mark.line + 1,
                  reader->parser.problem ? reader->parser.problem : "cannot be read", error);
}

static ScoutStatus find_key(const FileReader *reader, const yaml_event_t *event, size_t *option,
                            ScoutError *error)
{
    enum { NAMES_MAX = 256 };
    const ConfigTable *table = reader->config->table;
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(reader, event_line(event), "an option's name is expected", error);
    const char *key = (const char *)event->data.scalar.value;
    size_t found = config_find_option(table, key, strlen(key));
    if (found != SIZE_MAX && table->options[found].scope == CONFIG_EVERYWHERE) {
        *option = found;
        return SCOUT_OK;
    }
    const char *names[NAMES_MAX];
    size_t count = 0;
    for (size_t i = 0; i < table->option_count && count < NAMES_MAX; i++) {
        if (table->options[i].scope == CONFIG_EVERYWHERE)
            names[count++] = table->options[i].name;
    }
    const char *near = config_nearest(key, names, count);
    if (near)
        return error_set(error, SCOUT_ERROR_FORMAT,
                         "%s:%zu: unknown option '%s'; did you mean '%s'?", reader->path,
                         event_line(event), key, near);
    return error_set(error, SCOUT_ERROR_FORMAT, "%s:%zu: unknown option '%s'; see %s config",
                     reader->path, event_line(event), key, table->program);
}

static ScoutStatus read_sequence(FileReader *reader, Buffer *text, ScoutError *error)
{
    for (size_t count = 0;; count++) {
        yaml_event_t event;
        ScoutStatus status = next_event(reader, &event, error);
        if (status)
            return status;
        bool end = event.type == YAML_SEQUENCE_END_EVENT;
        if (!end && event.type != YAML_SCALAR_EVENT)
            status = refuse(reader, event_line(&event), "a list holds plain values only", error);
        else if (!end)
            buffer_printf(text, "%s%s", count ? "," : "", (const char *)event.data.scalar.value);
        yaml_event_delete(&event);
        if (status || end)
            return status;
    }
}

// Reads the value of a key into text; *null when it is empty or `null`, which leaves the option be.
static ScoutStatus read_value(FileReader *reader, Buffer *text, size_t *line, bool *null,
                              ScoutError *error)
{
    yaml_event_t event;
    ScoutStatus status = next_event(reader, &event, error);
    if (status)
        return status;
    *line = event_line(&event);
    *null = false;
    if (event.type == YAML_SCALAR_EVENT) {
        const char *value = (const char *)event.data.scalar.value;
        bool plain = event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        *null = plain && (!*value || str_equal(value, "~") || str_equal(value, "null"));
        buffer_append_text(text, value);
    } else if (event.type == YAML_SEQUENCE_START_EVENT) {
        status = read_sequence(reader, text, error);
    } else {
        status = refuse(reader, *line, "a value or a list is expected", error);
    }
    yaml_event_delete(&event);
    if (!status && text->failed)
        status = error_no_memory(error);
    return status;
}

static ScoutStatus read_pair(FileReader *reader, const yaml_event_t *key, ScoutError *error)
{
    size_t option = 0;
    ScoutStatus status = find_key(reader, key, &option, error);
    if (status)
        return status;
    const char *name = reader->config->table->options[option].name;
    size_t line = event_line(key);
    if (option < sizeof(reader->seen) && reader->seen[option]++)
        return error_set(error, SCOUT_ERROR_FORMAT, "%s:%zu: '%s' is there twice", reader->path,
                         line, name);
    Buffer text;
    buffer_init(&text, CONFIG_VALUE_MAX_BYTES);
    bool null = false;
    status = read_value(reader, &text, &line, &null, error);
    if (!status && !null) {
        char place[512];
        (void)snprintf(place, sizeof(place), "%s:%zu: %s", reader->path, line, name);
        status = config_set(reader->config, option, buffer_text(&text), CONFIG_FROM_FILE, line,
                            place, error);
    }
    buffer_done(&text);
    return status;
}

static ScoutStatus read_mapping(FileReader *reader, ScoutError *error)
{
    for (;;) {
        yaml_event_t event;
        ScoutStatus status = next_event(reader, &event, error);
        if (status)
            return status;
        bool end = event.type == YAML_MAPPING_END_EVENT;
        if (!end)
            status = read_pair(reader, &event, error);
        yaml_event_delete(&event);
        if (status || end)
            return status;
    }
}

static ScoutStatus read_document(FileReader *reader, ScoutError *error)
{
    bool mapping = false;
    for (;;) {
        yaml_event_t event;
        ScoutStatus status = next_event(reader, &event, error);
        if (status)
            return status;
        yaml_event_type_t type = event.type;
        size_t line = event_line(&event);
        bool empty = type == YAML_SCALAR_EVENT && !*event.data.scalar.value;
        yaml_event_delete(&event);
        if (type == YAML_STREAM_END_EVENT)
            return SCOUT_OK;
        if (type == YAML_MAPPING_START_EVENT && !mapping) {
            mapping = true;
            status = read_mapping(reader, error);
            if (status)
                return status;
        } else if (type == YAML_MAPPING_START_EVENT || type == YAML_SEQUENCE_START_EVENT ||
                   type == YAML_ALIAS_EVENT || (type == YAML_SCALAR_EVENT && !empty)) {
            return refuse(reader, line, "lines of `option: value` are expected", error);
        }
    }
}

ScoutStatus config_read_file(Config *config, const char *path, ScoutError *error)
{
    Buffer text;
    buffer_init(&text, FILE_MAX_BYTES);
    FileReader reader = {.config = config, .path = path};
    char *kept = NULL;
    ScoutStatus status = file_read(path, FILE_MAX_BYTES, &text, error);
    if (!status && !(kept = mem_copy_text(path, strlen(path))))
        status = error_no_memory(error);
    if (!status && !yaml_parser_initialize(&reader.parser))
        status = error_no_memory(error);
    if (!status) {
        mem_free(config->file);
        config->file = kept;
        kept = NULL;
        yaml_parser_set_input_string(&reader.parser, (const unsigned char *)buffer_text(&text),
                                     text.length);
        status = read_document(&reader, error);
        yaml_parser_delete(&reader.parser);
    }
    mem_free(kept);
    buffer_done(&text);
    return status;
}
