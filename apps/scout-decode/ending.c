// The end of decoding: see ending.h.
#include "ending.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"

// Less missing than this is the container's imprecision, not a cut.
static const double CUT_S = 0.5;

static Ending fail(ProtocolError *failure, ScoutStatus status, const char *text)
{
    failure->status = status;
    (void)str_copy(failure->text, sizeof failure->text, text);
    return ENDING_LIMIT;
}

Ending ending_find(const DecodeOptions *options, const Input *input, Sink *sink,
                   ProtocolError *failure)
{
    ScoutError error;
    if (sink->resampler && !sink->full && sink_finish(sink, &error))
        return fail(failure, error.status, error.message);
    char text[PROTOCOL_ERROR_TEXT_MAX];
    if (sink->full && sink->capped) {
        (void)snprintf(
            text, sizeof text,
            "lasts longer than the limit of %.0f s; raise the limit or take a part of it",
            options->max_seconds);
        return fail(failure, SCOUT_ERROR_LIMIT, text);
    }
    if (sink->full)
        return ENDING_PART;
    if (input->over_limit)
        return fail(failure, SCOUT_ERROR_LIMIT,
                    "is larger than the number of bytes allowed; raise the limit");
    return ENDING_INPUT;
}

bool ending_is_early(const Input *input, double at_s, double seen_end_s, double claimed_s,
                     ProtocolProblem *problem)
{
    ProtocolProblem found = {.at_s = at_s > 0 ? at_s : 0, .to_end = true};
    if (input->failure)
        (void)snprintf(found.text, sizeof found.text, "reading the file failed here: %s",
                       strerrordesc_np(input->failure));
    else if (claimed_s - seen_end_s > CUT_S)
        (void)snprintf(found.text, sizeof found.text,
                       "the file is cut short: it ends here, but its header promises %.1f s",
                       claimed_s);
    else
        return false;
    *problem = found;
    return true;
}
