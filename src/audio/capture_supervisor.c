// The thread behind a capture: see capture_supervisor.h.
#include "capture_supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/str.h"

static const int64_t MS_NS = 1000000, SECOND_NS = 1000000000;

// ---- Its thread

// Waits, the lock held, until something changed or the time is over. False when the owner closes.
static bool wait_ms(Supervisor *supervisor, int ms)
{
    const int64_t until = clock_monotonic_ns() + ms * MS_NS;
    const struct timespec at = {.tv_sec = (time_t)(until / SECOND_NS),
                                .tv_nsec = (long)(until % SECOND_NS)};
    if (!supervisor->closing)
        (void)pthread_cond_timedwait(&supervisor->changed, &supervisor->lock, &at);
    return !supervisor->closing;
}

// The lock is held. Nothing that was said already is said again.
static void tell(Supervisor *supervisor, ScoutStatus status, const char *text)
{
    SupervisorProblem *problem = &supervisor->problem;
    if (problem->serial && problem->status == status && str_equal(problem->text, text))
        return;
    problem->serial++;
    problem->status = status;
    (void)str_copy(problem->text, sizeof problem->text, text);
    wake_post(supervisor->arrived);
}

static ScoutStatus open_with(Supervisor *supervisor, const CaptureDriver *driver, ScoutError *error)
{
    CaptureFeed *feed = NULL;
    ScoutStatus status = capture_feed_new(supervisor->arrived, &feed, error);
    if (status)
        return status;
    feed->live = driver->live;
    status = driver->open(&supervisor->options, feed, &supervisor->state, error);
    if (status) {
        supervisor->state = NULL;
        capture_feed_free(feed);
        return status;
    }
    supervisor->driver = driver;
    pthread_mutex_lock(&supervisor->lock);
    supervisor->open_feed = feed;
    pthread_mutex_unlock(&supervisor->lock);
    return SCOUT_OK;
}

// The lock is not held. What was opened once is not looked for elsewhere: a sound server that
// restarts would find its device taken by another driver.
static ScoutStatus open_any(Supervisor *supervisor, ScoutError *error)
{
    if (supervisor->driver)
        return open_with(supervisor, supervisor->driver, error);
    ScoutStatus first = open_with(supervisor, supervisor->candidates[0], error);
    for (size_t i = 1; first && i < supervisor->candidate_count; i++) {
        const CaptureDriver *next = supervisor->candidates[i];
        const bool there =
            !supervisor->candidates[i - 1]->answers || supervisor->candidates[i - 1]->answers();
        if (!there && open_with(supervisor, next, NULL) == SCOUT_OK)
            return SCOUT_OK;
    }
    return first;
}

// The lock is not held. After it the feed has an END. True if it ever gave frames.
static bool close_driver(Supervisor *supervisor, ScoutStatus status, const char *text)
{
    CaptureFeed *feed = supervisor->open_feed;
    atomic_store(&feed->closing, true);
    wake_post(&feed->room);
    supervisor->driver->close(supervisor->state);
    supervisor->state = NULL;
    capture_feed_end(feed, status, text);
    const bool ran = atomic_load(&feed->delivered_ns) != 0;
    pthread_mutex_lock(&supervisor->lock);
    supervisor->open_feed = NULL;
    const bool orphan = feed->orphan;
    pthread_mutex_unlock(&supervisor->lock);
    if (orphan)
        capture_feed_free(feed);
    return ran;
}

static void give_feed(Supervisor *supervisor)
{
    supervisor->feeds[supervisor->feed_count++] = supervisor->open_feed;
    wake_post(supervisor->arrived);
}

typedef enum Watch { WATCH_GOES_ON, WATCH_ENDED, WATCH_LOST, WATCH_STOPPED, WATCH_STALLED } Watch;

// What was heard until the stop is here, or will not come.
static bool tail_is_here(const Supervisor *supervisor, int64_t now)
{
    return atomic_load(&supervisor->open_feed->heard_ns) >= supervisor->stop_ns ||
           now > supervisor->stop_ns + SUPERVISOR_TAIL_MS * MS_NS;
}

// The lock is held.
static Watch look_at(Supervisor *supervisor, int64_t opened_ns)
{
    CaptureFeed *feed = supervisor->open_feed;
    const int64_t now = clock_monotonic_ns();
    const int64_t came = atomic_load(&feed->delivered_ns);
    const CaptureFeedEnd end = (CaptureFeedEnd)atomic_load(&feed->end);
    if (end != CAPTURE_FEED_GOES_ON)
        return end == CAPTURE_FEED_DONE ? WATCH_ENDED : WATCH_LOST;
    if (supervisor->stop_ns)
        return tail_is_here(supervisor, now) ? WATCH_STOPPED : WATCH_GOES_ON;
    if (came)
        return now - came > SUPERVISOR_STALL_MS * MS_NS ? WATCH_STALLED : WATCH_GOES_ON;
    if (now - opened_ns > SUPERVISOR_FIRST_MS * MS_NS) {
        char text[AUDIO_CAPTURE_TEXT_MAX];
        (void)snprintf(text, sizeof text,
                       "%s is open but gives no sound: it may be suspended or in use by another "
                       "program; check it in the sound settings, or choose another device",
                       feed->device);
        tell(supervisor, SCOUT_ERROR_TIMEOUT, text);
    }
    return now - opened_ns > SUPERVISOR_PATIENCE_MS * MS_NS ? WATCH_STALLED : WATCH_GOES_ON;
}

// The lock is held on both sides. Returns when the driver is closed; true if it ever gave frames.
static bool watch(Supervisor *supervisor)
{
    const int64_t opened_ns = clock_monotonic_ns();
    Watch seen = WATCH_GOES_ON;
    while (seen == WATCH_GOES_ON &&
           wait_ms(supervisor, supervisor->stop_ns ? SUPERVISOR_TAIL_LOOK_MS : SUPERVISOR_LOOK_MS))
        seen = look_at(supervisor, opened_ns);
    char text[AUDIO_CAPTURE_TEXT_MAX] = "";
    if (seen == WATCH_STALLED)
        (void)snprintf(text, sizeof text,
                       "%s stopped giving sound: it or the sound server hangs, or it was "
                       "suspended; it is opened again until it does",
                       supervisor->open_feed->device);
    supervisor->ended = seen == WATCH_ENDED;
    pthread_mutex_unlock(&supervisor->lock);
    const bool ran =
        close_driver(supervisor, seen == WATCH_STALLED ? SCOUT_ERROR_TIMEOUT : SCOUT_OK, text);
    pthread_mutex_lock(&supervisor->lock);
    return ran;
}

// The lock is held on both sides.
static ScoutStatus open_unlocked(Supervisor *supervisor, ScoutError *error)
{
    pthread_mutex_unlock(&supervisor->lock);
    ScoutStatus status = open_any(supervisor, error);
    pthread_mutex_lock(&supervisor->lock);
    return status;
}

static bool goes_on(const Supervisor *supervisor)
{
    return !supervisor->closing && !supervisor->stop_ns && !supervisor->ended;
}

static void *supervise(void *context)
{
    Supervisor *supervisor = context;
    int retry_ms = SUPERVISOR_RETRY_MIN_MS;
    pthread_mutex_lock(&supervisor->lock);
    while (goes_on(supervisor)) {
        ScoutError error = {0};
        if (supervisor->feed_count == SUPERVISOR_FEEDS_MAX) {
            (void)wait_ms(supervisor, SUPERVISOR_LOOK_MS);
            continue;
        }
        ScoutStatus status = open_unlocked(supervisor, &error);
        if (status) {
            tell(supervisor, status, error.message);
        } else {
            give_feed(supervisor);
            if (watch(supervisor)) {
                retry_ms = SUPERVISOR_RETRY_MIN_MS;
                supervisor->problem.text[0] = '\0'; // the same one would be a new one
            }
        }
        const int64_t again = clock_monotonic_ns() + retry_ms * MS_NS;
        while (goes_on(supervisor) && clock_monotonic_ns() < again)
            (void)wait_ms(supervisor, SUPERVISOR_LOOK_MS);
        retry_ms = BASE_MIN(retry_ms * 2, SUPERVISOR_RETRY_MAX_MS);
    }
    supervisor->finished = true;
    wake_post(supervisor->arrived);
    pthread_mutex_unlock(&supervisor->lock);
    return NULL;
}

// ---- The owner's thread

static ScoutStatus start_thread(Supervisor *supervisor, ScoutError *error)
{
    // Signals are for the program's own threads.
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    const int code = pthread_create(&supervisor->thread, NULL, supervise, supervisor);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (code)
        return error_set(error, SCOUT_ERROR_BUSY,
                         "the system gives no thread for capturing sound; close other programs");
    supervisor->has_thread = true;
    return SCOUT_OK;
}

static ScoutStatus open_once(Supervisor *supervisor, ScoutError *error)
{
    ScoutStatus status = open_with(supervisor, supervisor->candidates[0], error);
    if (status)
        return status;
    give_feed(supervisor);
    supervisor->finished = true;
    return SCOUT_OK;
}

ScoutStatus supervisor_begin(Supervisor *supervisor, const AudioCaptureOptions *options,
                             Wake *arrived, ScoutError *error)
{
    *supervisor = (Supervisor){.options = *options, .arrived = arrived};
    ScoutStatus status = capture_drivers_find(options->driver, supervisor->candidates,
                                              &supervisor->candidate_count, error);
    if (status)
        return status;
    (void)pthread_mutex_init(&supervisor->lock, NULL);
    condition_init(&supervisor->changed);
    status = supervisor->candidates[0]->live ? start_thread(supervisor, error)
                                             : open_once(supervisor, error);
    if (status)
        supervisor_end(supervisor);
    return status;
}

void supervisor_end(Supervisor *supervisor)
{
    if (supervisor->has_thread) {
        pthread_mutex_lock(&supervisor->lock);
        supervisor->closing = true;
        pthread_cond_signal(&supervisor->changed);
        pthread_mutex_unlock(&supervisor->lock);
        (void)pthread_join(supervisor->thread, NULL);
        supervisor->has_thread = false;
    }
    if (supervisor->open_feed)
        (void)close_driver(supervisor, SCOUT_OK, "");
    for (size_t i = 0; i < supervisor->feed_count; i++)
        capture_feed_free(supervisor->feeds[i]);
    supervisor->feed_count = 0;
    (void)pthread_cond_destroy(&supervisor->changed);
    (void)pthread_mutex_destroy(&supervisor->lock);
}

void supervisor_stop(Supervisor *supervisor)
{
    if (!supervisor->has_thread) {
        if (supervisor->open_feed)
            (void)close_driver(supervisor, SCOUT_OK, "");
        return;
    }
    pthread_mutex_lock(&supervisor->lock);
    if (!supervisor->stop_ns)
        supervisor->stop_ns = clock_monotonic_ns();
    pthread_cond_signal(&supervisor->changed);
    pthread_mutex_unlock(&supervisor->lock);
}

CaptureFeed *supervisor_feed(Supervisor *supervisor, SupervisorProblem *problem, bool *finished)
{
    pthread_mutex_lock(&supervisor->lock);
    CaptureFeed *feed = supervisor->feed_count ? supervisor->feeds[0] : NULL;
    *problem = supervisor->problem;
    *finished = supervisor->finished;
    pthread_mutex_unlock(&supervisor->lock);
    return feed;
}

void supervisor_next_feed(Supervisor *supervisor)
{
    pthread_mutex_lock(&supervisor->lock);
    CaptureFeed *read = supervisor->feeds[0];
    supervisor->feeds[0] = supervisor->feeds[1];
    supervisor->feeds[1] = NULL;
    supervisor->feed_count--;
    // Its driver may still be open, in the middle of writing the END.
    read->orphan = read == supervisor->open_feed;
    const bool mine = !read->orphan;
    pthread_cond_signal(&supervisor->changed);
    pthread_mutex_unlock(&supervisor->lock);
    if (mine)
        capture_feed_free(read);
}
