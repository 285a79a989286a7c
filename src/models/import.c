// Imports a model: opens the source, plans what kind of model it is, writes the packed file.
#include "models/import.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "models/packed_writer.h"
#include "plan.h"
#include "source.h"

#include <string.h>

typedef struct Kind {
    PackedKind kind;
    const char *name;
    bool (*is)(const Source *source);
    ScoutStatus (*plan)(Plan *plan, ScoutError *error);
} Kind;

static const Kind kinds[] = {
    {PACKED_WHISPER, "whisper", plan_is_whisper, plan_whisper},
    {PACKED_SILERO, "silero", plan_is_silero, plan_silero},
    {PACKED_MINILM, "minilm", plan_is_minilm, plan_minilm},
};

static const char *const format_names[] = {
    [SOURCE_CT2] = "CTranslate2",
    [SOURCE_GGML] = "ggml",
    [SOURCE_SAFETENSORS] = "safetensors",
};

static const Kind *find_kind(const Source *source)
{
    for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
        if (kinds[i].is(source)) {
            return &kinds[i];
        }
    }
    return NULL;
}

// The SHA-256 of the source's files, in order, so that a model can be compared with what was
// published.
static ScoutStatus write_source_digest(const Source *source, PackedWriter *writer,
                                       ScoutError *error)
{
    BASE_CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, SOURCE_FILES_MAX * DIGEST_HEX);
    for (size_t i = 0; i < source->file_count; i++) {
        uint8_t digest[DIGEST_BYTES];
        char hex[DIGEST_HEX];
        digest_sha256(source->maps[i].data, source->maps[i].size, digest);
        digest_to_hex(digest, hex);
        buffer_printf(&text, "%s%s", i ? " " : "", hex);
    }
    if (text.failed) {
        return error_no_memory(error);
    }
    return packed_writer_meta_text(writer, "source_sha256", buffer_text(&text), error);
}

static ScoutStatus write_description(const Source *source, PackedWriter *writer, const char *kind,
                                     const ImportOptions *options, ScoutError *error)
{
    static const char *const weights[] = {
        [IMPORT_SOURCE] = "source", [IMPORT_F32] = "f32",   [IMPORT_F16] = "f16",
        [IMPORT_INT8] = "int8",     [IMPORT_INT4] = "int4",
    };
    const char *const texts[][2] = {
        {"kind", kind},
        {"name", options->name},
        {"origin", options->origin},
        {"licence", options->licence},
        {"weights", weights[options->weights]},
        {"source_format", format_names[source->format]},
        {"created_by", "scout " SCOUT_VERSION},
    };
    for (size_t i = 0; i < BASE_COUNT(texts); i++) {
        if (!texts[i][1]) {
            continue;
        }
        ScoutStatus status = packed_writer_meta_text(writer, texts[i][0], texts[i][1], error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return write_source_digest(source, writer, error);
}

static ScoutStatus write_file(Plan *plan, const Kind *kind, const ImportOptions *options,
                              ScoutError *error)
{
    ScoutStatus status = kind->plan(plan, error);
    if (status == SCOUT_OK) {
        status = plan_declare(plan, options->weights, error);
    }
    if (status == SCOUT_OK) {
        status = write_description(plan->source, plan->writer, kind->name, options, error);
    }
    if (status == SCOUT_OK) {
        status = packed_writer_begin(plan->writer, error);
    }
    if (status == SCOUT_OK) {
        status = plan_write(plan, options, error);
    }
    if (status == SCOUT_OK) {
        status = packed_writer_finish(plan->writer, options->replace, error);
    }
    return status;
}

static ScoutStatus import_source(const Source *source, const char *target,
                                 const ImportOptions *options, ScoutError *error)
{
    const Kind *kind = find_kind(source);
    if (!kind) {
        return error_set(error, SCOUT_ERROR_FORMAT,
                         "%s: neither Whisper nor Silero VAD nor MiniLM (its first tensor is %s); "
                         "Scout cannot run other models",
                         source->path, source->tensors[0].name);
    }
    PackedWriter *writer;
    ScoutStatus status = packed_writer_new(target, kind->kind, &writer, error);
    if (status != SCOUT_OK) {
        return status;
    }
    BASE_CLEANUP(plan_done) Plan plan = {.source = source, .writer = writer};
    status = write_file(&plan, kind, options, error);
    packed_writer_free(writer);
    return status;
}

ScoutStatus import_model(const char *source, const char *target, const ImportOptions *options,
                         ScoutError *error)
{
    if (options->weights < IMPORT_SOURCE || options->weights > IMPORT_INT4) {
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "unknown kind of weights %d",
                         (int)options->weights);
    }
    if (!options->replace && file_exists(target)) {
        return error_set(error, SCOUT_ERROR_EXISTS, "%s: already exists", target);
    }
    Source opened;
    ScoutStatus status = source_open(source, &opened, error);
    if (status != SCOUT_OK) {
        return status;
    }
    status = import_source(&opened, target, options, error);
    source_close(&opened);
    return status;
}
