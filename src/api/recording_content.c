// From a journal to what it says: see recording_content.h.
#include "recording_content.h"

#include "recording_json.h"
#include "recording_notes.h"

#include "base/str.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_BYTES_MAX = 256 << 20 };

static RecordingItem *items_of(const RecordingContent *content, size_t *count)
{
    *count = content->items.length / sizeof(RecordingItem);
    return (RecordingItem *)(void *)content->items.data; // a whole block of the allocator's
}

static json_t *seconds_of(const RecordingContent *content, uint64_t frames)
{
    return recording_json_seconds((double)frames / content->summary.info.rate_hz);
}

void recording_content_done(RecordingContent *content)
{
    size_t count;
    RecordingItem *items = items_of(content, &count);
    for (size_t i = 0; i < count; i++)
        json_decref(items[i].json);
    buffer_done(&content->items);
    json_decref(content->gaps);
    json_decref(content->marks);
    *content = (RecordingContent){0};
}

// --- Records
// ---------------------------------------------------------------------------------------

// *object is NULL when the record has none: it is of a later Scout, perhaps.
static ScoutStatus object_of(const JournalRecord *record, json_t **object, ScoutError *error)
{
    bool no_memory;
    *object = recording_json_read(record->json, record->json_bytes, &no_memory);
    return no_memory ? error_no_memory(error) : SCOUT_OK;
}

static ScoutStatus add_item(RecordingContent *content, const JournalRecord *record,
                            ScoutError *error)
{
    json_t *json;
    ScoutStatus status = object_of(record, &json, error);
    if (status || !json)
        return status;
    const RecordingItem item = {.json = json,
                                .channel = record->channel,
                                .position = record->position,
                                .end = record->end,
                                .sequence = record->sequence,
                                .is_text = record->type == JOURNAL_TEXT};
    if (recording_json_put(json, "channel", json_integer((json_int_t)record->channel)) &&
        buffer_append(&content->items, &item, sizeof item))
        return SCOUT_OK;
    json_decref(json);
    return error_no_memory(error);
}

static void settle(RecordingContent *content, uint32_t channel, uint64_t position)
{
    size_t count;
    RecordingItem *items = items_of(content, &count);
    // From the end: what lies before a settled one is settled, too.
    for (size_t i = count; i > 0; i--) {
        if (items[i - 1].channel != channel)
            continue;
        if (items[i - 1].settled)
            break;
        items[i - 1].settled = true;
    }
    content->settled[channel] = BASE_MAX(content->settled[channel], position);
}

// Who ended in peace has told all that he knew, in the order of time.
static void settle_all(RecordingContent *content)
{
    uint64_t ends[JOURNAL_CHANNELS_MAX] = {0};
    size_t count;
    const RecordingItem *items = items_of(content, &count);
    for (size_t i = 0; i < count; i++)
        ends[items[i].channel] = BASE_MAX(ends[items[i].channel], items[i].end);
    for (uint32_t c = 0; c < content->summary.info.channels; c++)
        settle(content, c, BASE_MIN(ends[c], content->summary.frames));
}

// What is not settled is told again by whoever resumed.
static void drop_unsettled(RecordingContent *content)
{
    size_t count, kept = 0;
    RecordingItem *items = items_of(content, &count);
    for (size_t i = 0; i < count; i++) {
        if (items[i].settled)
            items[kept++] = items[i];
        else
            json_decref(items[i].json);
    }
    content->items.length = kept * sizeof(RecordingItem);
}

// Takes code points off the end of a text; returns how many were more than it had.
static size_t cut_text(json_t *item, size_t characters)
{
    const char *text = json_string_value(json_object_get(item, "text"));
    if (!text)
        return characters;
    size_t length = strlen(text);
    while (length > 0 && characters > 0) {
        length--;
        // The bytes after the first of a character are 10xxxxxx.
        if (((unsigned char)text[length] & 0xC0) != 0x80)
            characters--;
    }
    json_t *rest = json_stringn(text, length);
    (void)recording_json_put(item, "text", rest);
    (void)recording_json_put(item, "scratched", json_true());
    return characters;
}

static void scratch(RecordingContent *content, uint32_t channel, size_t characters)
{
    size_t count;
    RecordingItem *items = items_of(content, &count);
    for (size_t i = count; i > 0 && characters > 0; i--) {
        if (items[i - 1].is_text && items[i - 1].channel == channel)
            characters = cut_text(items[i - 1].json, characters);
    }
}

static uint32_t channel_of(const json_t *object)
{
    const json_int_t channel = json_integer_value(json_object_get(object, "channel"));
    return channel >= 0 && channel < JOURNAL_CHANNELS_MAX ? (uint32_t)channel : 0;
}

static ScoutStatus add_mark(RecordingContent *content, const JournalRecord *record,
                            ScoutError *error)
{
    json_t *object;
    ScoutStatus status = object_of(record, &object, error);
    if (status || !object)
        return status;
    const char *kind = json_string_value(json_object_get(object, "kind"));
    const uint32_t channel = channel_of(object);
    if (kind && str_equal(kind, "recovery")) {
        drop_unsettled(content);
        content->trusted = true;
        content->interrupted = true;
    } else if (kind && str_equal(kind, "scratch") && content->trusted) {
        const json_int_t characters = json_integer_value(json_object_get(object, "characters"));
        scratch(content, channel, characters > 0 ? (size_t)characters : 0);
    } else if (kind && str_equal(kind, "language")) {
        const char *code = json_string_value(json_object_get(object, "language"));
        (void)str_copy(content->language[channel], RECORDING_LANGUAGE_BYTES, code ? code : "");
    } else if (!recording_json_put(object, "start", seconds_of(content, record->position)) ||
               !recording_json_put(object, "end", seconds_of(content, record->end)) ||
               json_array_append(content->marks, object) != 0) {
        json_decref(object);
        return error_no_memory(error);
    }
    json_decref(object);
    return SCOUT_OK;
}

static ScoutStatus add_gap(RecordingContent *content, const JournalRecord *record,
                           ScoutError *error)
{
    content->summary.gaps++;
    content->summary.missing_records += record->missing_records;
    content->trusted = content->trusted && !record->damaged;
    if (record->position == record->end)
        return SCOUT_OK;
    json_t *gap = json_pack("{s:o, s:o, s:b}", "start", seconds_of(content, record->position),
                            "end", seconds_of(content, record->end), "damaged", record->damaged);
    return json_array_append_new(content->gaps, gap) == 0 ? SCOUT_OK : error_no_memory(error);
}

static ScoutStatus add_record(RecordingContent *content, const JournalRecord *record,
                              ScoutError *error)
{
    JournalSummary *summary = &content->summary;
    summary->ended = record->type == JOURNAL_END;
    switch (record->type) {
    case JOURNAL_FRAMES:
        summary->present_frames += record->end - record->position;
        summary->frames = record->end;
        return SCOUT_OK;
    case JOURNAL_GAP: return add_gap(content, record, error);
    case JOURNAL_MARK: return add_mark(content, record, error);
    case JOURNAL_TEXT:
    case JOURNAL_SKIPPED: return content->trusted ? add_item(content, record, error) : SCOUT_OK;
    case JOURNAL_SETTLED:
        if (content->trusted)
            settle(content, record->channel, record->position);
        return SCOUT_OK;
    case JOURNAL_END:
        if (content->trusted)
            settle_all(content);
        return SCOUT_OK;
    case JOURNAL_NONE: break;
    }
    return SCOUT_OK;
}

ScoutStatus recording_content_load(const char *journal, RecordingContent *content,
                                   ScoutError *error)
{
    JournalReader *reader;
    ScoutStatus status = journal_open(journal, NULL, &reader, error);
    if (status)
        return status;
    RecordingContent made = {.gaps = json_array(), .marks = json_array(), .trusted = true};
    made.summary.info = *journal_info(reader);
    buffer_init(&made.items, ITEMS_BYTES_MAX);
    if (!made.gaps || !made.marks)
        status = error_no_memory(error);
    JournalRecord record = {0};
    while (!status) {
        status = journal_next(reader, &record, error);
        if (status || record.type == JOURNAL_NONE)
            break;
        status = add_record(&made, &record, error);
    }
    journal_reader_free(reader);
    if (status) {
        recording_content_done(&made);
        return status;
    }
    made.summary.live = journal_is_live(journal);
    made.interrupted = made.interrupted || !made.summary.ended || !made.trusted;
    *content = made;
    return SCOUT_OK;
}

size_t recording_content_count(const RecordingContent *content, bool texts)
{
    size_t count, found = 0;
    const RecordingItem *items = items_of(content, &count);
    for (size_t i = 0; i < count; i++)
        found += items[i].is_text == texts;
    return found;
}

bool recording_content_unsettled(const RecordingContent *content)
{
    size_t count;
    const RecordingItem *items = items_of(content, &count);
    for (size_t i = 0; i < count; i++) {
        if (!items[i].settled)
            return true;
    }
    return false;
}

// --- Files
// ---------------------------------------------------------------------------------------

static int by_start(const void *left, const void *right)
{
    const RecordingItem *a = left, *b = right;
    if (a->position != b->position)
        return a->position < b->position ? -1 : 1;
    return (a->sequence > b->sequence) - (a->sequence < b->sequence);
}

// A sorted copy: texts of one channel are in order already, and stay so.
static RecordingItem *sorted_items(const RecordingContent *content, size_t *count, Buffer *copy)
{
    const RecordingItem *items = items_of(content, count);
    buffer_init(copy, ITEMS_BYTES_MAX);
    if (*count && !buffer_append(copy, items, *count * sizeof *items))
        return NULL;
    RecordingItem *sorted = (RecordingItem *)(void *)copy->data;
    if (*count)
        qsort(sorted, *count, sizeof *sorted, by_start);
    return sorted;
}

static bool put_items(json_t *object, const RecordingContent *content)
{
    json_t *utterances = json_array(), *skipped = json_array();
    bool good = recording_json_put(object, "utterances", utterances);
    good = recording_json_put(object, "skipped", skipped) && good;
    Buffer copy;
    size_t count;
    const RecordingItem *items = sorted_items(content, &count, &copy);
    for (size_t i = 0; good && i < count; i++)
        good = json_array_append(items[i].is_text ? utterances : skipped, items[i].json) == 0;
    good = good && !copy.failed;
    buffer_done(&copy);
    return good;
}

json_t *recording_content_json(const RecordingContent *content)
{
    const JournalInfo *info = &content->summary.info;
    const char *language = content->language[0];
    json_t *object = json_pack("{s:i, s:o, s:i, s:s?, s:O, s:s}", "version", 1, "duration",
                               seconds_of(content, content->summary.frames), "channels",
                               (int)info->channels, "language", *language ? language : NULL, "gaps",
                               content->gaps, "scout_version", SCOUT_VERSION);
    if (object && put_items(object, content))
        return object;
    json_decref(object);
    return NULL;
}

// A long pause begins a new line, as does, where there are several channels, each utterance. What
// was found where no speech had been heard stands on a line of its own, in brackets.
static const double PARAGRAPH_S = 4;

typedef struct TextLines {
    Buffer *out;
    bool several; // channels
    bool alone;   // the line that was begun takes nothing more
    double end_s; // of the text before
} TextLines;

static void add_utterance(TextLines *lines, const json_t *utterance, const char *text)
{
    Buffer *out = lines->out;
    const double start_s = json_number_value(json_object_get(utterance, "start"));
    const bool found = json_is_true(json_object_get(utterance, "from_skipped"));
    const bool first = out->length == 0;
    const bool begins =
        first || lines->several || lines->alone || found || start_s - lines->end_s >= PARAGRAPH_S;
    if (begins)
        text += strspn(text, " \n");
    if (begins && !first)
        (void)buffer_append_char(out, '\n');
    if (lines->several)
        (void)buffer_printf(
            out, "%d: ", (int)json_integer_value(json_object_get(utterance, "channel")) + 1);
    (void)buffer_printf(out, found ? "[skipped before: %s]" : "%s", text);
    lines->end_s = json_number_value(json_object_get(utterance, "end"));
    lines->alone = found;
}

bool recording_text_of(const json_t *text_json, Buffer *out)
{
    TextLines lines = {.out = out,
                       .several = json_integer_value(json_object_get(text_json, "channels")) > 1};
    size_t index;
    const json_t *utterance;
    json_array_foreach(json_object_get(text_json, "utterances"), index, utterance)
    {
        const char *text = json_string_value(json_object_get(utterance, "text"));
        if (text && *text)
            add_utterance(&lines, utterance, text);
    }
    if (out->length)
        (void)buffer_append_char(out, '\n');
    return !out->failed;
}
