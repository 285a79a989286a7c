// What `scout transcribe --resume` finds again when the disk filled up at any moment of the run
// before: all that was settled up to some moment of it, or nothing, but never a part with a hole.
#include "disk.h"

#include "checkpoint.h"

#include "base/attributes.h"
#include "base/file.h"
#include "base/memory.h"
#include "unit/base/in_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEGMENTS = 5, CALLS_MAX = 100 };

typedef struct Work {
    json_t *options;
    size_t fewest, most; // segments found again
} Work;

static ScoutStatus add(Checkpoint *checkpoint, size_t index)
{
    char text[32];
    (void)snprintf(text, sizeof text, " %zu.", index);
    const ScoutEvent segment = {
        .type = SCOUT_EVENT_SEGMENT,
        .u.segment = {
            .start_s = (double)index, .end_s = (double)index + 1, .text = text, .language = "en"}};
    const ScoutEvent progress = {.type = SCOUT_EVENT_PROGRESS,
                                 .u.progress = {.settled_s = (double)index + 1}};
    ScoutError error = {.message = ""};
    ScoutStatus status = checkpoint_add(checkpoint, &segment, &error);
    if (status == SCOUT_OK)
        status = checkpoint_add(checkpoint, &progress, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    return status;
}

static void check_what_is_left(Work *work)
{
    Checkpoint checkpoint;
    Document document;
    document_init(&document);
    assert_int_equal(
        checkpoint_open(&checkpoint, "recording", "out.json", work->options, &document, NULL),
        SCOUT_OK);
    const size_t found = document.view.segment_count;
    assert_int_equal((size_t)checkpoint.settled_s, found);
    for (size_t i = 0; i < found; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, " %zu.", i);
        assert_string_equal(document.view.segments[i].text, text);
    }
    assert_false(checkpoint_is_finished(&checkpoint));
    checkpoint_close(&checkpoint, true);
    document_done(&document);
    work->fewest = BASE_MIN(work->fewest, found);
    work->most = BASE_MAX(work->most, found);
}

static ScoutStatus run_and_stop(void *context)
{
    Work *work = context;
    Checkpoint checkpoint;
    Document document;
    disk_pause();
    assert_int_equal(file_remove_tree("state", NULL), SCOUT_OK);
    disk_continue();
    document_init(&document);
    ScoutError error = {.message = ""};
    ScoutStatus status =
        checkpoint_open(&checkpoint, "recording", "out.json", work->options, &document, &error);
    assert_int_equal(error.message[0] != '\0', status != SCOUT_OK);
    for (size_t i = 0; i < SEGMENTS && status == SCOUT_OK; i++)
        status = add(&checkpoint, i);
    checkpoint_close(&checkpoint, false);
    document_done(&document);
    disk_pause();
    check_what_is_left(work);
    disk_continue();
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

static void test_the_disk_fills_up(void **state)
{
    (void)state;
    use_state_folder();
    assert_int_equal(file_write("recording", "x", 1, true, NULL), SCOUT_OK);
    Work work = {.options = json_object(), .fewest = SIZE_MAX};
    assert_true(disk_run_all(run_and_stop, &work, CALLS_MAX) > (size_t)2 * SEGMENTS);
    assert_int_equal(work.fewest, 0);
    assert_int_equal(work.most, SEGMENTS);
    json_decref(work.options);
}

static ScoutStatus finish(void *context)
{
    const Work *work = context;
    Checkpoint checkpoint;
    Document document;
    disk_pause();
    assert_int_equal(file_remove_tree("state", NULL), SCOUT_OK);
    assert_int_equal(file_write("out.json", "{}", 2, true, NULL), SCOUT_OK);
    document_init(&document);
    assert_int_equal(
        checkpoint_open(&checkpoint, "recording", "out.json", work->options, &document, NULL),
        SCOUT_OK);
    disk_continue();
    checkpoint_close(&checkpoint, true);
    document_done(&document);

    // A mark that could not be written only costs time: the work is done again.
    disk_pause();
    document_init(&document);
    assert_int_equal(
        checkpoint_open(&checkpoint, "recording", "out.json", work->options, &document, NULL),
        SCOUT_OK);
    const bool finished = checkpoint_is_finished(&checkpoint);
    assert_int_equal(document.view.segment_count, 0);
    checkpoint_close(&checkpoint, false);
    document_done(&document);
    disk_continue();
    return finished ? SCOUT_OK : SCOUT_ERROR_NO_SPACE;
}

static void test_the_mark_cannot_be_written(void **state)
{
    (void)state;
    use_state_folder();
    assert_int_equal(file_write("recording", "x", 1, true, NULL), SCOUT_OK);
    Work work = {.options = json_object()};
    assert_true(disk_run_all(finish, &work, CALLS_MAX) >= 4);
    json_decref(work.options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_the_disk_fills_up),
        IN_FOLDER(test_the_mark_cannot_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
