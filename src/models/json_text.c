// JSON from outside, through jansson, whose parser bounds the depth (2048) and hashes keys with a
// random seed.
#include "json_text.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"

static ScoutStatus parse(const char *text, size_t length, const char *what, json_t **json,
                         ScoutError *error)
{
    json_error_t problem;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    if (!value) {
        // Without memory jansson says nothing; inside a string it takes the token for a bad one.
        if (json_error_code(&problem) == json_error_out_of_memory || problem.text[0] == '\0') {
            return error_no_memory(error);
        }
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: line %d is not valid JSON: %s", what,
                         problem.line, problem.text);
    }
    *json = value;
    return SCOUT_OK;
}

ScoutStatus json_text_parse(const char *text, size_t length, const char *what, json_t **json,
                            ScoutError *error)
{
    json_t *value = NULL;
    ScoutStatus status = parse(text, length, what, &value, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (!json_is_object(value)) {
        json_decref(value);
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: not a JSON object", what);
    }
    *json = value;
    return SCOUT_OK;
}

ScoutStatus json_text_file(const char *folder, const char *name, json_t **json, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(folder, name);
    if (!path) {
        return error_no_memory(error);
    }
    BASE_CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, JSON_TEXT_FILE_MAX);
    ScoutStatus status = file_read(path, JSON_TEXT_FILE_MAX, &text, error);
    if (status != SCOUT_OK) {
        return status;
    }
    return parse(buffer_text(&text), text.length, path, json, error);
}

void json_text_release(json_t **json)
{
    json_decref(*json);
    *json = NULL;
}
