// Many windows, one pass: rows of several streams on several threads give each what it gets alone,
// one that fails harms no other, and the places are handed out as they should be.
#include "speech/batch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fake_models.h"

enum { STREAMS = 5, STEPS = 12, FRAMES = 8, SETTLE_MS = 30, HANG_S = 30, POSITIONS_MAX = 448 };

// What follows depends on all tokens so far and on the sound.
static void say(void *context, const float *mel, size_t frames, const int32_t *tokens, size_t count,
                float *logits)
{
    (void)context;
    uint32_t sum = (uint32_t)frames;
    for (size_t i = 0; i < count; i++)
        sum = sum * 31 + (uint32_t)tokens[i];
    for (size_t i = 0; i < frames; i++)
        sum = sum * 31 + (uint32_t)mel[i * 80];
    logits[sum % FAKE_TEXT] = 1;
}

typedef struct Fixture {
    FakeModel model;
    Schedule *schedule;
    Batch *batch;
} Fixture;

static void begin(Fixture *fixture)
{
    *fixture = (Fixture){.model = {.script = say}};
    assert_int_equal(schedule_new(&fixture->schedule, NULL), SCOUT_OK);
    assert_int_equal(
        batch_new(fake_model(&fixture->model), NULL, fixture->schedule, &fixture->batch, NULL),
        SCOUT_OK);
    alarm(HANG_S);
}

static void end(Fixture *fixture)
{
    batch_free(fixture->batch);
    schedule_free(fixture->schedule);
    alarm(0);
}

// A stream that writes a token a step, each the one it was told last.
typedef struct Stream {
    Fixture *fixture;
    Turn turn;
    Cancel cancel;
    size_t place, number, steps;
    int32_t text[STEPS + 1];
    size_t looked, advanced;
    ScoutStatus status;
    ScoutError error;
    pthread_t thread;
} Stream;

static void stream_init(Stream *stream, Fixture *fixture, size_t number, SchedulePriority priority)
{
    *stream = (Stream){.fixture = fixture, .number = number};
    cancel_init(&stream->cancel);
    stream->turn = (Turn){.schedule = fixture->schedule,
                          .client = schedule_client(priority),
                          .cancel = &stream->cancel};
}

static void open_place(Stream *stream)
{
    Batch *batch = stream->fixture->batch;
    assert_int_equal(batch_take_place(batch, &stream->turn, &stream->place, NULL), SCOUT_OK);
    assert_int_equal(turn_step(&stream->turn, NULL), SCOUT_OK);
    batch_tidy(batch);
    float mel[FRAMES * 80];
    for (size_t i = 0; i < FRAMES * 80; i++)
        mel[i] = (float)(stream->number + i);
    WhisperEncoding *encoding = NULL;
    assert_int_equal(
        whisper_encoding_new(batch_run(batch), stream->place, mel, FRAMES, &encoding, NULL),
        SCOUT_OK);
    while (whisper_encoding_step(encoding))
        continue;
    whisper_encoding_free(encoding);
    whisper_sequence_start(batch_run(batch), batch_first_sequence(stream->place), stream->place);
    stream->text[0] = (int32_t)stream->number;
}

static void look(void *context, size_t row, float *logits)
{
    Stream *stream = context;
    assert_int_equal(row, 0);
    int32_t best = 0;
    for (int32_t i = 1; i < FAKE_TEXT; i++)
        best = logits[i] > logits[best] ? i : best;
    stream->text[stream->steps + 1] = best;
    stream->looked++;
}

static void advance(void *context)
{
    Stream *stream = context;
    assert_true(stream->looked == stream->advanced + 1);
    stream->advanced++;
    stream->steps++;
}

static ScoutStatus step(Stream *stream)
{
    WhisperRow row = {batch_first_sequence(stream->place), stream->text[stream->steps], true};
    BatchRows rows = {
        .rows = &row, .count = 1, .look = look, .advance = advance, .context = stream};
    return batch_decode(stream->fixture->batch, &stream->turn, &rows, &stream->error);
}

static void close_place(Stream *stream)
{
    turn_leave(&stream->turn);
    batch_return_place(stream->fixture->batch, stream->place, NULL);
}

static void *write_text(void *context)
{
    Stream *stream = context;
    open_place(stream);
    while (stream->steps < STEPS && stream->status == SCOUT_OK) {
        if (stream->steps % 3 == stream->number % 3)
            turn_leave(&stream->turn);
        stream->status = step(stream);
    }
    close_place(stream);
    return NULL;
}

static void many_together_write_what_each_writes_alone(void **state)
{
    (void)state;
    int32_t alone[STREAMS][STEPS + 1];
    for (size_t i = 0; i < STREAMS; i++) {
        Fixture fixture;
        Stream stream;
        begin(&fixture);
        stream_init(&stream, &fixture, i, SCHEDULE_NORMAL);
        write_text(&stream);
        assert_int_equal(stream.status, SCOUT_OK);
        memcpy(alone[i], stream.text, sizeof alone[i]);
        end(&fixture);
    }
    for (size_t round = 0; round < 20; round++) {
        Fixture fixture;
        Stream streams[STREAMS];
        begin(&fixture);
        for (size_t i = 0; i < STREAMS; i++) {
            stream_init(&streams[i], &fixture, i, SCHEDULE_NORMAL);
            assert_int_equal(pthread_create(&streams[i].thread, NULL, write_text, &streams[i]), 0);
        }
        for (size_t i = 0; i < STREAMS; i++)
            pthread_join(streams[i].thread, NULL);
        for (size_t i = 0; i < STREAMS; i++) {
            assert_int_equal(streams[i].status, SCOUT_OK);
            assert_memory_equal(streams[i].text, alone[i], sizeof alone[i]);
        }
        end(&fixture);
    }
}

static void *one_step(void *context)
{
    Stream *stream = context;
    stream->status = step(stream);
    return NULL;
}

static const int64_t CLAIM_NS = 1000000000, AHEAD_NS = 50000000;

// The holder goes on, whatever time has passed, and the others may join it.
static ScoutStatus step_with_others(Stream *holder)
{
    (void)schedule_is_wanted(holder->fixture->schedule, &holder->turn.client); // up to now
    holder->turn.client.served_ns = CLAIM_NS - AHEAD_NS;
    return step(holder);
}

// All streams but the first wait with their rows for the first, which has the turn.
static void queue_up(Fixture *fixture, Stream *streams)
{
    begin(fixture);
    for (size_t i = 0; i < STREAMS; i++) {
        stream_init(&streams[i], fixture, i, SCHEDULE_NORMAL);
        open_place(&streams[i]);
        turn_leave(&streams[i].turn);
    }
    assert_int_equal(turn_step(&streams[0].turn, NULL), SCOUT_OK);
    for (size_t i = 1; i < STREAMS; i++) {
        streams[i].turn.client.served_ns = CLAIM_NS;
        assert_int_equal(pthread_create(&streams[i].thread, NULL, one_step, &streams[i]), 0);
    }
    clock_sleep_ms(SETTLE_MS);
    fixture->model.decode_calls = fixture->model.decode_rows = 0;
}

static void end_queue(Fixture *fixture, Stream *streams)
{
    turn_leave(&streams[0].turn);
    for (size_t i = 1; i < STREAMS; i++)
        pthread_join(streams[i].thread, NULL);
    for (size_t i = 0; i < STREAMS; i++)
        close_place(&streams[i]);
    end(fixture);
}

static void rows_that_wait_take_one_pass(void **state)
{
    (void)state;
    Fixture fixture;
    Stream streams[STREAMS];
    queue_up(&fixture, streams);
    assert_int_equal(step_with_others(&streams[0]), SCOUT_OK);
    assert_int_equal(fixture.model.decode_calls, 1);
    assert_int_equal(fixture.model.decode_rows, STREAMS);
    for (size_t i = 0; i < STREAMS; i++)
        assert_int_equal(streams[i].advanced, 1);
    end_queue(&fixture, streams);
    for (size_t i = 0; i < STREAMS; i++)
        assert_int_equal(streams[i].status, SCOUT_OK);
}

// The pass of all fails, each of their own works.
static void a_pass_that_fails_is_made_by_each_alone(void **state)
{
    (void)state;
    Fixture fixture;
    Stream streams[STREAMS];
    queue_up(&fixture, streams);
    fixture.model.calls_until_failure = 1;
    assert_int_equal(step_with_others(&streams[0]), SCOUT_OK);
    assert_int_equal(fixture.model.decode_calls, 1 + STREAMS);
    end_queue(&fixture, streams);
    for (size_t i = 0; i < STREAMS; i++) {
        assert_int_equal(streams[i].status, SCOUT_OK);
        assert_int_equal(streams[i].advanced, 1);
    }
}

static void one_that_fails_harms_no_other(void **state)
{
    (void)state;
    for (size_t bad = 0; bad < STREAMS; bad++) {
        Fixture fixture;
        Stream streams[STREAMS];
        queue_up(&fixture, streams);
        WhisperRun *run = batch_run(fixture.batch);
        const size_t sequence = batch_first_sequence(streams[bad].place);
        for (size_t i = 0; i < POSITIONS_MAX; i++) {
            WhisperRow row = {sequence, 1, false};
            assert_int_equal(whisper_decode(run, &row, 1, NULL, NULL), SCOUT_OK);
        }
        streams[0].status = step_with_others(&streams[0]);
        end_queue(&fixture, streams);
        for (size_t i = 0; i < STREAMS; i++) {
            assert_int_equal(streams[i].status, i == bad ? SCOUT_ERROR_LIMIT : SCOUT_OK);
            assert_int_equal(streams[i].advanced, i == bad ? 0 : 1);
            assert_int_equal(streams[i].error.message[0] != '\0', i == bad);
        }
    }
}

static void who_waits_to_decode_can_be_cancelled(void **state)
{
    (void)state;
    Fixture fixture;
    Stream streams[STREAMS];
    queue_up(&fixture, streams);
    cancel_raise(&streams[2].cancel);
    pthread_join(streams[2].thread, NULL); // though another has the turn
    assert_int_equal(streams[2].status, SCOUT_ERROR_CANCELLED);
    assert_int_equal(streams[2].advanced, 0);
    assert_int_equal(step(&streams[2]), SCOUT_ERROR_CANCELLED);
    assert_int_equal(step_with_others(&streams[0]), SCOUT_OK);
    assert_int_equal(fixture.model.decode_rows, STREAMS - 1);
    assert_int_equal(pthread_create(&streams[2].thread, NULL, one_step, &streams[2]), 0);
    end_queue(&fixture, streams);
}

// ------------------------------------------------------------------------------------------ places

// Takes places for that priority as long as there are some; returns how many.
static size_t take_all(Fixture *fixture, SchedulePriority priority, size_t *places, size_t most)
{
    Stream stream;
    size_t count = 0;
    for (; count < most; count++) {
        stream_init(&stream, fixture, 0, priority);
        cancel_raise(&stream.cancel); // so that it does not wait
        if (batch_take_place(fixture->batch, &stream.turn, &places[count], NULL) != SCOUT_OK)
            return count;
    }
    return count;
}

static void some_places_are_kept_for_better_claims(void **state)
{
    (void)state;
    Fixture fixture;
    size_t places[BATCH_PLACES_MAX];
    begin(&fixture);
    size_t count = 0;
    while (batch_try_place(fixture.batch, &places[count])) // later windows
        count++;
    const size_t later = count;
    count += take_all(&fixture, SCHEDULE_BACKGROUND, places + count, BATCH_PLACES_MAX - count);
    const size_t background = count;
    count += take_all(&fixture, SCHEDULE_NORMAL, places + count, BATCH_PLACES_MAX - count);
    const size_t normal = count;
    count += take_all(&fixture, SCHEDULE_LIVE, places + count, BATCH_PLACES_MAX - count);
    assert_true(later >= BATCH_PLACES_MAX / 2 && later < background);
    assert_true(background < normal && normal < count);
    assert_int_equal(count, BATCH_PLACES_MAX);
    bool seen[BATCH_PLACES_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        assert_true(places[i] < BATCH_PLACES_MAX && !seen[places[i]]);
        seen[places[i]] = true;
        batch_return_place(fixture.batch, places[i], NULL);
    }
    end(&fixture);
}

static void *take_one(void *context)
{
    Stream *stream = context;
    stream->status = batch_take_place(stream->fixture->batch, &stream->turn, &stream->place, NULL);
    return NULL;
}

static void those_who_wait_for_a_place_get_it_in_order(void **state)
{
    (void)state;
    static const SchedulePriority PRIORITIES[] = {SCHEDULE_NORMAL, SCHEDULE_NORMAL, SCHEDULE_LIVE,
                                                  SCHEDULE_NORMAL};
    static const size_t ORDER[] = {2, 0, 3}; // the second gives up
    Fixture fixture;
    size_t places[BATCH_PLACES_MAX], spare;
    Stream waiting[4];
    begin(&fixture);
    assert_int_equal(take_all(&fixture, SCHEDULE_LIVE, places, BATCH_PLACES_MAX), BATCH_PLACES_MAX);
    for (size_t i = 0; i < 4; i++) {
        stream_init(&waiting[i], &fixture, i, PRIORITIES[i]);
        waiting[i].place = SIZE_MAX;
        assert_int_equal(pthread_create(&waiting[i].thread, NULL, take_one, &waiting[i]), 0);
        clock_sleep_ms(SETTLE_MS);
    }
    cancel_raise(&waiting[1].cancel);
    pthread_join(waiting[1].thread, NULL);
    assert_int_equal(waiting[1].status, SCOUT_ERROR_CANCELLED);
    assert_false(batch_try_place(fixture.batch, &spare));
    size_t returned = 0;
    for (size_t i = 0; i < 3; i++) {
        // Normal ones leave some free for live ones.
        const size_t enough = i == 0 ? 1 : i == 1 ? 9 : 1;
        for (size_t n = 0; n < enough; n++)
            batch_return_place(fixture.batch, places[returned++], NULL);
        Stream *next = &waiting[ORDER[i]];
        pthread_join(next->thread, NULL);
        assert_int_equal(next->status, SCOUT_OK);
        assert_true(next->place < BATCH_PLACES_MAX);
    }
    for (; returned < BATCH_PLACES_MAX; returned++)
        batch_return_place(fixture.batch, places[returned], NULL);
    for (size_t i = 0; i < 3; i++)
        batch_return_place(fixture.batch, waiting[ORDER[i]].place, NULL);
    end(&fixture);
}

// Returned in the middle of an encoding, without the turn: the next one finds it empty.
static void a_place_is_returned_as_it_is(void **state)
{
    (void)state;
    Fixture fixture;
    Stream first, second;
    begin(&fixture);
    stream_init(&first, &fixture, 1, SCHEDULE_NORMAL);
    open_place(&first);
    assert_int_equal(step(&first), SCOUT_OK);
    float mel[FRAMES * 80] = {0};
    WhisperEncoding *encoding = NULL;
    WhisperRun *run = batch_run(fixture.batch);
    assert_int_equal(whisper_encoding_new(run, first.place, mel, FRAMES, &encoding, NULL),
                     SCOUT_OK);
    assert_true(whisper_encoding_step(encoding));
    turn_leave(&first.turn);
    batch_return_place(fixture.batch, first.place, encoding);
    stream_init(&second, &fixture, 2, SCHEDULE_NORMAL);
    open_place(&second);
    assert_int_equal(second.place, first.place);
    assert_int_equal(whisper_sequence_length(run, batch_first_sequence(second.place)), 0);
    assert_int_equal(step(&second), SCOUT_OK);
    close_place(&second);
    // Nobody takes it again: the batch frees what it holds.
    assert_true(batch_try_place(fixture.batch, &first.place));
    assert_int_equal(whisper_encoding_new(run, first.place, mel, FRAMES, &encoding, NULL),
                     SCOUT_OK);
    batch_return_place(fixture.batch, first.place, encoding);
    batch_rest(fixture.batch);
    end(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_together_write_what_each_writes_alone),
        cmocka_unit_test(rows_that_wait_take_one_pass),
        cmocka_unit_test(a_pass_that_fails_is_made_by_each_alone),
        cmocka_unit_test(one_that_fails_harms_no_other),
        cmocka_unit_test(who_waits_to_decode_can_be_cancelled),
        cmocka_unit_test(some_places_are_kept_for_better_claims),
        cmocka_unit_test(those_who_wait_for_a_place_get_it_in_order),
        cmocka_unit_test(a_place_is_returned_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
