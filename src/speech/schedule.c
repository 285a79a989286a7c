// The turn as a list of waiters, each with its own condition: leaving hands the turn to the one
// with the best claim, so that nobody overtakes and only one thread wakes. The list is as long as
// there are streams at work at once, so it is searched from end to end.
#include "speech/schedule.h"

#include <assert.h>
#include <pthread.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/memory.h"

// What a stream that comes anew has over those that are at work already.
static const int64_t CREDIT_NS = 1000000000;
// Equals take turns of about this length; one that is served less by no more does not interrupt.
static const int64_t QUANTUM_NS = 4000000;
// Who was served less than another by more than this is not held up by the other's work.
static const int64_t TOGETHER_NS = 100000000;
// Those who were served together come back after this time, if they do.
static const int64_t RETURN_NS = 60000;

typedef struct Waiter {
    struct Waiter *next;
    pthread_cond_t changed;
    ScheduleClient *client;
    ScheduleErrand *errand; // NULL: wants the turn itself
    bool granted, served;
} Waiter;

struct Schedule {
    pthread_mutex_t mutex;
    Waiter *first, *last; // those who wait, longest first
    bool held;
    int64_t since_ns; // the time that nobody was charged with yet begins here
    // What the client at work was served, for each priority: where newcomers begin, less the
    // credit.
    int64_t clock_ns[SCHEDULE_PRIORITIES];
    const void *gathered_kind; // of the last common work, and how many had a part in it
    size_t gathered;
};

ScoutStatus schedule_new(Schedule **schedule, ScoutError *error)
{
    Schedule *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    int failed = pthread_mutex_init(&made->mutex, NULL);
    if (failed) {
        mem_free(made);
        return error_set_errno(error, failed, "cannot make the schedule's lock");
    }
    *schedule = made;
    return SCOUT_OK;
}

void schedule_free(Schedule *schedule)
{
    if (!schedule)
        return;
    assert(!schedule->first && !schedule->held);
    pthread_mutex_destroy(&schedule->mutex);
    mem_free(schedule);
}

ScheduleClient schedule_client(SchedulePriority priority)
{
    return (ScheduleClient){.priority = priority};
}

// Whether a has a better claim than b; those who wait ask in the order they came.
static bool comes_before(const ScheduleClient *a, const ScheduleClient *b)
{
    if (a->priority != b->priority)
        return a->priority < b->priority;
    return a->served_ns < b->served_ns;
}

// The mutex is held, in all that follows up to the public functions.

// A client that was away has no claim for the time it did not want to be served.
static void welcome(const Schedule *schedule, ScheduleClient *client)
{
    const int64_t least = schedule->clock_ns[client->priority] - CREDIT_NS;
    client->served_ns = client->known ? BASE_MAX(client->served_ns, least) : least;
    client->known = true;
}

static void follow(Schedule *schedule, const ScheduleClient *client)
{
    int64_t *clock = &schedule->clock_ns[client->priority];
    *clock = BASE_MAX(*clock, client->served_ns);
}

static void begin_turn(Schedule *schedule, const ScheduleClient *client)
{
    schedule->held = true;
    schedule->since_ns = clock_monotonic_ns();
    follow(schedule, client);
}

// Charges the holder with the time that passed; returns it.
static int64_t take_time(Schedule *schedule)
{
    const int64_t now = clock_monotonic_ns();
    const int64_t passed = now - schedule->since_ns;
    schedule->since_ns = now;
    return passed;
}

static void charge(Schedule *schedule, ScheduleClient *client, int64_t time_ns)
{
    client->served_ns += time_ns;
    follow(schedule, client);
}

static void add_waiter(Schedule *schedule, Waiter *waiter)
{
    if (schedule->last)
        schedule->last->next = waiter;
    else
        schedule->first = waiter;
    schedule->last = waiter;
}

// previous is the one before it; NULL for the first.
static void remove_waiter(Schedule *schedule, Waiter *previous, Waiter *waiter)
{
    if (previous)
        previous->next = waiter->next;
    else
        schedule->first = waiter->next;
    if (schedule->last == waiter)
        schedule->last = previous;
    waiter->next = NULL;
}

static Waiter *best_waiter(const Schedule *schedule, Waiter **previous)
{
    Waiter *best = schedule->first;
    *previous = NULL;
    for (Waiter *before = best; before && before->next; before = before->next) {
        if (comes_before(before->next->client, best->client)) {
            *previous = before;
            best = before->next;
        }
    }
    return best;
}

static void pass_on(Schedule *schedule)
{
    Waiter *previous;
    Waiter *next = best_waiter(schedule, &previous);
    if (!next) {
        schedule->held = false;
        return;
    }
    remove_waiter(schedule, previous, next);
    begin_turn(schedule, next->client);
    next->granted = true;
    // Under the mutex: the waiter lives on its thread's stack only until it has seen `granted`.
    pthread_cond_signal(&next->changed);
}

bool schedule_enter(Schedule *schedule, ScheduleClient *client, ScheduleErrand *errand)
{
    pthread_mutex_lock(&schedule->mutex);
    welcome(schedule, client);
    if (!schedule->held) {
        begin_turn(schedule, client);
        pthread_mutex_unlock(&schedule->mutex);
        return true;
    }
    Waiter me = {.changed = PTHREAD_COND_INITIALIZER, .client = client, .errand = errand};
    if (errand) {
        errand->client = client;
        errand->waiter = &me;
    }
    add_waiter(schedule, &me);
    while (!me.granted && !me.served)
        pthread_cond_wait(&me.changed, &schedule->mutex);
    pthread_mutex_unlock(&schedule->mutex);
    pthread_cond_destroy(&me.changed);
    return me.granted;
}

void schedule_leave(Schedule *schedule, ScheduleClient *client)
{
    pthread_mutex_lock(&schedule->mutex);
    charge(schedule, client, take_time(schedule));
    pass_on(schedule);
    pthread_mutex_unlock(&schedule->mutex);
}

bool schedule_is_wanted(Schedule *schedule, ScheduleClient *client)
{
    pthread_mutex_lock(&schedule->mutex);
    charge(schedule, client, take_time(schedule));
    Waiter *previous;
    const Waiter *best = best_waiter(schedule, &previous);
    bool wanted = best && (best->client->priority < client->priority ||
                           (best->client->priority == client->priority &&
                            best->client->served_ns + QUANTUM_NS <= client->served_ns));
    pthread_mutex_unlock(&schedule->mutex);
    return wanted;
}

static bool may_join(const Waiter *waiter, const ScheduleClient *holder, const void *kind,
                     size_t room)
{
    const ScheduleErrand *errand = waiter->errand;
    return errand && errand->kind == kind && errand->size <= room &&
           waiter->client->priority == holder->priority &&
           waiter->client->served_ns <= holder->served_ns + TOGETHER_NS;
}

static size_t count_joining(const Schedule *schedule, const ScheduleClient *holder,
                            const void *kind, size_t room)
{
    size_t count = 0;
    for (const Waiter *waiter = schedule->first; waiter; waiter = waiter->next)
        count += may_join(waiter, holder, kind, room);
    return count;
}

// Gives those who had a part in the last work the moment that they need to come back.
static void await_return(Schedule *schedule, const ScheduleClient *holder, const void *kind,
                         size_t room)
{
    if (schedule->gathered_kind != kind)
        return;
    const int64_t until = clock_monotonic_ns() + RETURN_NS;
    while (count_joining(schedule, holder, kind, room) < schedule->gathered &&
           clock_monotonic_ns() < until) {
        pthread_mutex_unlock(&schedule->mutex);
        BASE_CPU_RELAX();
        pthread_mutex_lock(&schedule->mutex);
    }
}

ScheduleErrand *schedule_gather(Schedule *schedule, ScheduleClient *client, const void *kind,
                                size_t room, size_t most)
{
    ScheduleErrand *found = NULL;
    ScheduleErrand **end = &found;
    pthread_mutex_lock(&schedule->mutex);
    await_return(schedule, client, kind, room);
    schedule->gathered_kind = kind;
    schedule->gathered = 0;
    Waiter *previous = NULL;
    for (Waiter *waiter = schedule->first; waiter;) {
        Waiter *next = waiter->next;
        if (schedule->gathered < most && may_join(waiter, client, kind, room)) {
            remove_waiter(schedule, previous, waiter);
            room -= waiter->errand->size;
            waiter->errand->next = NULL;
            *end = waiter->errand;
            end = &waiter->errand->next;
            schedule->gathered++;
        } else {
            previous = waiter;
        }
        waiter = next;
    }
    pthread_mutex_unlock(&schedule->mutex);
    return found;
}

void schedule_done(Schedule *schedule, ScheduleClient *client, size_t size, ScheduleErrand *errands)
{
    size_t total = size;
    for (const ScheduleErrand *errand = errands; errand; errand = errand->next)
        total += errand->size;
    pthread_mutex_lock(&schedule->mutex);
    const int64_t passed = take_time(schedule);
    const int64_t part = passed / (int64_t)BASE_MAX(total, (size_t)1);
    charge(schedule, client, part * (int64_t)size);
    for (ScheduleErrand *errand = errands; errand;) {
        ScheduleErrand *next = errand->next; // its owner goes on as soon as it is served
        charge(schedule, errand->client, part * (int64_t)errand->size);
        Waiter *waiter = errand->waiter;
        waiter->served = true;
        pthread_cond_signal(&waiter->changed);
        errand = next;
    }
    pthread_mutex_unlock(&schedule->mutex);
}
