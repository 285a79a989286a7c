// Prints what a hotkey does, a line each, until standard input ends: for test_hotkey.py.
//     hotkey_tool [-s SOURCE] KEY
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "platform/hotkey.h"

static const char *const kinds[] = {"pressed", "released", "lost"};

static ScoutStatus follow(Hotkey *hotkey, ScoutError *error)
{
    char description[128];
    hotkey_describe(hotkey, description, sizeof description);
    printf("ready %s %s\n", hotkey_name(hotkey), description);
    for (;;) {
        HotkeyEvent event;
        bool there = false;
        const ScoutStatus status = hotkey_next(hotkey, &event, &there, error);
        if (status != SCOUT_OK)
            return status;
        if (there) {
            printf("%s %" PRId64 " %s\n", kinds[event.kind],
                   (clock_monotonic_ns() - event.time_ns) / 1000000, event.detail);
            continue;
        }
        struct pollfd waits[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                                 {.fd = hotkey_descriptor(hotkey), .events = POLLIN}};
        (void)poll(waits, 2, -1);
        if (waits[0].revents)
            return SCOUT_OK;
    }
}

int main(int argc, char **argv)
{
    HotkeyOptions options = {0};
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (int option; (option = getopt(argc, argv, "s:")) != -1;) {
        if (option != 's' || !hotkey_source_named(optarg, &options.source))
            return 100;
    }
    options.key = optind < argc ? argv[optind] : NULL;
    ScoutError error = {0};
    Hotkey *hotkey = NULL;
    ScoutStatus status = hotkey_new(&options, &hotkey, &error);
    if (status == SCOUT_OK)
        status = follow(hotkey, &error);
    hotkey_free(hotkey);
    if (status != SCOUT_OK)
        (void)fprintf(stderr, "%s\n", error.message);
    return -status;
}
