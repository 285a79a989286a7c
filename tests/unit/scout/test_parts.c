// The smaller parts: JSON there and back, names of outputs, the progress line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/str.h"
#include "document.h"
#include "json_view.h"
#include "output.h"
#include "terminal.h"

static void a_segment_comes_back_from_json(void **state)
{
    (void)state;
    const ScoutAlternative alternatives[] = {{"Jon", 0.25F}, {"Joan", 0.125F}};
    const ScoutWord words[] = {{.text = " John",
                                .start_s = 1.2344,
                                .end_s = 1.5,
                                .probability = 0.5F,
                                .alternatives = alternatives,
                                .alternative_count = 2}};
    const int32_t tokens[] = {50364, 5, 50414};
    ScoutEvent event = {.type = SCOUT_EVENT_SEGMENT};
    event.u.segment = (ScoutSegment){.id = 7,
                                     .start_s = 1.2344,
                                     .end_s = 2,
                                     .text = " John",
                                     .language = "en",
                                     .tokens = tokens,
                                     .token_count = 3,
                                     .temperature = 0.2F,
                                     .avg_logprob = -0.3F,
                                     .compression_ratio = 1.1F,
                                     .no_speech_prob = 0.01F,
                                     .speech_prob = -1,
                                     .words = words,
                                     .word_count = 1};
    Document document;
    document_init(&document);
    assert_int_equal(document_add(&document, &event, NULL), SCOUT_OK);
    json_t *first = json_of_segment(&document.view.segments[0]);
    assert_int_equal(json_integer_value(json_object_get(first, "id")), 0);
    assert_true(json_real_value(json_object_get(first, "start")) == 1.234);
    assert_true(json_is_null(json_object_get(first, "speech_prob")));

    event.u.segment = (ScoutSegment){0};
    assert_true(json_to_segment(first, &document.arena, &event.u.segment));
    assert_true(event.u.segment.speech_prob == -1);
    document_cut(&document, 0, 0);
    assert_int_equal(document_add(&document, &event, NULL), SCOUT_OK);
    json_t *second = json_of_segment(&document.view.segments[0]);
    assert_true(json_equal(first, second));

    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(first, next, key, value)
    {
        if (strcmp(key, "words") == 0 || strcmp(key, "tokens") == 0 || strcmp(key, "id") == 0)
            continue;
        json_t *damaged = json_copy(first);
        json_object_set_new(damaged, key, json_array());
        assert_false(json_to_segment(damaged, &document.arena, &event.u.segment));
        json_decref(damaged);
    }
    json_decref(first);
    json_decref(second);
    document_done(&document);
}

static void skipped_spans_come_back_from_json(void **state)
{
    (void)state;
    Document document;
    document_init(&document);
    for (int reason = SCOUT_SKIP_NO_SPEECH; reason <= SCOUT_SKIP_OUTSIDE; reason++) {
        ScoutSkipped skipped = {.start_s = 1,
                                .end_s = 2,
                                .reason = (ScoutSkipReason)reason,
                                .speech_prob_max = 0.5F,
                                .speech_prob_mean = 0.25F,
                                .no_speech_prob = -1,
                                .text = reason == 1 ? " you" : NULL};
        json_t *first = json_of_skipped(&skipped);
        ScoutSkipped back;
        assert_true(json_to_skipped(first, &document.arena, &back));
        json_t *second = json_of_skipped(&back);
        assert_true(json_equal(first, second));
        json_object_set_new(first, "reason", json_string("whim"));
        assert_false(json_to_skipped(first, &document.arena, &back));
        json_decref(first);
        json_decref(second);
    }
    document_done(&document);
}

static void names_of_outputs(void **state)
{
    (void)state;
    const char *const inputs[] = {"x/a.wav", "b.tar.gz", "a.mp3", "-", ".dot", "plain"};
    const char *const expected[] = {"out/a.wav.srt", "out/b.tar.srt", "out/a.mp3.srt",
                                    "out/stdin.srt", "out/.dot.srt",  "out/plain.srt"};
    char **paths;
    assert_int_equal(output_plan("out", inputs, 6, "srt", &paths, NULL), SCOUT_OK);
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(paths[i], expected[i]);
    output_plan_free(paths, 6);
    const char *const twins[] = {"x/a.wav", "y/a.wav"};
    const char *const sly[] = {"a.wav", "a.mp3", "a.wav.ogg"};
    ScoutError error;
    assert_int_equal(output_plan("out", twins, 2, "srt", &paths, &error), SCOUT_ERROR_EXISTS);
    assert_int_equal(output_plan("out", sly, 3, "srt", &paths, &error), SCOUT_ERROR_EXISTS);
}

static void the_progress_line_fits(void **state)
{
    (void)state;
    const char *const labels[] = {"", "a.wav", "a very long name of a recording that goes on.flac",
                                  "東京では雨が降っていた東京では雨が降っていた.wav"};
    for (size_t columns = 20; columns < 140; columns++) {
        for (size_t i = 0; i < BASE_COUNT(labels); i++) {
            for (int utf8 = 0; utf8 < 2; utf8++) {
                char line[1024];
                terminal_render(line, sizeof(line), columns, utf8, labels[i], 0.5, 3725);
                assert_true(utf8_valid(line, strlen(line)));
                assert_true(utf8_columns(line, strlen(line)) < columns);
                assert_true(str_ends(line, "50 % 1:02:05 left"));
                terminal_render(line, sizeof(line), columns, utf8, labels[i], -1, -1);
                assert_true(utf8_columns(line, strlen(line)) < columns);
            }
        }
    }
    char line[256];
    terminal_render(line, sizeof(line), 40, false, "a", 0.25, 61);
    assert_string_equal(line, "a #####----------------  25 % 1:01 left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_comes_back_from_json),
        cmocka_unit_test(skipped_spans_come_back_from_json),
        cmocka_unit_test(names_of_outputs),
        cmocka_unit_test(the_progress_line_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
