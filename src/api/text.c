// Rules of text, made of the caller's table.
#include <scout/text.h>

#include <stddef.h>

#include "engine.h"
#include "speech/polish.h"

void scout_text_options_init(ScoutTextOptions *options)
{
    if (options)
        *options = (ScoutTextOptions){.size = sizeof(*options)};
}

ScoutStatus scout_text_rules_new(const ScoutTextOptions *options, ScoutTextRules **rules,
                                 ScoutError *error)
{
    static const EngineOptionsKind kind = {
        .name = "ScoutTextOptions",
        .first_size = sizeof(ScoutTextOptions),
        .size = sizeof(ScoutTextOptions),
    };
    ScoutTextOptions own;
    scout_text_options_init(&own);
    const ScoutStatus status = engine_copy_options(&kind, options, &own, error);
    if (status)
        return status;
    return polish_rules_new(&own, rules, error);
}

void scout_text_rules_free(ScoutTextRules *rules)
{
    polish_rules_free(rules);
}

uint64_t scout_text_rules_hits(const ScoutTextRules *rules, size_t replacement)
{
    return polish_rules_hits(rules, replacement);
}

uint64_t scout_text_rules_masked(const ScoutTextRules *rules)
{
    return polish_rules_masked(rules);
}
