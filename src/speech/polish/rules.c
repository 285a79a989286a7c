// Checks and prepares the user's table: see rules.h.
#include "rules.h"

#include <stdio.h>
#include <string.h>

#include "base/letter.h"
#include "base/memory.h"
#include "base/str.h"

enum { ARENA_BYTES_MAX = 64 << 20 };

static ScoutStatus copy_text(PolishRules *rules, const char **text, ScoutError *error)
{
    if (*text && !(*text = arena_copy_text(&rules->arena, *text, strlen(*text))))
        return error_no_memory(error);
    return SCOUT_OK;
}

// What a message calls a rule: where it stands, or its number.
typedef struct Label {
    char text[128];
} Label;

static Label make_label(const char *what, const char *origin, size_t index)
{
    Label label;
    if (origin)
        (void)str_copy(label.text, sizeof label.text, origin);
    else
        (void)snprintf(label.text, sizeof label.text, "%s %zu", what, index + 1);
    return label;
}

static ScoutStatus check_text(const char *text, const char *label, ScoutError *error)
{
    if (strlen(text) > SCOUT_TEXT_BYTES_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s is longer than %d bytes; shorten it", label, SCOUT_TEXT_BYTES_MAX);
    if (!utf8_valid(text, strlen(text)))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s is not UTF-8; save the file in UTF-8", label);
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 && *c != '\n' && *c != '\t')
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "%s has a control character; take it out", label);
    return SCOUT_OK;
}

// A phrase has a character that can be heard; *words says how many words it has.
static ScoutStatus check_phrase(const char *text, const char *label, size_t *words,
                                ScoutError *error)
{
    const TextView view = {text, strlen(text), true};
    uint32_t code = 0;
    bool gap = true;
    *words = 0;
    for (size_t at = 0, n; (n = text_next(view, at, &code)) > 0; at += n) {
        const bool separates = text_is_space(code) || code == '-';
        *words += gap && !separates;
        gap = separates;
        if (code == '\n' || code == '\t')
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "%s: nobody says a line end; use spaces", label);
    }
    if (*words == 0)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s is empty; write what is said, or take the rule out", label);
    return SCOUT_OK;
}

static ScoutStatus add_regex(PolishRules *rules, size_t index, const char *label, ScoutError *error)
{
    const ScoutTextReplacement *rule = &rules->table[index];
    if (rules->regex_count == SCOUT_TEXT_REGEXES_MAX)
        return error_set(error, SCOUT_ERROR_LIMIT, "more than %d regexes; join some of them with |",
                         SCOUT_TEXT_REGEXES_MAX);
    const ScoutStatus status = regex_new(rule->from, rule->to, rule->keep_case != 0,
                                         &rules->regexes[rules->regex_count], error);
    if (status) {
        error_prefix(error, "%s", label);
        return status;
    }
    rules->regex_index[rules->regex_count++] = index;
    return SCOUT_OK;
}

static ScoutStatus add_literal(PolishRules *rules, size_t index, const char *label,
                               ScoutError *error)
{
    const ScoutTextReplacement *rule = &rules->table[index];
    unsigned flags = rule->match_case ? PHRASE_MATCH_CASE : 0;
    if (rule->kind == SCOUT_TEXT_EXACT) {
        flags = PHRASE_EXACT;
        if (!*rule->from)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "%s is empty; write what to replace", label);
    } else {
        size_t words = 0;
        const ScoutStatus status = check_phrase(rule->from, label, &words, error);
        if (status)
            return status;
        if (rule->kind == SCOUT_TEXT_WORD && words > 1)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "%s: '%.80s' has several words; make it a phrase", label, rule->from);
    }
    if (!phrases_add(&rules->literals, rule->from, flags, (uint32_t)index))
        return error_no_memory(error);
    return SCOUT_OK;
}

static ScoutStatus add_replacements(PolishRules *rules, const ScoutTextOptions *options,
                                    ScoutError *error)
{
    const size_t count = options->replacement_count;
    if (count > SCOUT_TEXT_REPLACEMENTS_MAX)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu replacements; at most %d are possible",
                         count, SCOUT_TEXT_REPLACEMENTS_MAX);
    rules->table = mem_array(count ? count : 1, sizeof *rules->table);
    rules->hits = mem_array(count + 1, sizeof *rules->hits);
    if (!rules->table || !rules->hits)
        return error_no_memory(error);
    rules->masked = &rules->hits[count];
    rules->count = count;
    for (size_t i = 0; i < count; i++) {
        ScoutTextReplacement *rule = &rules->table[i];
        const Label label = make_label("replacement", options->replacements[i].origin, i);
        *rule = options->replacements[i];
        rule->origin = NULL; // is not ours
        if (!rule->to)
            rule->to = "";
        if (!rule->from || (int)rule->kind < 0 || rule->kind > SCOUT_TEXT_REGEX)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s says not what to replace",
                             label.text);
        ScoutStatus status = check_text(rule->from, label.text, error);
        if (!status)
            status = check_text(rule->to, label.text, error);
        if (!status)
            status = copy_text(rules, &rule->from, error);
        if (!status)
            status = copy_text(rules, &rule->to, error);
        if (!status)
            status = rule->kind == SCOUT_TEXT_REGEX ? add_regex(rules, i, label.text, error)
                                                    : add_literal(rules, i, label.text, error);
        if (status)
            return status;
    }
    phrases_sort(&rules->literals);
    return SCOUT_OK;
}

static bool action_writes(ScoutTextAction action)
{
    return action >= SCOUT_TEXT_MARK && action <= SCOUT_TEXT_BREAK;
}

static ScoutStatus copy_command(PolishRules *rules, ScoutTextCommand *command, const char *label,
                                ScoutError *error)
{
    size_t words = 0;
    if (!command->say || (int)command->action < 0 || command->action > SCOUT_TEXT_STOP ||
        (int)command->place < 0 || command->place > SCOUT_TEXT_ALONE)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is incomplete", label);
    if (!action_writes(command->action))
        command->write = NULL;
    else if (!command->write || !*command->write)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s: '%.80s' says not what to write",
                         label, command->say);
    ScoutStatus status = check_text(command->say, label, error);
    if (!status)
        status = check_phrase(command->say, label, &words, error);
    if (!status && command->write)
        status = check_text(command->write, label, error);
    if (!status)
        status = copy_text(rules, &command->say, error);
    if (!status)
        status = copy_text(rules, &command->write, error);
    return status;
}

static ScoutStatus add_small_words(Phrases *phrases, const char *list, ScoutError *error)
{
    while (*list) {
        char word[32];
        const size_t length = strcspn(list, " ");
        (void)str_copy(word, BASE_MIN(sizeof word, length + 1), list);
        list += length + (list[length] == ' ');
        if (!phrases_add(phrases, word, 0, 0))
            return error_no_memory(error);
    }
    phrases_sort(phrases);
    return SCOUT_OK;
}

static ScoutStatus add_languages(PolishRules *rules, const ScoutTextOptions *options,
                                 ScoutError *error)
{
    const size_t count = options->command_count;
    if (count > SCOUT_TEXT_COMMANDS_MAX)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu commands; at most %d are possible", count,
                         SCOUT_TEXT_COMMANDS_MAX);
    ScoutTextCommand *own = arena_alloc(&rules->arena, count ? count : 1, sizeof *own);
    if (!own)
        return error_no_memory(error);
    for (size_t i = 0; i < count; i++) {
        const Label label = make_label("command", options->command_table[i].origin, i);
        own[i] = options->command_table[i];
        own[i].origin = NULL;
        const ScoutStatus status = copy_command(rules, &own[i], label.text, error);
        if (status)
            return status;
    }
    for (size_t i = 0; i <= POLISH_LANGUAGES_MAX; i++) {
        const PolishLanguage *language = i < polish_language_count ? &polish_languages[i] : NULL;
        if (language) {
            const ScoutStatus status =
                add_small_words(&rules->languages[i].small_words, language->small_words, error);
            if (status)
                return status;
        }
        const ScoutStatus status =
            commands_init(&rules->languages[i].commands, own, count,
                          options->no_built_in_commands ? NULL : language, error);
        if (status)
            return status;
    }
    return SCOUT_OK;
}

static ScoutStatus add_profanity(PolishRules *rules, const char *word, size_t index,
                                 ScoutError *error)
{
    const Label label = make_label("masked word", NULL, index);
    char text[SCOUT_TEXT_BYTES_MAX + 1];
    size_t words = 0;
    ScoutStatus status = check_text(word, label.text, error);
    if (!status)
        status = check_phrase(word, label.text, &words, error);
    if (status)
        return status;
    (void)str_copy(text, sizeof text, word);
    const size_t length = strlen(text);
    const bool open = length > 1 && text[length - 1] == '*';
    if (open)
        text[length - 1] = '\0';
    if (!phrases_add(&rules->profanities, text, open ? PHRASE_OPEN_END : 0, 0))
        return error_no_memory(error);
    return SCOUT_OK;
}

static ScoutStatus add_profanities(PolishRules *rules, const ScoutTextOptions *options,
                                   ScoutError *error)
{
    if (options->profanity_count > SCOUT_TEXT_PROFANITIES_MAX)
        return error_set(error, SCOUT_ERROR_LIMIT, "%zu masked words; at most %d are possible",
                         options->profanity_count, SCOUT_TEXT_PROFANITIES_MAX);
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < options->profanity_count && !status; i++)
        status = add_profanity(rules, options->profanity_table[i], i, error);
    if (!options->no_built_in_profanities)
        for (size_t i = 0; polish_profanities[i] && !status; i++)
            status = add_profanity(rules, polish_profanities[i], i, error);
    phrases_sort(&rules->profanities);
    return status;
}

ScoutStatus polish_rules_new(const ScoutTextOptions *options, PolishRules **rules,
                             ScoutError *error)
{
    static const ScoutTextOptions none = {0};
    if (!options)
        options = &none;
    PolishRules *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    arena_init(&made->arena, ARENA_BYTES_MAX);
    phrases_init(&made->literals);
    phrases_init(&made->profanities);
    for (size_t i = 0; i <= POLISH_LANGUAGES_MAX; i++)
        phrases_init(&made->languages[i].small_words);
    made->commands = options->commands != 0;
    made->numbers = options->numbers;
    made->mask = options->profanity_filter != 0;
    made->language = polish_language_find(options->language ? options->language : "en");
    ScoutStatus status = add_replacements(made, options, error);
    if (!status)
        status = add_languages(made, options, error);
    if (!status && made->mask)
        status = add_profanities(made, options, error);
    if (status) {
        polish_rules_free(made);
        return status;
    }
    *rules = made;
    return SCOUT_OK;
}

void polish_rules_free(PolishRules *rules)
{
    if (!rules)
        return;
    for (size_t i = 0; i < rules->regex_count; i++)
        regex_free(rules->regexes[i]);
    for (size_t i = 0; i <= POLISH_LANGUAGES_MAX; i++) {
        if (rules->languages[i].commands.table)
            commands_done(&rules->languages[i].commands);
        phrases_done(&rules->languages[i].small_words);
    }
    phrases_done(&rules->literals);
    phrases_done(&rules->profanities);
    arena_done(&rules->arena);
    mem_free(rules->table);
    mem_free(rules->hits);
    mem_free(rules);
}

uint64_t polish_rules_hits(const PolishRules *rules, size_t replacement)
{
    return replacement < rules->count ? atomic_load(&rules->hits[replacement]) : 0;
}

uint64_t polish_rules_masked(const PolishRules *rules)
{
    return atomic_load(rules->masked);
}
