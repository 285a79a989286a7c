// Puts standard input on the clipboard and stays, for test_clipboard.py. Reads commands from a file
// descriptor, a line each, and answers each with a line:
//     clipboard_tool DESCRIPTOR
//     put-for-good | put | paste | wait MILLISECONDS | restore | quit
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "platform/clipboard.h"
#include "platform/typing.h"

enum { TEXT_MAX = 8 << 20 };

static char text[TEXT_MAX];
static size_t length;

static ScoutStatus act(Clipboard *clipboard, char *line, ScoutError *error)
{
    int64_t number = 0;
    char *argument = strchr(line, ' ');
    if (argument) {
        *argument++ = '\0';
        (void)str_to_int(argument, 0, 100000, &number);
    }
    if (str_equal(line, "put"))
        return clipboard_put(clipboard, text, length, CLIPBOARD_UNTIL_TAKEN, error);
    if (str_equal(line, "put-for-good"))
        return clipboard_put(clipboard, text, length, CLIPBOARD_FOR_GOOD, error);
    if (str_equal(line, "wait"))
        return clipboard_wait_taken(clipboard, (int)number, error);
    if (str_equal(line, "restore"))
        return clipboard_restore(clipboard, error);
    Typing *typing = NULL;
    ScoutStatus status = typing_new(NULL, &typing, error);
    if (status == SCOUT_OK)
        status = typing_press_paste(typing, NULL, error);
    typing_free(typing);
    return status;
}

int main(int argc, char **argv)
{
    int64_t descriptor = 0;
    if (argc != 2 || !str_to_int(argv[1], 3, 1000, &descriptor))
        return 100;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    length = fread(text, 1, sizeof text, stdin);
    FILE *commands = fdopen((int)descriptor, "r");
    const ClipboardOptions options = {.grace_ms = 300};
    Clipboard *clipboard = NULL;
    ScoutError error = {0};
    const ScoutStatus opened = clipboard_new(&options, &clipboard, &error);
    printf("%d %s\n", -opened, opened == SCOUT_OK ? clipboard_name(clipboard) : error.message);
    char line[256];
    while (opened == SCOUT_OK && commands && fgets(line, sizeof line, commands)) {
        line[strcspn(line, "\n")] = '\0';
        if (str_equal(line, "quit"))
            break;
        error.message[0] = '\0';
        const ScoutStatus status = act(clipboard, line, &error);
        printf("%d %s\n", -status, error.message);
    }
    clipboard_free(clipboard);
    return 0;
}
