// What the command line makes of a transcript, with every allocation failing in turn, jansson's
// too: an output is whole or it is refused, never a part of it.
#include "fault.h"

#include "checkpoint.h"
#include "json_view.h"
#include "writer.h"

#include "base/attributes.h"
#include "base/memory.h"
#include "unit/base/in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { TRIALS_MAX = 5000 };

static const ScoutAlternative alternatives[] = {{.text = " Hallo", .probability = 0.1F},
                                                {.text = " Hello.", .probability = 0.05F}};
static const ScoutWord words[] = {
    {.text = " Hello",
     .start_s = 1,
     .end_s = 1.5,
     .probability = 0.8F,
     .alternatives = alternatives,
     .alternative_count = BASE_COUNT(alternatives)},
    {.text = " there,", .start_s = 1.5, .end_s = 2, .probability = 0.9F},
    {.text = " world.", .start_s = 2, .end_s = 3, .probability = 0.9F},
};
static const int32_t tokens[] = {50364, 2425, 456, 11, 1002, 13, 50464};
static const ScoutSegment segments[] = {
    {.id = 0,
     .start_s = 1,
     .end_s = 3,
     .text = " Hello there, world.",
     .language = "en",
     .tokens = tokens,
     .token_count = BASE_COUNT(tokens),
     .words = words,
     .word_count = BASE_COUNT(words)},
    {.id = 1, .start_s = 3, .end_s = 3.5, .text = " *Once* more.", .language = "en"},
};
static const ScoutSkipped skipped[] = {
    {.start_s = 0, .end_s = 1, .reason = SCOUT_SKIP_SILENT},
    {.start_s = 4, .end_s = 9, .reason = SCOUT_SKIP_UNRELIABLE, .text = "Thank you."},
};
static const ScoutDamage damage[] = {{.at_s = 3.5, .to_end = 1, .message = "cut off"}};
static const ScoutSource source = {
    .container = "wav", .codec = "pcm_s16le", .sample_rate = 16000, .channels = 1};
static const ScoutTimings timings = {.audio_s = 9, .total_s = 1};

static const View view = {.file = "a.wav",
                          .model = "base",
                          .task = "transcribe",
                          .language = {.code = "en", .name = "English", .probability = 0.99F},
                          .segments = segments,
                          .segment_count = BASE_COUNT(segments),
                          .skipped = skipped,
                          .skipped_count = BASE_COUNT(skipped),
                          .damage = damage,
                          .damage_count = BASE_COUNT(damage),
                          .source = &source,
                          .timings = &timings,
                          .duration_s = 9,
                          .error = "cut off"};

typedef struct Output {
    WriterOptions options;
    Buffer expected; // what comes without a failure
} Output;

static ScoutStatus write_output(void *context)
{
    const Output *output = context;
    Writer writer;
    writer_init(&writer, &output->options);
    writer_begin(&writer, &view);
    for (size_t i = 0; i < view.segment_count; i++)
        writer_segment(&writer, &view, &segments[i]);
    writer_end(&writer, &view);
    writer_failed(&writer, "b.wav", "cannot be read");
    writer_close(&writer);
    const bool failed = writer.out.failed;
    if (!failed)
        assert_string_equal(buffer_text(&writer.out), buffer_text(&output->expected));
    writer_done(&writer);
    return failed ? SCOUT_ERROR_OUT_OF_MEMORY : SCOUT_OK;
}

static void write_expected(Output *output)
{
    Writer writer;
    writer_init(&writer, &output->options);
    writer_begin(&writer, &view);
    for (size_t i = 0; i < view.segment_count; i++)
        writer_segment(&writer, &view, &segments[i]);
    writer_end(&writer, &view);
    writer_failed(&writer, "b.wav", "cannot be read");
    writer_close(&writer);
    assert_false(writer.out.failed);
    output->expected = writer.out;
}

static void test_outputs_are_whole(void **state)
{
    (void)state;
    for (int format = 0; format < FORMAT_COUNT; format++) {
        for (int words_too = 0; words_too <= 1; words_too++) {
            Output output = {.options = {.format = (FormatId)format,
                                         .words = words_too,
                                         .max_line_width = 12,
                                         .max_lines = 1,
                                         .columns = 40}};
            write_expected(&output);
            assert_true(fault_run_all(write_output, &output, TRIALS_MAX) > 0);
            buffer_done(&output.expected);
        }
    }
}

static ScoutStatus add_event(Document *document, Checkpoint *checkpoint, const ScoutEvent *event)
{
    ScoutError error = {.message = ""};
    ScoutStatus status = document_add(document, event, &error);
    if (status == SCOUT_OK)
        status = checkpoint_add(checkpoint, event, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    return status;
}

static ScoutStatus add_events(Document *document, Checkpoint *checkpoint)
{
    const ScoutEvent events[] = {
        {.type = SCOUT_EVENT_LANGUAGE, .u.language = view.language},
        {.type = SCOUT_EVENT_SKIPPED, .u.skipped = skipped[1]},
        {.type = SCOUT_EVENT_SEGMENT, .u.segment = segments[0]},
        {.type = SCOUT_EVENT_PROGRESS, .u.progress = {.settled_s = 3}},
    };
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; i < BASE_COUNT(events) && status == SCOUT_OK; i++)
        status = add_event(document, checkpoint, &events[i]);
    return status;
}

// A run that is stopped, and the run that goes on from it.
static ScoutStatus run_and_resume(void *context)
{
    Checkpoint checkpoint;
    Document document;
    document_init(&document);
    ScoutStatus status = checkpoint_open(&checkpoint, "recording", "out", context, &document, NULL);
    if (status == SCOUT_OK)
        status = add_events(&document, &checkpoint);
    checkpoint_close(&checkpoint, false);
    document_done(&document);
    if (status != SCOUT_OK)
        return status;

    document_init(&document);
    status = checkpoint_open(&checkpoint, "recording", "out", context, &document, NULL);
    if (status == SCOUT_OK) {
        // What memory did not suffice for is done again, from its beginning.
        assert_int_equal(document.view.segment_count, checkpoint.settled_s > 0);
        assert_int_equal(document.view.skipped_count, checkpoint.settled_s > 0);
    }
    checkpoint_close(&checkpoint, true);
    document_done(&document);
    return status;
}

// A relative one would count as unset.
static void use_state_folder(void)
{
    BASE_CLEANUP(mem_free_pointer) char *here = realpath(".", NULL);
    assert_non_null(here);
    BASE_CLEANUP(mem_free_pointer) char *state = path_join(here, "state");
    assert_non_null(state);
    assert_int_equal(setenv("XDG_STATE_HOME", state, 1), 0);
}

static void test_resuming(void **state)
{
    (void)state;
    use_state_folder();
    assert_int_equal(file_write("recording", "x", 1, true, NULL), SCOUT_OK);
    json_t *options = json_object();
    assert_true(fault_run_all(run_and_resume, options, TRIALS_MAX) > 20);
    json_decref(options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outputs_are_whole),
        IN_FOLDER(test_resuming),
    };
    json_set_alloc_funcs(malloc, free); // this program's, which fail
    return cmocka_run_group_tests(tests, NULL, NULL);
}
