// Prints the man page or a completion script, for the build to install.
#include <stdio.h>
#include <string.h>

#include "base/attributes.h"
#include "config/pages.h"
#include "table.h"

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*write)(const ConfigTable *table, Buffer *out);
    } pages[] = {{"scout.1", config_write_manual},
                 {"scout.bash", config_write_bash},
                 {"_scout", config_write_zsh},
                 {"scout.fish", config_write_fish}};
    for (size_t i = 0; argc == 2 && i < BASE_COUNT(pages); i++) {
        if (strcmp(pages[i].name, argv[1]) != 0)
            continue;
        Buffer out;
        buffer_init(&out, 1 << 20);
        pages[i].write(&scout_table, &out);
        bool good = !out.failed && fwrite(out.data, 1, out.length, stdout) == out.length;
        buffer_done(&out);
        return good && fflush(stdout) == 0 ? 0 : 1;
    }
    (void)fputs("usage: scout-pages scout.1|scout.bash|_scout|scout.fish\n", stderr);
    return 2;
}
