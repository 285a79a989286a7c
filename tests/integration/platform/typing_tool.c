// Types standard input into the focused window, for test_typing.py.
//     typing_tool [-m METHOD] [-p PAUSE_US] [-w WAIT_MS] [-f WINDOW] [-s STATE] write | erase N |
//     paste | focus
// Prints the bytes that were sent. Exit status: the negated ScoutStatus.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "platform/typing.h"

enum { TEXT_MAX = 1 << 20 };

static char text[TEXT_MAX];

static int64_t number(const char *from)
{
    int64_t value = 0;
    (void)str_to_int(from, 0, INT64_MAX, &value);
    return value;
}

static ScoutStatus act(Typing *typing, char **words, const TypingFocus *expected, ScoutError *error)
{
    if (str_equal(words[0], "erase"))
        return typing_erase(typing, (size_t)number(words[1]), expected, error);
    if (str_equal(words[0], "paste"))
        return typing_press_paste(typing, expected, error);
    if (str_equal(words[0], "focus")) {
        TypingFocus focus = {0};
        const ScoutStatus status = typing_focus(typing, &focus, error);
        printf("%" PRIu64 "\n", focus.window);
        return status;
    }
    const size_t length = fread(text, 1, sizeof text, stdin);
    size_t typed = 0;
    const ScoutStatus status = typing_write(typing, text, length, expected, &typed, error);
    printf("%zu\n", typed);
    return status;
}

int main(int argc, char **argv)
{
    TypingOptions options = {0};
    TypingFocus expected = {0};
    for (int option; (option = getopt(argc, argv, "m:p:w:f:s:")) != -1;) {
        if (option == 'm' && !typing_method_named(optarg, &options.method))
            return 100;
        if (option == 'p')
            options.key_pause_us = (int)number(optarg);
        if (option == 'w')
            options.modifier_wait_ms = (int)number(optarg);
        if (option == 's')
            options.state_path = optarg;
        if (option == 'f')
            expected = (TypingFocus){.known = true, .window = (uint64_t)number(optarg)};
    }
    if (optind >= argc)
        return 100;
    ScoutError error = {0};
    Typing *typing = NULL;
    ScoutStatus status = typing_new(&options, &typing, &error);
    if (status == SCOUT_OK)
        status = act(typing, argv + optind, &expected, &error);
    typing_free(typing);
    if (status != SCOUT_OK)
        (void)fprintf(stderr, "%s\n", error.message);
    return -status;
}
