// `scout config`: the values in force, and where each came from.
#include <jansson.h>
#include <string.h>

#include "base/buffer.h"
#include "commands.h"
#include "exits.h"
#include "json_view.h"
#include "output.h"
#include "table.h"
#include "terminal.h"

enum { REPORT_MAX_BYTES = 4 << 20, ORIGIN_MAX = 512 };

// Options that tell a command what to do now are no settings.
static bool is_setting(size_t option)
{
    return scout_table.options[option].scope == CONFIG_EVERYWHERE || option == OPTION_CONFIG;
}

static void write_json(const Config *config, Buffer *out)
{
    json_t *object = json_object();
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (!is_setting(i))
            continue;
        char origin[ORIGIN_MAX];
        config_origin_text(config, i, origin, sizeof(origin));
        json_object_set_new(
            object, scout_table.options[i].name,
            json_pack("{s:s?, s:s}", "value", config_text(config, i), "from", origin));
    }
    if (!json_write(object, JSON_INDENT(2), out))
        out->failed = true;
    json_decref(object);
    buffer_append_char(out, '\n');
}

int command_config(const Config *config)
{
    Buffer out;
    buffer_init(&out, REPORT_MAX_BYTES);
    if (config_flag(config, OPTION_JSON))
        write_json(config, &out);
    for (size_t i = 0; i < OPTION_COUNT && !config_flag(config, OPTION_JSON); i++) {
        if (!is_setting(i))
            continue;
        const char *value = config_text(config, i);
        char origin[ORIGIN_MAX];
        config_origin_text(config, i, origin, sizeof(origin));
        buffer_printf(&out, "%-16s %-22s # %s\n", scout_table.options[i].name, value ? value : "-",
                      origin);
    }
    int status = output_report(&out);
    buffer_done(&out);
    return status;
}
