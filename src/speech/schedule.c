// The turn as a list of waiters, each with its own condition: leaving hands the turn to the one
// with the best claim, so that nobody overtakes and only one thread wakes. The list is as long as
// there are streams at work at once, so it is searched from end to end.
#include "speech/schedule.h"

#include <assert.h>
#include <pthread.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/memory.h"

// What a stream that comes anew has over those that are at work already.
static const int64_t CREDIT_NS = 1000000000;
// Equals take turns of about this length; one that is served less by no more does not interrupt.
static const int64_t QUANTUM_NS = 4000000;
// Who was served less than another by more than this is not held up by the other's work.
static const int64_t TOGETHER_NS = 100000000;
// Those who were served together come back after this time, if they do.
static const int64_t RETURN_NS = 60000;

typedef enum WaiterState {
    WAITER_LISTED,
    WAITER_TAKEN, // the holder does its errand
    WAITER_SERVED,
    WAITER_GRANTED
} WaiterState;

typedef struct Waiter {
    struct Waiter *next;
    pthread_cond_t changed;
    ScheduleClient *client;
    ScheduleErrand *errand; // NULL: wants the turn itself
    WaiterState state;
} Waiter;

struct Schedule {
    pthread_mutex_t mutex;
    Waiter *first, *last; // those who wait, longest first
    bool held;
    int64_t since_ns; // the time that nobody was charged with yet begins here
    // For each priority, where newcomers begin, less the credit: as far as the one that was served
    // least of those at work; and it moves on at half the pace of a fair share even while that one
    // is not served, so that newcomers without end do not stay ahead of it. (A slow relative of the
    // virtual time of fair queueing: at its full pace, nobody at work would ever catch up with it,
    // and later newcomers would have nothing ahead of them.)
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

static void begin_turn(Schedule *schedule)
{
    schedule->held = true;
    schedule->since_ns = clock_monotonic_ns();
}

// The time since somebody was charged last.
static int64_t take_time(Schedule *schedule)
{
    const int64_t now = clock_monotonic_ns();
    const int64_t passed = now - schedule->since_ns;
    schedule->since_ns = now;
    return passed;
}

// Those who want to be served at some priority.
typedef struct Crowd {
    SchedulePriority priority;
    int64_t count, least_ns; // least_ns: what the one was served that was served least
} Crowd;

static void count_in(Crowd *crowd, const ScheduleClient *client)
{
    if (client->priority != crowd->priority)
        return;
    crowd->least_ns =
        crowd->count > 0 ? BASE_MIN(crowd->least_ns, client->served_ns) : client->served_ns;
    crowd->count++;
}

// The holder's priority was served for that time, along with those errands.
static void move_clock(Schedule *schedule, const ScheduleClient *holder,
                       const ScheduleErrand *errands, int64_t time_ns)
{
    Crowd crowd = {.priority = holder->priority};
    count_in(&crowd, holder);
    for (const ScheduleErrand *errand = errands; errand; errand = errand->next)
        count_in(&crowd, errand->client);
    for (const Waiter *waiter = schedule->first; waiter; waiter = waiter->next)
        count_in(&crowd, waiter->client);
    int64_t *clock = &schedule->clock_ns[holder->priority];
    *clock = BASE_MAX(*clock + time_ns / (2 * crowd.count), crowd.least_ns);
}

// Charges the holder with the time that passed.
static void charge_holder(Schedule *schedule, ScheduleClient *client)
{
    const int64_t time_ns = take_time(schedule);
    client->served_ns += time_ns;
    move_clock(schedule, client, NULL, time_ns);
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
    begin_turn(schedule);
    next->state = WAITER_GRANTED;
    // Under the mutex: the waiter lives on its thread's stack only until it has seen its state.
    pthread_cond_signal(&next->changed);
}

// Waits until the waiter is granted the turn or served, or gives up: then it is off the list.
static void await_change(Schedule *schedule, Waiter *waiter, const Cancel *cancel)
{
    while (waiter->state == WAITER_LISTED || waiter->state == WAITER_TAKEN) {
        if (waiter->state == WAITER_LISTED && cancel_is_raised(cancel)) {
            Waiter *previous = NULL;
            for (Waiter *at = schedule->first; at != waiter; at = at->next)
                previous = at;
            remove_waiter(schedule, previous, waiter);
            return;
        }
        condition_wait(&waiter->changed, &schedule->mutex,
                       waiter->state == WAITER_LISTED ? cancel : NULL);
    }
}

ScheduleEntry schedule_enter(Schedule *schedule, ScheduleClient *client, ScheduleErrand *errand,
                             const Cancel *cancel)
{
    pthread_mutex_lock(&schedule->mutex);
    welcome(schedule, client);
    if (!schedule->held) {
        begin_turn(schedule);
        pthread_mutex_unlock(&schedule->mutex);
        return SCHEDULE_HELD;
    }
    Waiter me = {.client = client, .errand = errand};
    condition_init(&me.changed);
    if (errand) {
        errand->client = client;
        errand->waiter = &me;
    }
    add_waiter(schedule, &me);
    await_change(schedule, &me, cancel);
    pthread_mutex_unlock(&schedule->mutex);
    pthread_cond_destroy(&me.changed);
    switch (me.state) {
    case WAITER_GRANTED: return SCHEDULE_HELD;
    case WAITER_SERVED: return SCHEDULE_SERVED;
    default: return SCHEDULE_CANCELLED;
    }
}

void schedule_leave(Schedule *schedule, ScheduleClient *client)
{
    pthread_mutex_lock(&schedule->mutex);
    charge_holder(schedule, client);
    pass_on(schedule);
    pthread_mutex_unlock(&schedule->mutex);
}

bool schedule_is_wanted(Schedule *schedule, ScheduleClient *client)
{
    pthread_mutex_lock(&schedule->mutex);
    charge_holder(schedule, client);
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
    if (!errand || errand->kind != kind || errand->size > room)
        return false;
    const ScheduleClient *client = waiter->client;
    return client->priority < holder->priority ||
           (client->priority == holder->priority &&
            client->served_ns <= holder->served_ns + TOGETHER_NS);
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
            waiter->state = WAITER_TAKEN;
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
    client->served_ns += part * (int64_t)size;
    for (const ScheduleErrand *errand = errands; errand; errand = errand->next)
        errand->client->served_ns += part * (int64_t)errand->size;
    move_clock(schedule, client, errands, passed);
    for (ScheduleErrand *errand = errands; errand;) {
        ScheduleErrand *next = errand->next; // its owner goes on as soon as it is served
        Waiter *waiter = errand->waiter;
        waiter->state = WAITER_SERVED;
        pthread_cond_signal(&waiter->changed);
        errand = next;
    }
    pthread_mutex_unlock(&schedule->mutex);
}
