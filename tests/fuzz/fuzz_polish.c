// Fuzzes what is done to words: rules and text from the input, the text given in two cuts. Settled
// text has to stay. The input's first byte chooses options; then come lines of rules, an empty
// line, and utterances, one a line.
#include "speech/polish.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/memory.h"
#include "base/str.h"

enum { RULES_MAX = 8, UTTERANCES_MAX = 4, UTTERANCE_BYTES_MAX = 2000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

// The next line of the text, which moves behind it; the line is ended with a NUL.
static char *take_line(char **text)
{
    char *line = *text;
    const size_t length = strcspn(line, "\n");
    *text = line + length + (line[length] == '\n');
    line[length] = '\0';
    return line;
}

// "k from=to": k's low bits are the kind and flags.
static bool read_rule(char *line, ScoutTextReplacement *rule)
{
    char *equals = strchr(line, '=');
    if (!line[0] || !line[1] || !equals || equals < line + 2)
        return false;
    *equals = '\0';
    *rule = (ScoutTextReplacement){.kind = (ScoutTextKind)(line[0] & 3),
                                   .from = line + 2,
                                   .to = equals + 1,
                                   .match_case = line[0] >> 2 & 1,
                                   .keep_case = line[0] >> 3 & 1};
    return true;
}

static void say(Polish *polish, const char *raw)
{
    const size_t length = strlen(raw);
    PolishText text;
    Buffer settled;
    buffer_init(&settled, 1 << 20);
    for (size_t cut = 0; cut <= length; cut += 1 + length / 5) {
        require(polish_partial(polish, raw, cut, raw + cut, length - cut, &text, NULL) == SCOUT_OK);
        require(text.settled_bytes >= settled.length && text.settled_bytes <= text.length);
        require(settled.length == 0 || memcmp(text.text, settled.data, settled.length) == 0);
        require(utf8_valid(text.text, text.length));
        buffer_clear(&settled);
        require(buffer_append(&settled, text.text, text.settled_bytes));
    }
    require(polish_final(polish, raw, length, &text, NULL) == SCOUT_OK);
    require(text.length >= settled.length);
    require(settled.length == 0 || memcmp(text.text, settled.data, settled.length) == 0);
    for (size_t i = 0; i < text.event_count; i++)
        require(text.events[i].at_bytes <= text.length);
    buffer_done(&settled);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const languages[] = {"en", "de", "fr", "xx"};
    if (size == 0)
        return 0;
    char *text = mem_copy_text((const char *)data + 1, size - 1);
    require(text != NULL);
    char *at = text;
    ScoutTextReplacement table[RULES_MAX];
    ScoutTextOptions options = {.language = languages[data[0] & 3],
                                .commands = data[0] >> 2 & 1,
                                .numbers = (ScoutTextNumbers)((data[0] >> 3 & 3) % 3),
                                .profanity_filter = data[0] >> 5 & 1,
                                .replacements = table};
    while (*at) {
        char *line = take_line(&at);
        if (!*line)
            break;
        if (options.replacement_count < RULES_MAX &&
            read_rule(line, &table[options.replacement_count]))
            options.replacement_count++;
    }
    PolishRules *rules = NULL;
    if (polish_rules_new(&options, &rules, NULL) == SCOUT_OK) {
        Polish *polish = NULL;
        require(polish_new(rules, &polish, NULL) == SCOUT_OK);
        for (size_t i = 0; *at && i < UTTERANCES_MAX; i++) {
            char *line = take_line(&at);
            if (strlen(line) > UTTERANCE_BYTES_MAX)
                line[UTTERANCE_BYTES_MAX] = '\0';
            say(polish, line);
        }
        polish_free(polish);
        polish_rules_free(rules);
    }
    mem_free(text);
    return 0;
}
