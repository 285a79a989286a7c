// What people read and shells use, written from the table: help, the man page, completions.
#ifndef CONFIG_PAGES_H
#define CONFIG_PAGES_H

#include "base/buffer.h"
#include "config/table.h"

typedef struct ConfigPage {
    Buffer *out;   // appended to; check its `failed` afterwards
    size_t width;  // columns of the help, 40..100
    bool emphasis; // with ANSI bold for headings and names
} ConfigPage;

void config_write_overview(const ConfigTable *table, const ConfigPage *page);
void config_write_help(const ConfigTable *table, const ConfigCommand *command,
                       const ConfigPage *page);

void config_write_manual(const ConfigTable *table, Buffer *out); // roff, man(7) macros
void config_write_bash(const ConfigTable *table, Buffer *out);
void config_write_zsh(const ConfigTable *table, Buffer *out);
void config_write_fish(const ConfigTable *table, Buffer *out);

#endif
