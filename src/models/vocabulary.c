// Reads vocabularies: lists and maps in JSON, lists in lines, and GPT-2's way of writing bytes.
#include "vocabulary.h"

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "json_text.h"

#include <string.h>

enum { VOCABULARY_ARENA_BYTES = 64 << 20, VOCABULARY_TEXT_MAX = 1 << 25, TOKEN_TEXT_MAX = 4096 };

// Tokens by id while they are collected. bytes is NULL where none was seen.
typedef struct Token {
    const char *bytes;
    size_t length;
} Token;

typedef struct Collection {
    const char *name; // of the file, for messages
    Token *tokens;
    size_t count; // ids from 0; others are passed over
    bool gpt2;    // texts are in GPT-2's form
    Arena arena;
} Collection;

static bool is_own_character(uint32_t code)
{
    return (code >= 33 && code <= 126) || (code >= 161 && code <= 172) ||
           (code >= 174 && code <= 255);
}

// Printable Latin-1 stands for itself; the other bytes, in ascending order, are 256 and up.
static bool byte_of(uint32_t code, char *byte)
{
    if (code < 256) {
        *byte = (char)code;
        return is_own_character(code);
    }
    uint32_t next = 256;
    for (uint32_t candidate = 0; candidate < 256; candidate++) {
        if (is_own_character(candidate)) {
            continue;
        }
        if (next == code) {
            *byte = (char)candidate;
            return true;
        }
        next++;
    }
    return false;
}

bool vocabulary_decode_bytes(const char *text, size_t length, char *out, size_t *out_length)
{
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code;
        at += utf8_decode(text + at, length - at, &code);
        if (!byte_of(code, &out[count])) {
            return false;
        }
        count++;
    }
    *out_length = count;
    return true;
}

static ScoutStatus add_token(Collection *collection, size_t id, const char *text, size_t length,
                             ScoutError *error)
{
    if (id >= collection->count) {
        return SCOUT_OK;
    }
    if (collection->tokens[id].bytes || length > TOKEN_TEXT_MAX) {
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: token %zu is %s", collection->name, id,
                         length > TOKEN_TEXT_MAX ? "too long" : "there twice");
    }
    char *bytes = arena_alloc(&collection->arena, length + 1, 1);
    if (!bytes) {
        return error_no_memory(error);
    }
    if (!collection->gpt2) {
        memcpy(bytes, text, length);
    } else if (!vocabulary_decode_bytes(text, length, bytes, &length)) {
        return error_set(error, SCOUT_ERROR_CORRUPT,
                         "%s: token %zu is not in the byte form of GPT-2", collection->name, id);
    }
    collection->tokens[id] = (Token){bytes, length};
    return SCOUT_OK;
}

// ["token of id 0", "token of id 1", ...]
static ScoutStatus collect_list(Collection *collection, const json_t *list, ScoutError *error)
{
    for (size_t id = 0; id < json_array_size(list); id++) {
        const json_t *text = json_array_get(list, id);
        if (!json_is_string(text)) {
            return error_set(error, SCOUT_ERROR_CORRUPT, "%s: token %zu is no text",
                             collection->name, id);
        }
        ScoutStatus status =
            add_token(collection, id, json_string_value(text), json_string_length(text), error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

// {"token": id, ...}
static ScoutStatus collect_map(Collection *collection, json_t *map, ScoutError *error)
{
    const char *text;
    json_t *id;
    json_object_foreach(map, text, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0) {
            return error_set(error, SCOUT_ERROR_CORRUPT, "%s: token \"%s\" has no id",
                             collection->name, text);
        }
        ScoutStatus status =
            add_token(collection, (size_t)json_integer_value(id), text, strlen(text), error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

// A vocabulary in JSON: a list, a map, or a tokenizer.json with a map inside.
static ScoutStatus collect_json(Collection *collection, const char *folder, ScoutError *error)
{
    BASE_CLEANUP(json_text_release) json_t *json = NULL;
    ScoutStatus status = json_text_file(folder, collection->name, &json, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (json_is_array(json)) {
        return collect_list(collection, json, error);
    }
    json_t *model = json_object_get(json, "model");
    json_t *map = json_is_object(model) ? json_object_get(model, "vocab") : json;
    if (!json_is_object(map)) {
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: holds no vocabulary", collection->name);
    }
    return collect_map(collection, map, error);
}

// One token a line; an empty line is an empty token.
static ScoutStatus collect_lines(Collection *collection, const char *folder, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *path = path_join(folder, collection->name);
    if (!path) {
        return error_no_memory(error);
    }
    BASE_CLEANUP(buffer_done) Buffer text;
    buffer_init(&text, VOCABULARY_TEXT_MAX);
    ScoutStatus status = file_read(path, VOCABULARY_TEXT_MAX, &text, error);
    if (status != SCOUT_OK) {
        return status;
    }
    size_t id = 0;
    for (size_t at = 0; at < text.length; id++) {
        const char *line = text.data + at;
        const char *end = memchr(line, '\n', text.length - at);
        size_t length = end ? (size_t)(end - line) : text.length - at;
        at += length + 1;
        if (length > 0 && line[length - 1] == '\r') {
            length--;
        }
        status = add_token(collection, id, line, length, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

static ScoutStatus collect(Collection *collection, const char *folder, ScoutError *error)
{
    return str_ends(collection->name, ".txt") ? collect_lines(collection, folder, error)
                                              : collect_json(collection, folder, error);
}

static void release(Collection *collection)
{
    mem_free(collection->tokens);
    arena_done(&collection->arena);
}

// The first of the names that is in the folder, NULL if none is.
static ScoutStatus choose(const Source *source, const char *const *names, size_t count,
                          const char **name, ScoutError *error)
{
    for (size_t i = 0; i < count; i++) {
        BASE_CLEANUP(mem_free_pointer) char *path = path_join(source->folder, names[i]);
        if (!path) {
            return error_no_memory(error);
        }
        if (file_exists(path)) {
            *name = names[i];
            return SCOUT_OK;
        }
    }
    *name = NULL;
    return SCOUT_OK;
}

static ScoutStatus write_collection(const Collection *collection, PackedWriter *writer,
                                    size_t n_vocab, ScoutError *error)
{
    for (size_t id = 0; id < n_vocab; id++) {
        Token token = id < collection->count ? collection->tokens[id] : (Token){"", 0};
        if (!token.bytes) {
            return error_set(error, SCOUT_ERROR_CORRUPT, "%s: token %zu is missing",
                             collection->name, id);
        }
        ScoutStatus status = packed_writer_token(writer, token.bytes, token.length, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

static ScoutStatus collect_and_write(const Source *source, const char *name, bool gpt2,
                                     PackedWriter *writer, size_t n_vocab, size_t text_count,
                                     ScoutError *error)
{
    BASE_CLEANUP(release)
    Collection collection = {
        .name = name,
        .tokens = mem_array(text_count, sizeof(Token)),
        .count = text_count,
        .gpt2 = gpt2,
    };
    arena_init(&collection.arena, VOCABULARY_ARENA_BYTES);
    if (!collection.tokens) {
        return error_no_memory(error);
    }
    ScoutStatus status = collect(&collection, source->folder, error);
    if (status != SCOUT_OK) {
        return status;
    }
    return write_collection(&collection, writer, n_vocab, error);
}

static ScoutStatus write_ggml(const Source *source, PackedWriter *writer, size_t n_vocab,
                              size_t text_count, ScoutError *error)
{
    const SourceGgml *ggml = &source->ggml;
    if (ggml->token_count < text_count) {
        return error_set(error, SCOUT_ERROR_CORRUPT, "%s: %zu tokens, expected %zu", source->path,
                         ggml->token_count, text_count);
    }
    for (size_t id = 0; id < n_vocab; id++) {
        SourceToken token = id < text_count ? ggml->tokens[id] : (SourceToken){NULL, 0};
        ScoutStatus status = packed_writer_token(writer, token.bytes, token.length, error);
        if (status != SCOUT_OK) {
            return status;
        }
    }
    return SCOUT_OK;
}

ScoutStatus vocabulary_write_whisper(const Source *source, PackedWriter *writer, size_t n_vocab,
                                     size_t text_count, ScoutError *error)
{
    static const char *const names[] = {"vocabulary.json", "vocabulary.txt", "vocab.json",
                                        "tokenizer.json"};
    const char *name = NULL;
    if (source->format == SOURCE_GGML) {
        return write_ggml(source, writer, n_vocab, text_count, error);
    }
    ScoutStatus status = choose(source, names, BASE_COUNT(names), &name, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (!name) {
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "%s: no vocabulary.json, vocabulary.txt, vocab.json or tokenizer.json "
                         "beside the model; put one there",
                         source->folder);
    }
    return collect_and_write(source, name, true, writer, n_vocab, text_count, error);
}

ScoutStatus vocabulary_write_wordpiece(const Source *source, PackedWriter *writer, size_t count,
                                       ScoutError *error)
{
    static const char *const names[] = {"vocab.txt", "tokenizer.json"};
    const char *name = NULL;
    ScoutStatus status = choose(source, names, BASE_COUNT(names), &name, error);
    if (status != SCOUT_OK) {
        return status;
    }
    if (!name) {
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "%s: no vocab.txt or tokenizer.json beside the model; put one there",
                         source->folder);
    }
    return collect_and_write(source, name, false, writer, count, count, error);
}
