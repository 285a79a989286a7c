// Whose turn it is: priorities, least served first, newcomers ahead but only so far, errands done
// by the holder, and those who give up waiting.
#include "speech/schedule.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"

enum { THREADS = 6, ROUNDS = 300, SETTLE_MS = 30, HANG_S = 30 };

static const int64_t MS = 1000000, S = 1000000000;

static Schedule *schedule_made(void)
{
    Schedule *schedule = NULL;
    assert_int_equal(schedule_new(&schedule, NULL), SCOUT_OK);
    alarm(HANG_S);
    return schedule;
}

static void schedule_ended(Schedule *schedule)
{
    schedule_free(schedule);
    alarm(0);
}

// A client that has been served so much.
static ScheduleClient veteran(SchedulePriority priority, int64_t served_ns)
{
    ScheduleClient client = schedule_client(priority);
    client.known = true;
    client.served_ns = served_ns;
    return client;
}

static void enter_held(Schedule *schedule, ScheduleClient *client)
{
    assert_int_equal(schedule_enter(schedule, client, NULL, NULL), SCHEDULE_HELD);
}

// One that asks for the turn on a thread of its own, and leaves as soon as it has it.
typedef struct Visitor {
    Schedule *schedule;
    ScheduleClient client;
    ScheduleErrand *errand;
    const Cancel *cancel;
    size_t *arrived; // guarded by the turn
    size_t place;    // among those who had the turn
    ScheduleEntry entry;
    pthread_t thread;
} Visitor;

static void *visit(void *context)
{
    Visitor *visitor = context;
    visitor->entry =
        schedule_enter(visitor->schedule, &visitor->client, visitor->errand, visitor->cancel);
    if (visitor->entry == SCHEDULE_HELD) {
        visitor->place = (*visitor->arrived)++;
        schedule_leave(visitor->schedule, &visitor->client);
    }
    return NULL;
}

// The turn is held; afterwards the visitor waits for it.
static void visitor_start(Visitor *visitor)
{
    assert_int_equal(pthread_create(&visitor->thread, NULL, visit, visitor), 0);
    clock_sleep_ms(SETTLE_MS);
}

static void visitor_join(Visitor *visitor)
{
    assert_int_equal(pthread_join(visitor->thread, NULL), 0);
}

// Lets visitors queue in this order behind a holder, then go.
static void queue_up(Visitor *visitors, size_t count)
{
    Schedule *schedule = schedule_made();
    ScheduleClient holder = veteran(SCHEDULE_LIVE, 0);
    size_t arrived = 0;
    enter_held(schedule, &holder);
    for (size_t i = 0; i < count; i++) {
        visitors[i].schedule = schedule;
        visitors[i].arrived = &arrived;
        visitor_start(&visitors[i]);
    }
    schedule_leave(schedule, &holder);
    for (size_t i = 0; i < count; i++)
        visitor_join(&visitors[i]);
    assert_int_equal(arrived, count);
    schedule_ended(schedule);
}

// ------------------------------------------------------------------------------------------- turns

typedef struct Shared {
    Schedule *schedule;
    int inside;  // guarded by the turn
    long visits; // likewise
} Shared;

static void *visit_often(void *context)
{
    Shared *shared = context;
    ScheduleClient client = schedule_client(SCHEDULE_NORMAL);
    for (size_t i = 0; i < ROUNDS; i++) {
        if (schedule_enter(shared->schedule, &client, NULL, NULL) != SCHEDULE_HELD)
            return NULL;
        shared->inside++;
        if (shared->inside == 1)
            shared->visits++;
        shared->inside--;
        schedule_leave(shared->schedule, &client);
    }
    return NULL;
}

static void one_at_a_time(void **state)
{
    (void)state;
    Shared shared = {.schedule = schedule_made()};
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, visit_often, &shared), 0);
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(shared.visits, THREADS * ROUNDS);
    schedule_ended(shared.schedule);
    schedule_free(NULL);
}

static void equals_come_in_their_order(void **state)
{
    (void)state;
    Visitor visitors[THREADS] = {0};
    for (size_t i = 0; i < THREADS; i++)
        visitors[i].client = schedule_client(SCHEDULE_NORMAL);
    queue_up(visitors, THREADS);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(visitors[i].place, i);
}

static void the_better_priority_comes_first(void **state)
{
    (void)state;
    Visitor visitors[] = {{.client = veteran(SCHEDULE_BACKGROUND, 0)},
                          {.client = veteran(SCHEDULE_NORMAL, 5 * S)},
                          {.client = veteran(SCHEDULE_LIVE, 9 * S)},
                          {.client = veteran(SCHEDULE_NORMAL, 7 * S)}};
    queue_up(visitors, 4);
    assert_int_equal(visitors[2].place, 0);
    assert_int_equal(visitors[1].place, 1);
    assert_int_equal(visitors[3].place, 2);
    assert_int_equal(visitors[0].place, 3);
}

static void who_was_served_least_comes_first(void **state)
{
    (void)state;
    Visitor visitors[] = {{.client = veteran(SCHEDULE_NORMAL, 50 * MS)},
                          {.client = veteran(SCHEDULE_NORMAL, 10 * MS)},
                          {.client = veteran(SCHEDULE_NORMAL, 30 * MS)}};
    queue_up(visitors, 3);
    assert_int_equal(visitors[1].place, 0);
    assert_int_equal(visitors[2].place, 1);
    assert_int_equal(visitors[0].place, 2);
}

static void time_with_the_turn_is_charged(void **state)
{
    (void)state;
    Schedule *schedule = schedule_made();
    ScheduleClient client = schedule_client(SCHEDULE_NORMAL);
    enter_held(schedule, &client);
    const int64_t before = client.served_ns;
    clock_sleep_ms(20);
    assert_false(schedule_is_wanted(schedule, &client));
    assert_true(client.served_ns - before >= 20 * MS);
    clock_sleep_ms(20);
    schedule_leave(schedule, &client);
    assert_true(client.served_ns - before >= 40 * MS);
    const int64_t after = client.served_ns;
    clock_sleep_ms(20); // its own time
    enter_held(schedule, &client);
    assert_int_equal(client.served_ns, after);
    schedule_leave(schedule, &client);
    schedule_ended(schedule);
}

// Whether the holder of that standing had better leave for a visitor of this one.
static bool is_wanted_by(ScheduleClient holder, ScheduleClient client)
{
    Schedule *schedule = schedule_made();
    size_t arrived = 0;
    Visitor visitor = {.schedule = schedule, .client = client, .arrived = &arrived};
    enter_held(schedule, &holder);
    visitor_start(&visitor);
    const int64_t served_ns = holder.served_ns;
    bool wanted = schedule_is_wanted(schedule, &holder);
    assert_true(holder.served_ns - served_ns < S); // else this machine is too slow to tell
    schedule_leave(schedule, &holder);
    visitor_join(&visitor);
    schedule_ended(schedule);
    return wanted;
}

static void the_holder_goes_on_for_a_quantum(void **state)
{
    (void)state;
    const ScheduleClient holder = veteran(SCHEDULE_NORMAL, 5 * S);
    assert_false(is_wanted_by(holder, veteran(SCHEDULE_NORMAL, 7 * S)));
    assert_false(is_wanted_by(holder, veteran(SCHEDULE_BACKGROUND, 0)));
    assert_true(is_wanted_by(holder, veteran(SCHEDULE_NORMAL, 5 * S - 10 * MS)));
    assert_true(is_wanted_by(holder, veteran(SCHEDULE_LIVE, 7 * S)));
    Schedule *schedule = schedule_made();
    ScheduleClient client = veteran(SCHEDULE_NORMAL, 0);
    enter_held(schedule, &client);
    assert_false(schedule_is_wanted(schedule, &client)); // nobody waits
    schedule_leave(schedule, &client);
    schedule_ended(schedule);
}

// --------------------------------------------------------------------------------------- newcomers

// What a client counts as served when it comes, where others have been served 10 s.
static int64_t welcome(ScheduleClient client)
{
    Schedule *schedule = schedule_made();
    ScheduleClient old = veteran(SCHEDULE_NORMAL, 10 * S);
    enter_held(schedule, &old);
    schedule_leave(schedule, &old);
    enter_held(schedule, &client);
    const int64_t served_ns = client.served_ns;
    schedule_leave(schedule, &client);
    schedule_ended(schedule);
    return served_ns;
}

static void newcomers_are_a_second_ahead_and_nobody_saves_up_more(void **state)
{
    (void)state;
    int64_t fresh = welcome(schedule_client(SCHEDULE_NORMAL));
    assert_true(fresh >= 9 * S && fresh < 9 * S + 500 * MS);
    int64_t idle = welcome(veteran(SCHEDULE_NORMAL, 2 * S)); // was away for long
    assert_true(idle >= 9 * S && idle < 9 * S + 500 * MS);
    int64_t busy = welcome(veteran(SCHEDULE_NORMAL, 10 * S - 1));
    assert_int_equal(busy, 10 * S - 1);
    // Every priority has a measure of its own.
    int64_t live = welcome(schedule_client(SCHEDULE_LIVE));
    assert_true(live <= 0);
}

typedef struct Long {
    Schedule *schedule;
    ScheduleClient client;
    atomic_bool stop;
    atomic_size_t turns;
} Long;

static void *go_on(void *context)
{
    Long *work = context;
    while (!atomic_load(&work->stop)) {
        if (schedule_enter(work->schedule, &work->client, NULL, NULL) != SCHEDULE_HELD)
            return NULL;
        clock_sleep_ms(2);
        schedule_leave(work->schedule, &work->client);
        atomic_fetch_add(&work->turns, 1);
    }
    return NULL;
}

// One short stream after the other, each of which would be first: the long one still has its share.
static void newcomers_without_end_starve_nobody(void **state)
{
    (void)state;
    Schedule *schedule = schedule_made();
    Long work = {.schedule = schedule, .client = veteran(SCHEDULE_NORMAL, 10 * S)};
    ScheduleClient first = work.client;
    enter_held(schedule, &first);
    schedule_leave(schedule, &first);
    work.client.served_ns = 9 * S + 200 * MS; // so that its share is due soon
    ScheduleClient last = schedule_client(SCHEDULE_NORMAL);
    enter_held(schedule, &last);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, go_on, &work), 0);
    clock_sleep_ms(SETTLE_MS);
    const int64_t start_ns = clock_monotonic_ns();
    while (atomic_load(&work.turns) < 3 && clock_monotonic_ns() - start_ns < 5 * S) {
        // The next newcomer waits before the last one leaves, so that there always is one.
        size_t arrived = 0;
        Visitor next = {
            .schedule = schedule, .client = schedule_client(SCHEDULE_NORMAL), .arrived = &arrived};
        visitor_start(&next);
        schedule_leave(schedule, &last);
        last = schedule_client(SCHEDULE_NORMAL);
        enter_held(schedule, &last);
        visitor_join(&next);
    }
    schedule_leave(schedule, &last);
    atomic_store(&work.stop, true);
    pthread_join(thread, NULL);
    assert_true(atomic_load(&work.turns) >= 3);
    schedule_ended(schedule);
}

// A crowd that works side by side does not push newcomers back.
static void a_crowd_leaves_newcomers_ahead(void **state)
{
    (void)state;
    Schedule *schedule = schedule_made();
    ScheduleClient first = veteran(SCHEDULE_NORMAL, 10 * S);
    enter_held(schedule, &first);
    schedule_leave(schedule, &first);
    pthread_t threads[THREADS];
    Long works[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        works[i] = (Long){.schedule = schedule, .client = veteran(SCHEDULE_NORMAL, 10 * S)};
        assert_int_equal(pthread_create(&threads[i], NULL, go_on, &works[i]), 0);
    }
    clock_sleep_ms(400);
    ScheduleClient fresh = schedule_client(SCHEDULE_NORMAL);
    enter_held(schedule, &fresh);
    for (size_t i = 0; i < THREADS; i++)
        atomic_store(&works[i].stop, true);
    const int64_t served_ns = fresh.served_ns;
    schedule_leave(schedule, &fresh);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_true(works[i].client.served_ns > served_ns + S / 2);
        assert_true(works[i].client.served_ns < served_ns + 2 * S);
    }
    schedule_ended(schedule);
}

// ----------------------------------------------------------------------------------------- errands

enum { KIND, OTHER_KIND };

static const int kinds[] = {KIND, OTHER_KIND};

typedef struct Queue {
    Schedule *schedule;
    ScheduleClient holder;
    Visitor visitors[8];
    ScheduleErrand errands[8];
    size_t count, arrived;
} Queue;

static Queue *queue_begin(Queue *queue)
{
    *queue = (Queue){.schedule = schedule_made(), .holder = veteran(SCHEDULE_NORMAL, 5 * S)};
    enter_held(queue->schedule, &queue->holder);
    return queue;
}

static void queue_add(Queue *queue, SchedulePriority priority, int64_t served_ns, int kind,
                      size_t size)
{
    size_t at = queue->count++;
    queue->errands[at] = (ScheduleErrand){.kind = &kinds[kind], .size = size};
    queue->visitors[at] = (Visitor){.schedule = queue->schedule,
                                    .client = veteran(priority, served_ns),
                                    .errand = &queue->errands[at],
                                    .arrived = &queue->arrived};
    visitor_start(&queue->visitors[at]);
}

// Does the errands that are gathered; returns a bit for each.
static unsigned queue_serve(Queue *queue, size_t room, size_t most)
{
    ScheduleErrand *found =
        schedule_gather(queue->schedule, &queue->holder, &kinds[KIND], room, most);
    unsigned bits = 0;
    for (ScheduleErrand *errand = found; errand; errand = errand->next) {
        errand->status = SCOUT_ERROR_IO;
        bits |= 1U << (errand - queue->errands);
    }
    schedule_done(queue->schedule, &queue->holder, 1, found);
    return bits;
}

static void queue_end(Queue *queue, unsigned served)
{
    schedule_leave(queue->schedule, &queue->holder);
    for (size_t i = 0; i < queue->count; i++) {
        visitor_join(&queue->visitors[i]);
        bool done = served >> i & 1U;
        assert_int_equal(queue->visitors[i].entry, done ? SCHEDULE_SERVED : SCHEDULE_HELD);
        assert_int_equal(queue->errands[i].status, done ? SCOUT_ERROR_IO : SCOUT_OK);
    }
    schedule_ended(queue->schedule);
}

static void the_holder_does_errands_of_one_kind(void **state)
{
    (void)state;
    Queue *queue = queue_begin(&(Queue){0});
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 2);
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, OTHER_KIND, 2);
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 3);
    unsigned served = queue_serve(queue, 10, 10);
    assert_int_equal(served, 1U << 0 | 1U << 2);
    queue_end(queue, served);
}

static void errands_that_do_not_fit_wait(void **state)
{
    (void)state;
    Queue *queue = queue_begin(&(Queue){0});
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 4);
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 3); // no room for it any more
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 2);
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 0); // enough are done
    unsigned served = queue_serve(queue, 6, 2);
    assert_int_equal(served, 1U << 0 | 1U << 2);
    queue_end(queue, served);
}

static void errands_of_a_worse_claim_wait(void **state)
{
    (void)state;
    Queue *queue = queue_begin(&(Queue){0});
    queue_add(queue, SCHEDULE_BACKGROUND, 0, KIND, 1);
    queue_add(queue, SCHEDULE_NORMAL, 9 * S, KIND, 1);
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 1);
    queue_add(queue, SCHEDULE_LIVE, 9 * S, KIND, 1);
    unsigned served = queue_serve(queue, 10, 10);
    assert_int_equal(served, 1U << 2 | 1U << 3);
    queue_end(queue, served);
}

static void time_is_shared_by_size(void **state)
{
    (void)state;
    Queue *queue = queue_begin(&(Queue){0});
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 3);
    (void)schedule_is_wanted(queue->schedule, &queue->holder); // the time so far is the holder's
    const int64_t before = queue->holder.served_ns;
    ScheduleErrand *found = schedule_gather(queue->schedule, &queue->holder, &kinds[KIND], 9, 9);
    assert_ptr_equal(found, &queue->errands[0]);
    clock_sleep_ms(40);
    found->status = SCOUT_ERROR_IO;
    schedule_done(queue->schedule, &queue->holder, 1, found);
    const int64_t own = queue->holder.served_ns - before;
    queue_end(queue, 1);
    const int64_t other = queue->visitors[0].client.served_ns - 5 * S;
    assert_true(own >= 10 * MS && other >= 30 * MS);
    assert_true(other <= 3 * own && other >= 3 * own - 3);
}

static void who_gives_up_is_gone(void **state)
{
    (void)state;
    Queue *queue = queue_begin(&(Queue){0});
    Cancel cancel;
    cancel_init(&cancel);
    for (size_t i = 0; i < 3; i++)
        queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 1);
    Visitor leaving[2];
    for (size_t i = 0; i < 2; i++) {
        leaving[i] = (Visitor){.schedule = queue->schedule,
                               .client = veteran(SCHEDULE_NORMAL, 5 * S),
                               .errand = i ? &(ScheduleErrand){.kind = &kinds[KIND]} : NULL,
                               .cancel = &cancel};
        visitor_start(&leaving[i]);
    }
    queue_add(queue, SCHEDULE_NORMAL, 5 * S, KIND, 1);
    cancel_raise(&cancel);
    for (size_t i = 0; i < 2; i++) { // while the turn is held
        visitor_join(&leaving[i]);
        assert_int_equal(leaving[i].entry, SCHEDULE_CANCELLED);
    }
    unsigned served = queue_serve(queue, 10, 10);
    assert_int_equal(served, 15);
    queue_end(queue, served);
}

static void an_errand_that_was_begun_is_waited_for(void **state)
{
    (void)state;
    Queue *queue = queue_begin(&(Queue){0});
    Cancel cancel;
    cancel_init(&cancel);
    ScheduleErrand errand = {.kind = &kinds[KIND]};
    Visitor visitor = {.schedule = queue->schedule,
                       .client = veteran(SCHEDULE_NORMAL, 5 * S),
                       .errand = &errand,
                       .cancel = &cancel};
    visitor_start(&visitor);
    ScheduleErrand *found = schedule_gather(queue->schedule, &queue->holder, &kinds[KIND], 9, 9);
    assert_ptr_equal(found, &errand);
    cancel_raise(&cancel);
    clock_sleep_ms(2 * SETTLE_MS);
    schedule_done(queue->schedule, &queue->holder, 1, found);
    visitor_join(&visitor);
    assert_int_equal(visitor.entry, SCHEDULE_SERVED);
    queue_end(queue, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_at_a_time),
        cmocka_unit_test(equals_come_in_their_order),
        cmocka_unit_test(the_better_priority_comes_first),
        cmocka_unit_test(who_was_served_least_comes_first),
        cmocka_unit_test(time_with_the_turn_is_charged),
        cmocka_unit_test(the_holder_goes_on_for_a_quantum),
        cmocka_unit_test(newcomers_are_a_second_ahead_and_nobody_saves_up_more),
        cmocka_unit_test(newcomers_without_end_starve_nobody),
        cmocka_unit_test(a_crowd_leaves_newcomers_ahead),
        cmocka_unit_test(the_holder_does_errands_of_one_kind),
        cmocka_unit_test(errands_that_do_not_fit_wait),
        cmocka_unit_test(errands_of_a_worse_claim_wait),
        cmocka_unit_test(time_is_shared_by_size),
        cmocka_unit_test(who_gives_up_is_gone),
        cmocka_unit_test(an_errand_that_was_begun_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
