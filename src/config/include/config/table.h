// What a program's options and commands are, written down once: the command line, the environment,
// the configuration file, --help, the man page and the shell completions are all read from this
// table. Everything in it is constant and lives as long as the program.
#ifndef CONFIG_TABLE_H
#define CONFIG_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum ConfigType {
    CONFIG_FLAG,    // --words, --no-words; elsewhere true/false, yes/no, on/off, 1/0
    CONFIG_INTEGER, // low..high
    CONFIG_NUMBER,  // low..high
    CONFIG_NUMBERS, // numbers with commas between, each low..high; at most CONFIG_NUMBERS_MAX
    CONFIG_SECONDS, // 90, 90.5, 1:30, 1:01:30.250; low..high seconds
    CONFIG_CHOICE,  // one of `choices`
    CONFIG_TEXT
} ConfigType;

enum { CONFIG_NUMBERS_MAX = 16 };

typedef enum ConfigScope {
    CONFIG_EVERYWHERE,   // command line, environment, file
    CONFIG_NOT_IN_FILE,  // command line, environment
    CONFIG_ONLY_ARGUMENT // command line
} ConfigScope;

typedef enum ConfigCompletes {
    CONFIG_COMPLETES_NOTHING,
    CONFIG_COMPLETES_FILES,
    CONFIG_COMPLETES_FOLDERS,
    CONFIG_COMPLETES_OUTPUT // the words `completes_from`, a shell command, prints, one a line
} ConfigCompletes;

typedef struct ConfigOption {
    const char *name; // long name without dashes; the key in the file
    char letter;      // 0: no short form
    ConfigType type;
    ConfigScope scope;
    uint32_t commands;          // bit i: command i takes it; 0: every command does
    const char *group;          // heading in the help
    const char *placeholder;    // "SECONDS"; NULL for flags
    const char *help;           // one or two sentences
    const char *initial;        // default as it would be typed; NULL: none
    const char *initial_note;   // what the help says instead of `initial`; NULL: nothing
    const char *environment;    // NULL: the program's prefix and the name, SCOUT_MAX_LINES
    double low, high;           // bounds of numbers
    const char *const *choices; // of CONFIG_CHOICE; ends at NULL
    ConfigCompletes completes;
    const char *completes_from;
} ConfigOption;

typedef struct ConfigExample {
    const char *command, *meaning;
} ConfigExample;

// A row of two texts in the overview and the manual: an exit status, a file, a variable.
typedef struct ConfigNote {
    const char *name, *meaning;
} ConfigNote;

typedef struct ConfigCommand {
    const char *name;      // "transcribe", "models pull"
    const char *summary;   // a few words
    const char *arguments; // "FILE..."; "" when there are none
    const char *about;     // paragraphs with an empty line between
    size_t low, high;      // how many arguments it takes
    bool parent;           // only holds others ("models"); running it shows its help
    bool hidden_options;   // takes every option, and its help lists none of them
    ConfigCompletes completes;
    const char *completes_from;
    const char *const *choices; // of the argument; ends at NULL; NULL: free
    ConfigExample examples[6];  // ends at NULL
} ConfigCommand;

typedef struct ConfigTable {
    const char *program; // "scout"
    const char *prefix;  // "SCOUT_"
    const char *version;
    const char *summary; // one line
    const char *about;   // paragraphs
    const ConfigCommand *commands;
    size_t command_count; // at most 32
    const ConfigOption *options;
    size_t option_count;
    const ConfigExample *examples; // each list ends at NULL
    const ConfigNote *statuses, *files, *environment;
} ConfigTable;

// Whether command number `command` takes the option.
bool config_takes(const ConfigTable *table, size_t command, const ConfigOption *option);

#endif
