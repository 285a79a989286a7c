// A journal that is being written: what is appended goes into a queue, and a thread of its own
// takes it from there to the disk. The lock is held for copying only, never over a call to the
// disk. See audio/journal.h.
#include "audio/journal.h"

#include "audio/journal_disk.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/memory.h"

#include "journal_format.h"
#include "journal_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

static const int64_t MS_NS = 1000000, SECOND_NS = 1000000000;

enum { FREE_LOOK_MS = 1000, SLOW_MS = 2000 };

struct Journal {
    char *path;
    JournalInfo info;
    pthread_t thread;
    JournalWriter writer; // the thread's

    pthread_mutex_t lock; // holds for all below
    pthread_cond_t wake;  // for the thread
    pthread_cond_t news;  // for who waits for the thread
    JournalQueue queue;
    uint64_t appended_frames;
    // Appends are counted; these say how far taking, syncing and wishing have come.
    uint64_t appended, taken, synced, wanted;
    bool tried;         // the disk was tried once
    bool closing;       // the thread shall end
    bool ended;         // the thread has ended
    bool orphaned;      // nobody waits for the thread: it frees the journal
    size_t taken_bytes; // in the thread's hands, not yet written
    uint64_t written_frames, synced_frames, file_bytes, free_bytes;
    int64_t busy_ns; // when the thread turned to the disk; 0: it has not
    int failure;
};

// --- The thread
// ---------------------------------------------------------------------------------------

static void free_journal(Journal *journal)
{
    journal_writer_done(&journal->writer);
    journal_queue_done(&journal->queue);
    (void)pthread_cond_destroy(&journal->wake);
    (void)pthread_cond_destroy(&journal->news);
    (void)pthread_mutex_destroy(&journal->lock);
    mem_free(journal->path);
    mem_free(journal);
}

// Takes as many pieces as the writer has room for. Locked.
static JournalPiece *take_pieces(Journal *journal)
{
    if (journal->writer.failure || !journal_writer_has_room(&journal->writer))
        return NULL;
    JournalPiece *first = NULL, **end = &first;
    size_t bytes = journal->writer.pending.length;
    while (journal->queue.first && bytes < JOURNAL_PENDING_BYTES) {
        JournalPiece *piece = journal_queue_take(&journal->queue);
        bytes += journal_record_bytes(BASE_MAX(piece->bytes, (size_t)128));
        journal->taken_bytes += piece->bytes;
        piece->next = NULL;
        *end = piece;
        end = &piece->next;
    }
    if (!journal->queue.first)
        journal->taken = journal->appended;
    return first;
}

static void add_pieces(Journal *journal, JournalPiece *piece)
{
    while (piece) {
        JournalPiece *next = piece->next;
        journal_writer_add(&journal->writer, piece);
        mem_free(piece);
        piece = next;
    }
}

static uint64_t look_for_room(const JournalWriter *writer)
{
    uint64_t bytes;
    if (writer->handle < 0 ||
        writer->disk->free_bytes(writer->disk->context, writer->handle, &bytes) != 0)
        return UINT64_MAX;
    return bytes;
}

// What the thread found out, for everybody to see. Locked.
static void publish(Journal *journal)
{
    const JournalWriter *writer = &journal->writer;
    journal->busy_ns = 0;
    journal->failure = writer->failure;
    journal->written_frames = writer->written_frames;
    journal->synced_frames = writer->synced_frames;
    journal->file_bytes = writer->base + writer->written;
    journal->tried = true;
    if (writer->pending.length == 0)
        journal->synced = journal->taken;
    journal->taken_bytes = writer->failure ? writer->pending.length : 0;
    (void)pthread_cond_broadcast(&journal->news);
}

// When there is something to do. Locked.
static int64_t due_ns(const Journal *journal)
{
    const JournalWriter *writer = &journal->writer;
    if (!writer->failure && (journal->queue.first || journal->wanted > journal->synced))
        return 0;
    return journal_writer_due_ns(writer);
}

static void *run(void *context)
{
    Journal *journal = context;
    int64_t looked_ns = INT64_MIN;
    (void)pthread_mutex_lock(&journal->lock);
    while (!journal->closing) {
        const int64_t due = due_ns(journal);
        int64_t now_ns = clock_monotonic_ns();
        if (due == INT64_MAX) {
            (void)pthread_cond_wait(&journal->wake, &journal->lock);
            continue;
        }
        if (due > now_ns) {
            condition_wait_until(&journal->wake, &journal->lock, due);
            continue;
        }
        JournalPiece *pieces = take_pieces(journal);
        const bool sync_now = journal->wanted > journal->synced;
        journal->busy_ns = now_ns;
        (void)pthread_mutex_unlock(&journal->lock);
        add_pieces(journal, pieces);
        (void)journal_writer_flush(&journal->writer, now_ns, sync_now);
        uint64_t free_bytes = 0;
        const bool looks = looked_ns == INT64_MIN || now_ns - looked_ns > FREE_LOOK_MS * MS_NS;
        if (looks) {
            free_bytes = look_for_room(&journal->writer);
            looked_ns = now_ns;
        }
        (void)pthread_mutex_lock(&journal->lock);
        if (looks)
            journal->free_bytes = free_bytes;
        publish(journal);
    }
    journal->ended = true;
    const bool orphaned = journal->orphaned;
    (void)pthread_cond_broadcast(&journal->news);
    (void)pthread_mutex_unlock(&journal->lock);
    if (orphaned)
        free_journal(journal);
    return NULL;
}

// No signal is delivered to the thread: not the program's own, and not SIGXFSZ for a file that
// would get too large, which would end the process.
static int start_thread(Journal *journal)
{
    sigset_t all, old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int failure = pthread_create(&journal->thread, NULL, run, journal);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return failure;
}

// --- Making
// ---------------------------------------------------------------------------------------

static ScoutStatus check_options(const JournalOptions *options, ScoutError *error)
{
    if (options->rate_hz &&
        (options->rate_hz < JOURNAL_RATE_MIN_HZ || options->rate_hz > JOURNAL_RATE_MAX_HZ))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a journal takes %d to %d samples a second, not %u", JOURNAL_RATE_MIN_HZ,
                         JOURNAL_RATE_MAX_HZ, options->rate_hz);
    if (options->channels > JOURNAL_CHANNELS_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a journal takes at most %d channels, not %u", JOURNAL_CHANNELS_MAX,
                         options->channels);
    return SCOUT_OK;
}

static void make_id(uint8_t id[JOURNAL_ID_BYTES])
{
    if (getrandom(id, JOURNAL_ID_BYTES, GRND_NONBLOCK) == JOURNAL_ID_BYTES)
        return;
    // Unique is enough: it keeps two journals apart.
    const int64_t times[2] = {clock_wall_ms(), clock_monotonic_ns()};
    _Static_assert(sizeof times == JOURNAL_ID_BYTES, "two times make an id");
    memcpy(id, times, sizeof times);
}

static ScoutStatus allocate(const char *path, const JournalOptions *options, Journal **journal,
                            ScoutError *error)
{
    Journal *made = mem_array(1, sizeof *made);
    char *copy = mem_copy_text(path, strlen(path));
    if (!made || !copy) {
        mem_free(made);
        mem_free(copy);
        return error_no_memory(error);
    }
    made->path = copy;
    made->writer.handle = -1;
    made->free_bytes = UINT64_MAX;
    made->queue.limit_bytes = options->memory_bytes ? options->memory_bytes : JOURNAL_MEMORY_BYTES;
    (void)pthread_mutex_init(&made->lock, NULL);
    condition_init(&made->wake);
    condition_init(&made->news);
    *journal = made;
    return SCOUT_OK;
}

static ScoutStatus start(Journal *journal, ScoutError *error)
{
    journal->info = journal->writer.info;
    journal->queue.frame_bytes = journal->info.channels * sizeof(int16_t);
    journal->written_frames = journal->synced_frames = journal->appended_frames =
        journal->writer.made_frames;
    journal->file_bytes = journal->writer.base;
    int failure = start_thread(journal);
    if (failure)
        return error_set(error, SCOUT_ERROR_BUSY,
                         "the system refuses another thread: close other programs");
    return SCOUT_OK;
}

// Ends the thread and frees the journal, or leaves that to the thread when it hangs in the disk.
static void stop(Journal *journal, int64_t deadline_ns)
{
    (void)pthread_mutex_lock(&journal->lock);
    journal->closing = true;
    (void)pthread_cond_signal(&journal->wake);
    while (!journal->ended && clock_monotonic_ns() < deadline_ns)
        condition_wait_until(&journal->news, &journal->lock, deadline_ns);
    const bool ended = journal->ended;
    journal->orphaned = !ended;
    if (!ended)
        (void)pthread_detach(journal->thread);
    (void)pthread_mutex_unlock(&journal->lock);
    if (!ended)
        return;
    (void)pthread_join(journal->thread, NULL);
    free_journal(journal);
}

// The disk being full, or broken, is no reason not to begin: sound is kept in memory.
static bool may_pass(int failure)
{
    return failure == 0 || failure == ENOSPC || failure == EDQUOT || failure == EFBIG ||
           failure == EIO;
}

static ScoutStatus wait_for_file(Journal *journal, ScoutError *error)
{
    const int64_t deadline_ns = clock_monotonic_ns() + JOURNAL_RETRY_MS * MS_NS;
    (void)pthread_mutex_lock(&journal->lock);
    while (!journal->tried && clock_monotonic_ns() < deadline_ns)
        condition_wait_until(&journal->news, &journal->lock, deadline_ns);
    const int failure = journal->failure;
    (void)pthread_mutex_unlock(&journal->lock);
    if (may_pass(failure))
        return SCOUT_OK;
    return error_set_errno(error, failure, "cannot make %s", journal->path);
}

ScoutStatus journal_create(const char *path, const JournalOptions *options, Journal **journal,
                           ScoutError *error)
{
    ScoutStatus status = check_options(options, error);
    Journal *made = NULL;
    if (!status)
        status = allocate(path, options, &made, error);
    if (status)
        return status;
    JournalInfo info = {.version = JOURNAL_VERSION,
                        .rate_hz = options->rate_hz ? options->rate_hz : 16000,
                        .channels = options->channels ? options->channels : 1,
                        .created_ms = options->created_ms ? options->created_ms : clock_wall_ms()};
    make_id(info.id);
    status = journal_writer_init(&made->writer, options->disk ? options->disk : &journal_files,
                                 made->path, &info, error);
    if (!status)
        status = start(made, error);
    if (status) {
        free_journal(made);
        return status;
    }
    status = wait_for_file(made, error);
    if (status) {
        stop(made, clock_monotonic_ns() + SECOND_NS);
        return status;
    }
    *journal = made;
    return SCOUT_OK;
}

ScoutStatus journal_reopen(const char *path, const JournalOptions *options, Journal **journal,
                           ScoutError *error)
{
    Journal *made = NULL;
    ScoutStatus status = allocate(path, options, &made, error);
    if (status)
        return status;
    status = journal_writer_reopen(&made->writer, options->disk ? options->disk : &journal_files,
                                   made->path, error);
    if (!status)
        status = start(made, error);
    if (status) {
        free_journal(made);
        return status;
    }
    *journal = made;
    return SCOUT_OK;
}

// --- Appending
// ---------------------------------------------------------------------------------------

// Locked.
static void appended(Journal *journal)
{
    journal->appended++;
    // In trouble the thread looks when it is time to.
    if (!journal->failure)
        (void)pthread_cond_signal(&journal->wake);
}

ScoutStatus journal_append_frames(Journal *journal, uint64_t position, const int16_t *samples,
                                  size_t frames, ScoutError *error)
{
    if (frames == 0)
        return SCOUT_OK;
    if (position < journal->appended_frames)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "frames from %" PRIu64 " on are in the journal already", position);
    if (position > JOURNAL_POSITION_MAX || frames > JOURNAL_POSITION_MAX - position)
        return error_set(error, SCOUT_ERROR_LIMIT, "the journal takes no more frames");
    const int64_t now_ns = clock_monotonic_ns();
    (void)pthread_mutex_lock(&journal->lock);
    const bool noted = journal_queue_frames(&journal->queue, position, samples, frames, now_ns);
    if (noted) {
        journal->appended_frames = position + frames;
        appended(journal);
    }
    (void)pthread_mutex_unlock(&journal->lock);
    return noted ? SCOUT_OK : error_no_memory(error);
}

static ScoutStatus append_json(Journal *journal, const JournalPiece *piece, const char *json,
                               size_t bytes, ScoutError *error)
{
    if (bytes > JOURNAL_JSON_BYTES_MAX)
        return error_set(error, SCOUT_ERROR_LIMIT,
                         "a record of %zu bytes is too long for the journal, which takes %d", bytes,
                         JOURNAL_JSON_BYTES_MAX);
    if (piece->position > piece->end || piece->end > JOURNAL_POSITION_MAX ||
        piece->channel >= journal->info.channels)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "no frames [%" PRIu64 ", %" PRIu64 ") of channel %u can be in the journal",
                         piece->position, piece->end, piece->channel);
    const int64_t now_ns = clock_monotonic_ns();
    (void)pthread_mutex_lock(&journal->lock);
    const bool queued = journal_queue_json(&journal->queue, piece, json, bytes, now_ns);
    if (queued)
        appended(journal);
    (void)pthread_mutex_unlock(&journal->lock);
    return queued ? SCOUT_OK : error_no_memory(error);
}

ScoutStatus journal_append_text(Journal *journal, uint32_t channel, uint64_t position, uint64_t end,
                                const char *json, size_t bytes, ScoutError *error)
{
    const JournalPiece piece = {
        .type = JOURNAL_TEXT, .channel = channel, .position = position, .end = end};
    return append_json(journal, &piece, json, bytes, error);
}

ScoutStatus journal_append_skipped(Journal *journal, uint32_t channel, uint64_t position,
                                   uint64_t end, const char *json, size_t bytes, ScoutError *error)
{
    const JournalPiece piece = {
        .type = JOURNAL_SKIPPED, .channel = channel, .position = position, .end = end};
    return append_json(journal, &piece, json, bytes, error);
}

ScoutStatus journal_append_mark(Journal *journal, uint64_t position, uint64_t end, const char *json,
                                size_t bytes, ScoutError *error)
{
    const JournalPiece piece = {.type = JOURNAL_MARK, .position = position, .end = end};
    return append_json(journal, &piece, json, bytes, error);
}

ScoutStatus journal_append_settled(Journal *journal, uint32_t channel, uint64_t position,
                                   const char *json, size_t bytes, ScoutError *error)
{
    const JournalPiece piece = {
        .type = JOURNAL_SETTLED, .channel = channel, .position = position, .end = position};
    return append_json(journal, &piece, json, bytes, error);
}

// --- Looking and closing
// ---------------------------------------------------------------------------------------

// Locked.
static JournalDiskState disk_state(const Journal *journal)
{
    switch (journal->failure) {
    case 0: break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return JOURNAL_DISK_FULL;
    default: return JOURNAL_DISK_FAILING;
    }
    const bool slow = journal->busy_ns && clock_monotonic_ns() - journal->busy_ns > SLOW_MS * MS_NS;
    return slow ? JOURNAL_DISK_SLOW : JOURNAL_DISK_GOOD;
}

static double seconds(const Journal *journal, uint64_t frames)
{
    return (double)frames / journal->info.rate_hz;
}

// Locked.
static void say_problem(const Journal *journal, const JournalStatus *status, char *out, size_t size)
{
    const double held_s = seconds(journal, status->appended_frames - status->synced_frames);
    const char *path = journal->path;
    if (status->disk == JOURNAL_DISK_SLOW)
        (void)snprintf(out, size,
                       "the disk does not answer: %.0f s of sound are in memory only; waiting for "
                       "%s",
                       held_s, path);
    else if (status->disk == JOURNAL_DISK_FULL && journal->failure != EFBIG)
        (void)snprintf(out, size,
                       "the disk is full: %.0f s of sound are in memory only; free some space for "
                       "%s",
                       held_s, path);
    else if (status->disk != JOURNAL_DISK_GOOD)
        (void)snprintf(out, size, "%s: %.0f s of sound are in memory only; cannot write %s",
                       strerrordesc_np(journal->failure), held_s, path);
}

// Locked.
static void look(const Journal *journal, JournalStatus *status)
{
    *status = (JournalStatus){
        .appended_frames = journal->appended_frames,
        .written_frames = journal->written_frames,
        .synced_frames = journal->synced_frames,
        .lost_frames = journal->queue.lost_frames,
        .held_bytes = journal->queue.bytes + journal->taken_bytes,
        .file_bytes = journal->file_bytes,
        .free_bytes = journal->free_bytes,
        .disk = disk_state(journal),
    };
    say_problem(journal, status, status->problem, sizeof status->problem);
}

void journal_status(Journal *journal, JournalStatus *status)
{
    (void)pthread_mutex_lock(&journal->lock);
    look(journal, status);
    (void)pthread_mutex_unlock(&journal->lock);
}

// Why waiting was in vain. Locked.
static ScoutStatus not_synced(const Journal *journal, ScoutError *error)
{
    const double held_s = seconds(journal, journal->appended_frames - journal->synced_frames);
    const ScoutStatus status = journal->failure == 0                      ? SCOUT_ERROR_TIMEOUT
                               : disk_state(journal) == JOURNAL_DISK_FULL ? SCOUT_ERROR_NO_SPACE
                                                                          : SCOUT_ERROR_IO;
    return error_set(error, status, "%.1f s of sound are not on the disk of %s yet: %s", held_s,
                     journal->path,
                     journal->failure ? strerrordesc_np(journal->failure) : "the disk is slow");
}

ScoutStatus journal_flush(Journal *journal, int64_t timeout_ms, const Cancel *cancel,
                          ScoutError *error)
{
    const int64_t deadline_ns =
        timeout_ms < 0 ? INT64_MAX : clock_monotonic_ns() + timeout_ms * MS_NS;
    (void)pthread_mutex_lock(&journal->lock);
    const uint64_t target = journal->appended;
    journal->wanted = BASE_MAX(journal->wanted, target);
    (void)pthread_cond_signal(&journal->wake);
    ScoutStatus status = SCOUT_OK;
    while (!status && journal->synced < target) {
        const int64_t now_ns = clock_monotonic_ns();
        if (cancel_is_raised(cancel))
            status = error_set(error, SCOUT_ERROR_CANCELLED, "cancelled");
        else if (now_ns >= deadline_ns)
            status = not_synced(journal, error);
        else if (cancel)
            condition_wait(&journal->news, &journal->lock, cancel);
        else if (deadline_ns == INT64_MAX)
            (void)pthread_cond_wait(&journal->news, &journal->lock);
        else
            condition_wait_until(&journal->news, &journal->lock, deadline_ns);
    }
    (void)pthread_mutex_unlock(&journal->lock);
    return status;
}

ScoutStatus journal_close(Journal *journal, bool finished, int64_t timeout_ms, ScoutError *error)
{
    if (!journal)
        return SCOUT_OK;
    ScoutStatus status = SCOUT_OK;
    if (finished) {
        const JournalPiece end = {.type = JOURNAL_END,
                                  .position = journal->appended_frames,
                                  .end = journal->appended_frames};
        status = append_json(journal, &end, "{}", 2, error);
    }
    const ScoutStatus flushed = journal_flush(journal, timeout_ms, NULL, error);
    // A disk that hangs may do so for longer than anybody wants to wait.
    stop(journal, clock_monotonic_ns() + SECOND_NS);
    return flushed ? flushed : status;
}
