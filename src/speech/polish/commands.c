// Spoken commands in a text: see commands.h.
#include "commands.h"

#include <string.h>

#include "base/letter.h"
#include "base/memory.h"

enum {
    // Actions of the phrases that take a command's meaning away; beyond ScoutTextAction.
    ACTION_ESCAPE = SCOUT_TEXT_STOP + 1, // left out itself
    ACTION_QUOTE,
    TABLE_MAX = SCOUT_TEXT_COMMANDS_MAX + 256
};

// One search: the text, and where it is.
typedef struct Search {
    const CommandSet *commands;
    const Marked *text;
    TextView view;
} Search;

typedef enum Verdict { VERDICT_NO, VERDICT_YES, VERDICT_LATER } Verdict;

static bool add_command(CommandSet *commands, ScoutTextCommand command)
{
    if (commands->count >= TABLE_MAX)
        return false;
    commands->table[commands->count] = command;
    return phrases_add(&commands->phrases, command.say, 0, (uint32_t)commands->count++);
}

// Adds what stands between separators: to the guards, or as commands with the action.
static bool add_list(CommandSet *commands, const char *list, char separator, Phrases *guards,
                     int action)
{
    const char separators[2] = {separator, '\0'};
    while (*list) {
        char item[64];
        const size_t length = strcspn(list, separators);
        if (length == 0 || length >= sizeof item)
            return false;
        memcpy(item, list, length);
        item[length] = '\0';
        list += length + (list[length] == separator);
        if (guards && !phrases_add(guards, item, 0, 0))
            return false;
        if (guards)
            continue;
        if (commands->count >= TABLE_MAX ||
            !phrases_add(&commands->phrases, item, 0, (uint32_t)commands->count))
            return false;
        commands->table[commands->count++] = (ScoutTextCommand){.action = (ScoutTextAction)action};
    }
    return true;
}

static bool add_language(CommandSet *commands, const PolishLanguage *language)
{
    for (const ScoutTextCommand *c = language->commands; c->say; c++)
        if (!add_command(commands, *c))
            return false;
    return add_list(commands, language->escapes, ',', NULL, ACTION_ESCAPE) &&
           add_list(commands, language->quotes, ',', NULL, ACTION_QUOTE) &&
           add_list(commands, language->guards_before, ' ', &commands->before, 0) &&
           add_list(commands, language->guards_end, ' ', &commands->before_end, 0) &&
           add_list(commands, language->guards_after, ' ', &commands->after, 0);
}

ScoutStatus commands_init(CommandSet *commands, const ScoutTextCommand *own, size_t own_count,
                          const PolishLanguage *language, ScoutError *error)
{
    *commands = (CommandSet){.count = 0};
    phrases_init(&commands->phrases);
    phrases_init(&commands->before);
    phrases_init(&commands->before_end);
    phrases_init(&commands->after);
    commands->table = mem_array(TABLE_MAX, sizeof *commands->table);
    bool good = commands->table != NULL;
    for (size_t i = 0; good && i < own_count; i++)
        good = add_command(commands, own[i]);
    if (!good || (language && !add_language(commands, language))) {
        commands_done(commands);
        return error_no_memory(error);
    }
    phrases_sort(&commands->phrases);
    phrases_sort(&commands->before);
    phrases_sort(&commands->before_end);
    phrases_sort(&commands->after);
    return SCOUT_OK;
}

void commands_done(CommandSet *commands)
{
    phrases_done(&commands->phrases);
    phrases_done(&commands->before);
    phrases_done(&commands->before_end);
    phrases_done(&commands->after);
    mem_free(commands->table);
    commands->table = NULL;
    commands->count = 0;
}

// The word that ends right before the spaces before `at` is none of the guards.
static bool unguarded_before(const Search *search, const Phrases *guards, size_t at)
{
    const TextView view = search->view;
    uint32_t code = 0;
    size_t n = 0;
    while ((n = text_before(view, at, &code)) > 0 &&
           (text_is_space(code) || code == '\'' || code == 0x2019)) // l'arobase
        at -= n;
    const size_t end = at;
    while ((n = text_before(view, at, &code)) > 0 && text_in_word(code))
        at -= n;
    return at == end || !phrases_have_word(guards, view, at, end);
}

static Verdict unguarded_after(const Search *search, size_t at)
{
    const TextView view = search->view;
    const size_t first = text_skip_spaces(view, at);
    const size_t end = text_word_end(view, first);
    if (end == view.length && !view.ended)
        return VERDICT_LATER;
    return end > first && phrases_have_word(&search->commands->after, view, first, end)
               ? VERDICT_NO
               : VERDICT_YES;
}

// Whether a command's phrase stands at `at`, wherever it may be one.
static Verdict is_phrase(const Search *search, size_t at)
{
    PhraseHit hit;
    switch (phrases_find(&search->commands->phrases, search->view, at, &hit)) {
    case PHRASE_NONE: return VERDICT_NO;
    case PHRASE_UNDECIDED: return VERDICT_LATER;
    case PHRASE_FOUND: break;
    }
    const int action = (int)search->commands->table[hit.id].action;
    return action != SCOUT_TEXT_NOTHING && action < ACTION_ESCAPE ? VERDICT_YES : VERDICT_NO;
}

// Behind the phrase comes the end, a punctuation mark, another command or (if allowed) a capital.
static Verdict closed_after(const Search *search, size_t at, bool capital_allowed)
{
    const TextView view = search->view;
    uint32_t code = 0;
    const size_t next = text_skip_spaces(view, at);
    if (text_next(view, next, &code) == 0)
        return view.ended ? VERDICT_YES : VERDICT_LATER;
    if (!text_in_word(code) || (capital_allowed && letter_is_upper(code)))
        return VERDICT_YES;
    return is_phrase(search, next);
}

// `last_end`: where the last command's phrase ended, SIZE_MAX if there was none.
static bool closed_before(const Search *search, size_t at, size_t last_end)
{
    uint32_t code = 0;
    size_t n = 0;
    while ((n = text_before(search->view, at, &code)) > 0 && text_is_space(code) && at != last_end)
        at -= n;
    return n == 0 || at == last_end || !text_in_word(code);
}

static Verdict judge(const Search *search, const ScoutTextCommand *command, size_t at, size_t end,
                     size_t last_end)
{
    switch (command->place) {
    case SCOUT_TEXT_ANYWHERE: return VERDICT_YES;
    case SCOUT_TEXT_ALONE:
        return closed_before(search, at, last_end) ? closed_after(search, end, false) : VERDICT_NO;
    case SCOUT_TEXT_END: {
        const bool guarded = !unguarded_before(search, &search->commands->before, at) ||
                             !unguarded_before(search, &search->commands->before_end, at);
        return guarded ? VERDICT_NO : closed_after(search, end, true);
    }
    case SCOUT_TEXT_GUARDED: break;
    }
    if (!unguarded_before(search, &search->commands->before, at))
        return VERDICT_NO;
    return command->action == SCOUT_TEXT_BREAK ? unguarded_after(search, end) : VERDICT_YES;
}

static void write_command(const ScoutTextCommand *command, Marked *out)
{
    const char *text = command->write && *command->write ? command->write : COMMAND_NO_TEXT;
    const uint8_t mark = (uint8_t)(command->action | MARK_FIXED);
    marked_append(out, text, 1, mark | MARK_FIRST);
    marked_append(out, text + 1, strlen(text) - 1, mark);
}

// "literally comma": the command's words, without the word before or with it.
static Verdict write_escaped(const Search *search, int action, size_t *at, size_t end, Marked *out)
{
    const size_t next = text_skip_spaces(search->view, end);
    PhraseHit hit;
    if (next == search->view.length && !search->view.ended)
        return VERDICT_LATER;
    const Verdict phrase = is_phrase(search, next);
    if (phrase != VERDICT_YES || next == end)
        return phrase == VERDICT_LATER ? VERDICT_LATER : VERDICT_NO;
    (void)phrases_find(&search->commands->phrases, search->view, next, &hit);
    marked_copy(out, search->text, action == ACTION_ESCAPE ? next : *at, hit.end, 0);
    *at = hit.end;
    return VERDICT_YES;
}

// What to do at a place; *at moves behind what was written. A hyphen that ties a command to the
// word before ("hello-close quote") is none.
static Verdict step(const Search *search, size_t *at, size_t *last_end, Marked *out)
{
    PhraseHit hit;
    if (marked_at(search->text, *at) & MARK_FIXED)
        return VERDICT_NO;
    const bool hyphen = search->view.text[*at] == '-';
    const size_t first = *at + hyphen;
    if (first == search->view.length)
        return search->view.ended ? VERDICT_NO : VERDICT_LATER;
    switch (phrases_find(&search->commands->phrases, search->view, first, &hit)) {
    case PHRASE_NONE: return VERDICT_NO;
    case PHRASE_UNDECIDED: return VERDICT_LATER;
    case PHRASE_FOUND: break;
    }
    const ScoutTextCommand *command = &search->commands->table[hit.id];
    const bool takes_meaning =
        (int)command->action >= ACTION_ESCAPE || command->action == SCOUT_TEXT_NOTHING;
    if (hyphen && takes_meaning)
        return VERDICT_NO;
    if ((int)command->action >= ACTION_ESCAPE)
        return write_escaped(search, (int)command->action, at, hit.end, out);
    if (command->action == SCOUT_TEXT_NOTHING) {
        marked_copy(out, search->text, *at, hit.end, 0);
        *at = hit.end;
        return VERDICT_YES;
    }
    const Verdict verdict = judge(search, command, first, hit.end, *last_end);
    if (verdict == VERDICT_YES) {
        write_command(command, out);
        *at = *last_end = hit.end;
    }
    return verdict;
}

void commands_apply(const CommandSet *commands, const Marked *text, bool ended, Marked *out)
{
    const Search search = {commands, text, marked_view(text, ended)};
    size_t last_end = SIZE_MAX;
    for (size_t at = 0; at < search.view.length;) {
        const Verdict verdict = step(&search, &at, &last_end, out);
        if (verdict == VERDICT_LATER)
            break;
        if (verdict == VERDICT_YES)
            continue;
        uint32_t code = 0;
        const size_t next = at + text_next(search.view, at, &code);
        marked_copy(out, text, at, next, 0);
        at = next;
    }
}
