// Fuzzes the user's file of rules for text, and what is made of it: whatever is read without an
// error gives rules, or a sentence that says why not.
#include "config/text_file.h"
#include "speech/polish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void check_options(const ScoutTextOptions *options)
{
    for (size_t i = 0; i < options->replacement_count; i++) {
        require(options->replacements[i].from && options->replacements[i].to);
        require(strchr(options->replacements[i].origin, ':') != NULL);
    }
    require(options->command_count <= SCOUT_TEXT_COMMANDS_MAX);
    for (size_t i = 0; i < options->command_count; i++)
        require(options->command_table[i].say && options->command_table[i].origin);
    for (size_t i = 0; i < options->profanity_count; i++)
        require(options->profanity_table[i] != NULL);
}

static void use_rules(const ScoutTextOptions *options)
{
    static const char said[] = " Hello, full stop. New line. um kubernetis 21 degrees";
    ScoutError error = {.message = ""};
    PolishRules *rules = NULL;
    if (polish_rules_new(options, &rules, &error) != SCOUT_OK) {
        require(error.message[0] != '\0' && !rules);
        return;
    }
    Polish *polish = NULL;
    PolishText text;
    require(polish_new(rules, &polish, NULL) == SCOUT_OK);
    require(polish_final(polish, said, strlen(said), &text, NULL) == SCOUT_OK);
    require(utf8_valid(text.text, text.length));
    polish_free(polish);
    polish_rules_free(rules);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const int fd = memfd_create("rules", MFD_CLOEXEC);
    require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    ScoutTextOptions options = {.commands = 1};
    ConfigTextFile *file = NULL;
    ScoutError error = {.message = ""};
    if (config_read_text_file(path, &options, &file, &error) == SCOUT_OK) {
        check_options(&options);
        use_rules(&options);
    } else {
        require(error.message[0] != '\0' && !file);
    }
    config_text_file_free(file);
    (void)close(fd);
    return 0;
}
