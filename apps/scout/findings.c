// What `scout doctor` finds: see findings.h.
#include "findings.h"

#include <stdarg.h>
#include <stdio.h>

#include "json_view.h"

enum { REPORT_MAX_BYTES = 1 << 20, TEXT_MAX = 512 };

void findings_init(Findings *findings, bool colour)
{
    *findings = (Findings){.list = json_array(), .colour = colour};
    buffer_init(&findings->text, REPORT_MAX_BYTES);
}

void findings_done(Findings *findings)
{
    json_decref(findings->list);
    buffer_done(&findings->text);
}

void findings_add(Findings *findings, Health health, const char *what, const char *format, ...)
{
    static const struct {
        const char *name, *mark, *colour;
    } shown[] = {{"good", "ok     ", "\033[32m"},
                 {"note", "note   ", "\033[33m"},
                 {"broken", "BROKEN ", "\033[31m"}};
    char text[TEXT_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    bool colour = findings->colour;
    buffer_printf(&findings->text, "%s%s%s%-12s %s\n", colour ? shown[health].colour : "",
                  shown[health].mark, colour ? "\033[0m" : "", what, text);
    json_array_append_new(findings->list, json_pack("{s:s, s:s, s:s}", "what", what, "health",
                                                    shown[health].name, "finding", text));
    findings->broken += health == HEALTH_BROKEN;
}

Buffer *findings_report(Findings *findings, bool json)
{
    if (json) {
        buffer_clear(&findings->text);
        json_t *object = json_pack("{s:s, s:b, s:O}", "scout_version", SCOUT_VERSION, "good",
                                   findings->broken == 0, "findings", findings->list);
        if (!json_write(object, JSON_INDENT(2), &findings->text))
            findings->text.failed = true;
        json_decref(object);
        buffer_append_char(&findings->text, '\n');
    } else if (!findings->broken) {
        buffer_append_text(&findings->text, "Everything that is needed is there.\n");
    }
    return &findings->text;
}
