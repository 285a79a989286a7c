// Events in order: see report.h.
#include "report.h"

#include <assert.h>

#include "base/attributes.h"

static const int64_t SILENCE_MAX_SAMPLES = (int64_t)300 * SCOUT_SAMPLE_RATE;

void report_init(Report *report, ScoutEventCallback callback, void *context, double origin_s,
                 int64_t start)
{
    *report = (Report){.callback = callback,
                       .context = context,
                       .origin_s = origin_s,
                       .told = start,
                       .progress_received = start,
                       .progress_settled = start};
}

double report_seconds(const Report *report, int64_t position)
{
    return report->origin_s + (double)position / SCOUT_SAMPLE_RATE;
}

static ScoutStatus send(Report *report, const ScoutEvent *event, ScoutError *error)
{
    if (report->callback(report->context, event))
        return error_set(error, SCOUT_ERROR_CANCELLED, "the receiver of events asked to stop");
    return SCOUT_OK;
}

ScoutStatus report_language(Report *report, const ScoutLanguage *language, ScoutError *error)
{
    ScoutEvent event = {.type = SCOUT_EVENT_LANGUAGE, .u.language = *language};
    return send(report, &event, error);
}

ScoutStatus report_flush(Report *report, ScoutError *error)
{
    if (!report->silent)
        return SCOUT_OK;
    ScoutEvent event = {.type = SCOUT_EVENT_SKIPPED, .u.skipped = report->silence};
    event.u.skipped.start_s = report_seconds(report, report->silence_start);
    event.u.skipped.end_s = report_seconds(report, report->told);
    if (report->silence.speech_prob_mean >= 0)
        event.u.skipped.speech_prob_mean =
            (float)(report->silence_sum / (double)(report->told - report->silence_start));
    report->silent = false;
    return send(report, &event, error);
}

static void extend_silence(Report *report, int64_t end, const ScoutSkipped *skipped)
{
    if (!report->silent) {
        report->silent = true;
        report->silence_start = report->told;
        report->silence = *skipped;
        report->silence_sum = 0;
    }
    report->silence.speech_prob_max =
        BASE_MAX(report->silence.speech_prob_max, skipped->speech_prob_max);
    report->silence_sum += (double)skipped->speech_prob_mean * (double)(end - report->told);
    report->told = end;
}

ScoutStatus report_skipped(Report *report, int64_t end, const ScoutSkipped *skipped,
                           ScoutError *error)
{
    if (end <= report->told)
        return SCOUT_OK;
    if (skipped->reason == SCOUT_SKIP_NO_SPEECH && !skipped->text) {
        extend_silence(report, end, skipped);
        if (report->told - report->silence_start < SILENCE_MAX_SAMPLES)
            return SCOUT_OK;
        return report_flush(report, error);
    }
    ScoutStatus status = report_flush(report, error);
    if (status != SCOUT_OK)
        return status;
    ScoutEvent event = {.type = SCOUT_EVENT_SKIPPED, .u.skipped = *skipped};
    event.u.skipped.start_s = report_seconds(report, report->told);
    event.u.skipped.end_s = report_seconds(report, end);
    report->told = end;
    return send(report, &event, error);
}

ScoutStatus report_segment(Report *report, int64_t end, ScoutSegment *segment, ScoutError *error)
{
    assert(end > report->told);
    ScoutStatus status = report_flush(report, error);
    if (status != SCOUT_OK)
        return status;
    segment->id = report->segments++;
    segment->start_s = report_seconds(report, report->told);
    segment->end_s = report_seconds(report, end);
    report->told = end;
    ScoutEvent event = {.type = SCOUT_EVENT_SEGMENT, .u.segment = *segment};
    return send(report, &event, error);
}

ScoutStatus report_progress(Report *report, int64_t received, ScoutError *error)
{
    int64_t settled = report->silent ? report->silence_start : report->told;
    if (settled == report->progress_settled &&
        received - report->progress_received < SCOUT_SAMPLE_RATE)
        return SCOUT_OK;
    report->progress_settled = settled;
    report->progress_received = received;
    ScoutEvent event = {.type = SCOUT_EVENT_PROGRESS};
    event.u.progress.received_s = report_seconds(report, received);
    event.u.progress.settled_s = report_seconds(report, settled);
    return send(report, &event, error);
}
