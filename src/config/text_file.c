// The file of rules for text, a YAML mapping: see config/text_file.h.
#include "config/text_file.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/attributes.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "config/config.h"

enum { TEXT_FILE_BYTES_MAX = 4 << 20, ARENA_BYTES_MAX = 64 << 20, CHOICES_MAX = 32 };

struct ConfigTextFile {
    Arena arena;
};

typedef struct Reader {
    Arena *arena;
    const char *path, *name; // name: for messages of others
    yaml_document_t *document;
    ScoutTextOptions *options;
    ScoutError *error;
} Reader;

// A word of the file and what it stands for.
typedef struct Choice {
    const char *word;
    int value;
} Choice;

// clang-format off
static const Choice action_choices[] = {
    {"nothing", SCOUT_TEXT_NOTHING}, {"mark", SCOUT_TEXT_MARK}, {"open", SCOUT_TEXT_OPEN},
    {"close", SCOUT_TEXT_CLOSE}, {"tight", SCOUT_TEXT_TIGHT}, {"dash", SCOUT_TEXT_DASH},
    {"write", SCOUT_TEXT_WRITE}, {"break", SCOUT_TEXT_BREAK},
    {"capitals", SCOUT_TEXT_CAPITALS}, {"capitals on", SCOUT_TEXT_CAPITALS_ON},
    {"capitals off", SCOUT_TEXT_CAPITALS_OFF}, {"scratch that", SCOUT_TEXT_SCRATCH},
    {"undo that", SCOUT_TEXT_UNDO}, {"stop dictation", SCOUT_TEXT_STOP},
    {NULL, 0}};
static const Choice place_choices[] = {
    {"guarded", SCOUT_TEXT_GUARDED}, {"anywhere", SCOUT_TEXT_ANYWHERE}, {"end", SCOUT_TEXT_END},
    {"alone", SCOUT_TEXT_ALONE},
    {NULL, 0}};
static const Choice number_choices[] = {
    {"as heard", SCOUT_TEXT_AS_HEARD}, {"digits", SCOUT_TEXT_DIGITS}, {"words", SCOUT_TEXT_WORDS},
    {NULL, 0}};
enum { CASE_IGNORE, CASE_MATCH, CASE_KEEP };
static const Choice case_choices[] = {
    {"ignore", CASE_IGNORE}, {"match", CASE_MATCH}, {"keep", CASE_KEEP},
    {NULL, 0}};
static const Choice switch_choices[] = {
    {"yes", 1}, {"no", 0}, {"on", 1}, {"off", 0}, {"true", 1}, {"false", 0},
    {NULL, 0}};
// clang-format on

static size_t line_of(const yaml_node_t *node)
{
    return node->start_mark.line + 1;
}

static ScoutStatus refuse(const Reader *reader, const yaml_node_t *node, const char *what)
{
    return error_set(reader->error, SCOUT_ERROR_FORMAT, "%s:%zu: %s", reader->path, line_of(node),
                     what);
}

static const yaml_node_t *node_at(const Reader *reader, int index)
{
    return yaml_document_get_node(reader->document, index);
}

static const char *node_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static ScoutStatus read_text(const Reader *reader, const yaml_node_t *node, const char **text)
{
    if (node->type != YAML_SCALAR_NODE)
        return refuse(reader, node, "a text is expected; put it in quotes if it is one");
    const size_t length = node->data.scalar.length;
    if (memchr(node_text(node), '\0', length))
        return refuse(reader, node, "a text with a zero byte in it; take that out");
    *text = arena_copy_text(reader->arena, node_text(node), length);
    return *text ? SCOUT_OK : error_no_memory(reader->error);
}

static ScoutStatus read_choice(const Reader *reader, const yaml_node_t *node, const Choice *choices,
                               int *value)
{
    const char *names[CHOICES_MAX];
    char list[256] = "";
    size_t count = 0;
    const char *word = node->type == YAML_SCALAR_NODE ? node_text(node) : "";
    for (; choices[count].word; count++) {
        if (str_equal_nocase(choices[count].word, word)) {
            *value = choices[count].value;
            return SCOUT_OK;
        }
        names[count] = choices[count].word;
        const size_t length = strlen(list);
        (void)snprintf(list + length, sizeof list - length, "%s%s", count ? ", " : "",
                       choices[count].word);
    }
    const char *near = config_nearest(word, names, count);
    if (near)
        return error_set(reader->error, SCOUT_ERROR_FORMAT, "%s:%zu: '%.80s'; did you mean '%s'?",
                         reader->path, line_of(node), word, near);
    return error_set(reader->error, SCOUT_ERROR_FORMAT, "%s:%zu: '%.80s'; write one of %s",
                     reader->path, line_of(node), word, list);
}

// "rules.yaml:12", for messages about the rule.
static ScoutStatus note_origin(const Reader *reader, const yaml_node_t *node, const char **origin)
{
    char text[512];
    const int length = snprintf(text, sizeof text, "%s:%zu", reader->name, line_of(node));
    *origin = arena_copy_text(reader->arena, text, BASE_MIN((size_t)length, sizeof text - 1));
    return *origin ? SCOUT_OK : error_no_memory(reader->error);
}

// The index of a key among names; each may come once.
static ScoutStatus read_key(const Reader *reader, const yaml_node_t *node, const char *const *names,
                            size_t count, uint32_t *seen, size_t *index)
{
    const char *key = node->type == YAML_SCALAR_NODE ? node_text(node) : "";
    for (*index = 0; *index < count; (*index)++) {
        if (!str_equal(names[*index], key))
            continue;
        if (*seen & 1u << *index)
            return error_set(reader->error, SCOUT_ERROR_FORMAT,
                             "%s:%zu: '%s' is given twice; take one out", reader->path,
                             line_of(node), key);
        *seen |= 1u << *index;
        return SCOUT_OK;
    }
    char list[256] = "";
    for (size_t i = 0; i < count; i++) {
        const size_t length = strlen(list);
        (void)snprintf(list + length, sizeof list - length, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = config_nearest(key, names, count);
    if (near)
        return error_set(reader->error, SCOUT_ERROR_FORMAT,
                         "%s:%zu: unknown key '%.80s'; did you mean '%s'?", reader->path,
                         line_of(node), key, near);
    return error_set(reader->error, SCOUT_ERROR_FORMAT, "%s:%zu: unknown key '%.80s'; there are %s",
                     reader->path, line_of(node), key, list);
}

// ------------------------------------------------------------------------------------ replacements

static ScoutStatus read_replacement(const Reader *reader, const yaml_node_t *node,
                                    ScoutTextReplacement *rule)
{
    static const char *const keys[] = {"word", "phrase", "exact", "regex", "with", "case"};
    static const ScoutTextKind kinds[] = {SCOUT_TEXT_WORD, SCOUT_TEXT_PHRASE, SCOUT_TEXT_EXACT,
                                          SCOUT_TEXT_REGEX};
    if (node->type != YAML_MAPPING_NODE)
        return refuse(reader, node, "a replacement is expected, like {word: teh, with: the}");
    uint32_t seen = 0;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *key = node_at(reader, pair->key), *value = node_at(reader, pair->value);
        size_t index = 0;
        int chosen = CASE_IGNORE;
        ScoutStatus status = read_key(reader, key, keys, BASE_COUNT(keys), &seen, &index);
        if (status)
            return status;
        if (index < BASE_COUNT(kinds)) {
            if (rule->from)
                return refuse(reader, key, "one of word, phrase, exact and regex is enough");
            rule->kind = kinds[index];
            status = read_text(reader, value, &rule->from);
        } else if (index == 4) {
            status = read_text(reader, value, &rule->to);
        } else {
            status = read_choice(reader, value, case_choices, &chosen);
            rule->match_case = chosen == CASE_MATCH;
            rule->keep_case = chosen == CASE_KEEP;
        }
        if (status)
            return status;
    }
    if (!rule->from)
        return refuse(reader, node, "what is to be replaced? Add word, phrase, exact or regex");
    if (!rule->to)
        return refuse(reader, node, "with what? Add 'with:', and \"\" if with nothing");
    return note_origin(reader, node, &rule->origin);
}

static ScoutStatus list_size(const Reader *reader, const yaml_node_t *node, size_t *count)
{
    if (node->type != YAML_SEQUENCE_NODE)
        return refuse(reader, node, "a list is expected: lines that begin with '- '");
    *count = (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    return SCOUT_OK;
}

static ScoutStatus read_replacements(const Reader *reader, const yaml_node_t *node)
{
    size_t count = 0;
    ScoutStatus status = list_size(reader, node, &count);
    if (status)
        return status;
    ScoutTextReplacement *rules = arena_alloc(reader->arena, count + 1, sizeof *rules);
    if (!rules)
        return error_no_memory(reader->error);
    for (size_t i = 0; i < count && !status; i++)
        status = read_replacement(reader, node_at(reader, node->data.sequence.items.start[i]),
                                  &rules[i]);
    reader->options->replacements = rules;
    reader->options->replacement_count = count;
    return status;
}

// ---------------------------------------------------------------------------------------- commands

static bool writes(ScoutTextAction action)
{
    return action >= SCOUT_TEXT_MARK && action <= SCOUT_TEXT_BREAK;
}

// One command and the phrases for it.
static ScoutStatus read_command(const Reader *reader, const yaml_node_t *node,
                                ScoutTextCommand *command, const yaml_node_t **phrases)
{
    static const char *const keys[] = {"say", "do", "write", "where"};
    if (node->type != YAML_MAPPING_NODE)
        return refuse(reader, node, "a command is expected, like {say: smiley, write: \"🙂\"}");
    uint32_t seen = 0;
    *phrases = NULL;
    int action = SCOUT_TEXT_WRITE, place = SCOUT_TEXT_GUARDED;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top; pair++) {
        const yaml_node_t *value = node_at(reader, pair->value);
        size_t index = 0;
        ScoutStatus status =
            read_key(reader, node_at(reader, pair->key), keys, BASE_COUNT(keys), &seen, &index);
        if (!status && index == 0)
            *phrases = value;
        else if (!status && index == 1)
            status = read_choice(reader, value, action_choices, &action);
        else if (!status && index == 2)
            status = read_text(reader, value, &command->write);
        else if (!status)
            status = read_choice(reader, value, place_choices, &place);
        if (status)
            return status;
    }
    command->action = (ScoutTextAction)action;
    command->place = (ScoutTextPlace)place;
    if (!*phrases)
        return refuse(reader, node, "what is said? Add 'say:'");
    if (writes(command->action) != (command->write != NULL))
        return refuse(reader, node,
                      command->write ? "this writes nothing: take out 'write:' or change 'do:'"
                                     : "what is to be written? Add 'write:'");
    return note_origin(reader, node, &command->origin);
}

static size_t phrase_count(const yaml_node_t *node)
{
    return node->type == YAML_SEQUENCE_NODE
               ? (size_t)(node->data.sequence.items.top - node->data.sequence.items.start)
               : 1;
}

static ScoutStatus read_commands(const Reader *reader, const yaml_node_t *node)
{
    size_t rows = 0, count = 0;
    ScoutStatus status = list_size(reader, node, &rows);
    if (status)
        return status;
    ScoutTextCommand *commands =
        arena_alloc(reader->arena, SCOUT_TEXT_COMMANDS_MAX, sizeof *commands);
    if (!commands)
        return error_no_memory(reader->error);
    for (size_t i = 0; i < rows; i++) {
        const yaml_node_t *row = node_at(reader, node->data.sequence.items.start[i]);
        const yaml_node_t *phrases = NULL;
        ScoutTextCommand command = {0};
        status = read_command(reader, row, &command, &phrases);
        if (status)
            return status;
        if (phrase_count(phrases) > SCOUT_TEXT_COMMANDS_MAX - count)
            return refuse(reader, row, "more than 1,000 phrases of commands; take some out");
        for (size_t p = 0; p < phrase_count(phrases); p++) {
            const bool list = phrases->type == YAML_SEQUENCE_NODE;
            commands[count] = command;
            status = read_text(
                reader, list ? node_at(reader, phrases->data.sequence.items.start[p]) : phrases,
                &commands[count++].say);
            if (status)
                return status;
        }
    }
    reader->options->command_table = commands;
    reader->options->command_count = count;
    return SCOUT_OK;
}

static ScoutStatus read_profanities(const Reader *reader, const yaml_node_t *node)
{
    size_t count = 0;
    ScoutStatus status = list_size(reader, node, &count);
    if (status)
        return status;
    const char **words = arena_alloc(reader->arena, count + 1, sizeof *words);
    if (!words)
        return error_no_memory(reader->error);
    for (size_t i = 0; i < count && !status; i++)
        status = read_text(reader, node_at(reader, node->data.sequence.items.start[i]), &words[i]);
    reader->options->profanity_table = words;
    reader->options->profanity_count = count;
    return status;
}

// -------------------------------------------------------------------------------------------- file

static ScoutStatus read_switch(const Reader *reader, const yaml_node_t *node, bool off_is_set,
                               int *flag)
{
    int on = 0;
    const ScoutStatus status = read_choice(reader, node, switch_choices, &on);
    if (!status)
        *flag = off_is_set ? !on : on;
    return status;
}

static ScoutStatus read_entry(const Reader *reader, size_t key, const yaml_node_t *value)
{
    ScoutTextOptions *options = reader->options;
    int numbers = 0;
    ScoutStatus status = SCOUT_OK;
    switch (key) {
    case 0: return read_text(reader, value, &options->language);
    case 1: return read_switch(reader, value, false, &options->commands);
    case 2: return read_switch(reader, value, true, &options->no_built_in_commands);
    case 3:
        status = read_choice(reader, value, number_choices, &numbers);
        if (!status)
            options->numbers = (ScoutTextNumbers)numbers;
        return status;
    case 4: return read_switch(reader, value, false, &options->profanity_filter);
    case 5: return read_switch(reader, value, true, &options->no_built_in_profanities);
    case 6: return read_replacements(reader, value);
    case 7: return read_commands(reader, value);
    default: return read_profanities(reader, value);
    }
}

static ScoutStatus read_root(const Reader *reader)
{
    static const char *const keys[] = {"language",     "spoken-commands",  "built-in-commands",
                                       "numbers",      "profanity-filter", "built-in-profanities",
                                       "replacements", "commands",         "profanities"};
    const yaml_node_t *root = yaml_document_get_root_node(reader->document);
    if (!root || (root->type == YAML_SCALAR_NODE && !*node_text(root)))
        return SCOUT_OK; // nothing in it
    if (root->type != YAML_MAPPING_NODE)
        return refuse(reader, root, "lines like 'replacements:' are expected");
    uint32_t seen = 0;
    for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
         pair < root->data.mapping.pairs.top; pair++) {
        size_t key = 0;
        const yaml_node_t *value = node_at(reader, pair->value);
        ScoutStatus status =
            read_key(reader, node_at(reader, pair->key), keys, BASE_COUNT(keys), &seen, &key);
        const bool empty = value->type == YAML_SCALAR_NODE && !*node_text(value);
        if (!status && !empty)
            status = read_entry(reader, key, value);
        if (status)
            return status;
    }
    return SCOUT_OK;
}

static ScoutStatus parse(Reader *reader, const Buffer *text)
{
    yaml_parser_t parser;
    yaml_document_t document;
    if (!yaml_parser_initialize(&parser))
        return error_no_memory(reader->error);
    yaml_parser_set_input_string(&parser, (const unsigned char *)buffer_text(text), text->length);
    ScoutStatus status = SCOUT_OK;
    if (!yaml_parser_load(&parser, &document)) {
        status = error_set(reader->error, SCOUT_ERROR_FORMAT, "%s:%zu: %s", reader->path,
                           parser.problem_mark.line + 1,
                           parser.problem ? parser.problem : "cannot be read");
    } else {
        reader->document = &document;
        status = read_root(reader);
        reader->document = NULL;
        yaml_document_delete(&document);
    }
    yaml_parser_delete(&parser);
    return status;
}

ScoutStatus config_read_text_file(const char *path, ScoutTextOptions *options,
                                  ConfigTextFile **file, ScoutError *error)
{
    ConfigTextFile *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    arena_init(&made->arena, ARENA_BYTES_MAX);
    Buffer text;
    buffer_init(&text, TEXT_FILE_BYTES_MAX);
    ScoutTextOptions read = *options;
    Reader reader = {.arena = &made->arena,
                     .path = path,
                     .name = path_base(path),
                     .options = &read,
                     .error = error};
    ScoutStatus status = file_read(path, TEXT_FILE_BYTES_MAX, &text, error);
    if (!status)
        status = parse(&reader, &text);
    buffer_done(&text);
    if (status) {
        config_text_file_free(made);
        return status;
    }
    *options = read;
    *file = made;
    return SCOUT_OK;
}

void config_text_file_free(ConfigTextFile *file)
{
    if (!file)
        return;
    arena_done(&file->arena);
    mem_free(file);
}
