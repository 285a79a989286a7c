// The user's own words: see rules.h.
#include "rules.h"

#include "base/str.h"
#include "table.h"

ScoutStatus rules_read(Rules *rules, const Config *config, ScoutError *error)
{
    *rules = (Rules){0};
    const char *path = config_text(config, OPTION_REPLACEMENTS);
    if (!path || !*path)
        return SCOUT_OK;
    ScoutTextOptions options;
    scout_text_options_init(&options);
    const char *language = config_text(config, OPTION_LANGUAGE);
    options.language = str_equal(language, "auto") ? NULL : language;
    ScoutStatus status = config_read_text_file(path, &options, &rules->file, error);
    if (!status)
        status = scout_text_rules_new(&options, &rules->rules, error);
    return status;
}

void rules_done(Rules *rules)
{
    scout_text_rules_free(rules->rules);
    config_text_file_free(rules->file);
    *rules = (Rules){0};
}
