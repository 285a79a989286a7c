// Where dictated text goes: see delivery.h.
#include "delivery.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/condition.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "platform/clipboard.h"

enum { TOLD_MAX_BYTES = 1 << 16, REST_MAX_BYTES = 4 << 20, TAKEN_MS = 3000, NOTICE_SIZE = 1200 };

typedef enum Order { ORDER_BEGIN, ORDER_TEXT, ORDER_SCRATCH } Order;

struct Delivery {
    DeliveryOptions options;
    Mailbox orders;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    bool held;
    bool ending;
    // The thread's alone.
    Typing *typing;       // NULL: nothing types
    Clipboard *clipboard; // NULL: there is none
    TypingFocus where;    // the window that `told` is in
    Buffer told;          // the end of what was put there
    Buffer session;       // what was dictated since the beginning: for the clipboard
    bool fresh;           // the next text is the first of a stream that knows none before
    Buffer rest;          // what could not be delivered, and is on the clipboard
    int history;          // -1: none
};

static void notice(Delivery *delivery, int kind, const char *format, ...) BASE_PRINTF(3, 4);

static void notice(Delivery *delivery, int kind, const char *format, ...)
{
    char text[NOTICE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    (void)mailbox_post(delivery->options.notices, kind, 0, 0, text, strlen(text));
}

// --------------------------------------------------------------------------------------- the ways

static bool print_all(const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(STDOUT_FILENO, text, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        text += written;
        length -= (size_t)written;
    }
    return true;
}

// The last refuge of a text: whatever else fails, it is readable somewhere.
static void print_rest(Delivery *delivery, const char *why, const char *text, size_t length)
{
    notice(delivery, delivery->options.error_kind, "%s; the text is printed here instead", why);
    if (!print_all(text, length) || !print_all("\n", 1))
        notice(delivery, delivery->options.error_kind, "the text is: %.*s", (int)length, text);
}

// Puts what could not be delivered on the clipboard, behind what is there for the same reason.
static void keep_rest(Delivery *delivery, const char *why, const char *text, size_t length)
{
    ScoutError error = {0};
    sounds_play(delivery->options.sounds, SOUND_ERROR);
    if (!delivery->clipboard || !buffer_append(&delivery->rest, text, length)) {
        print_rest(delivery, why, text, length);
        return;
    }
    const ScoutStatus status = clipboard_put(delivery->clipboard, delivery->rest.data,
                                             delivery->rest.length, CLIPBOARD_UNTIL_TAKEN, &error);
    if (status) {
        print_rest(delivery, why, text, length);
        return;
    }
    notice(delivery, delivery->options.error_kind,
           "%s; the text was not typed, it is on the clipboard: paste it where it belongs", why);
}

static void remember(Delivery *delivery, const char *text, size_t length)
{
    if (length > TOLD_MAX_BYTES / 2) {
        buffer_clear(&delivery->told);
        return; // too long to be taken back
    }
    if (delivery->told.length + length > TOLD_MAX_BYTES)
        buffer_consume(&delivery->told, delivery->told.length - TOLD_MAX_BYTES / 2);
    (void)buffer_append(&delivery->told, text, length);
}

// Pasted is only what was taken.
static void paste(Delivery *delivery, const char *text, size_t length)
{
    ScoutError error = {0};
    const char *refused = "there is no clipboard";
    if (!delivery->clipboard) {
        print_rest(delivery, refused, text, length);
        return;
    }
    ScoutStatus status =
        clipboard_put(delivery->clipboard, text, length, CLIPBOARD_UNTIL_TAKEN, &error);
    if (!status)
        status = typing_press_paste(delivery->typing, &delivery->where, &error);
    if (!status) {
        status = clipboard_wait_taken(delivery->clipboard, TAKEN_MS, &error);
        if (status == SCOUT_ERROR_UNSUPPORTED) {
            // Nobody can know; by now the program had its chance.
            (void)clipboard_restore(delivery->clipboard, NULL);
            status = SCOUT_OK;
        }
    }
    if (status)
        keep_rest(delivery, error.message, text, length);
    else
        remember(delivery, text, length);
}

static void type(Delivery *delivery, const char *text, size_t length)
{
    ScoutError error = {0};
    size_t typed = 0;
    const ScoutStatus status =
        typing_write(delivery->typing, text, length, &delivery->where, &typed, &error);
    if (status == SCOUT_ERROR_UNSUPPORTED && typed == 0) {
        paste(delivery, text, length);
        return;
    }
    remember(delivery, text, typed);
    if (status)
        keep_rest(delivery, error.message, text + typed, length - typed);
}

// Of the session, `fresh` is the end that is not on the clipboard yet.
static void copy_session(Delivery *delivery, size_t fresh)
{
    ScoutError error = {0};
    const Buffer *session = &delivery->session;
    if (clipboard_put(delivery->clipboard, session->data, session->length, CLIPBOARD_UNTIL_TAKEN,
                      &error))
        print_rest(delivery, error.message, session->data + session->length - fresh, fresh);
    else
        notice(delivery, delivery->options.note_kind,
               "copied, not typed: paste it (the old clipboard comes back then)");
}

// ------------------------------------------------------------------------------------- the orders

static size_t leading_space(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length && (text[at] == ' ' || text[at] == '\n'))
        at++;
    return at;
}

// Text in another window begins anew.
static ScoutStatus look_where(Delivery *delivery, ScoutError *error)
{
    TypingFocus focus = {0};
    const ScoutStatus status = typing_focus(delivery->typing, &focus, error);
    if (status)
        return status;
    if (!typing_focus_same(&focus, &delivery->where))
        buffer_clear(&delivery->told);
    delivery->where = focus;
    return SCOUT_OK;
}

static void write_history(const Delivery *delivery, const char *text, size_t length)
{
    if (delivery->history < 0)
        return;
    char head[64];
    struct tm when;
    const time_t now = time(NULL);
    const size_t head_length =
        localtime_r(&now, &when) ? strftime(head, sizeof(head), "%Y-%m-%d %H:%M:%S ", &when) : 0;
    Buffer line;
    buffer_init(&line, REST_MAX_BYTES);
    buffer_append(&line, head, head_length);
    const size_t space = leading_space(text, length);
    buffer_append(&line, text + space, length - space);
    for (size_t i = 0; i < line.length; i++)
        line.data[i] = line.data[i] == '\n' ? ' ' : line.data[i];
    buffer_append_char(&line, '\n');
    if (!line.failed)
        (void)!write(delivery->history, line.data, line.length);
    buffer_done(&line);
}

// Whether a word behind what was told needs a space. (Scripts without spaces are not ASCII.)
static bool needs_space(const Delivery *delivery, const char *text)
{
    const size_t length = delivery->told.length;
    const char last = length ? delivery->told.data[length - 1] : ' ';
    return delivery->fresh && last > ' ' && !strchr("([{-/", last) && isalnum((unsigned char)*text);
}

static void deliver_typed(Delivery *delivery, const char *text, size_t length)
{
    ScoutError error = {0};
    const ScoutStatus status = look_where(delivery, &error);
    const size_t skip = delivery->told.length == 0 ? leading_space(text, length) : 0;
    text += skip;
    length -= skip;
    if (length == 0)
        return;
    if (!status && needs_space(delivery, text)) {
        delivery->fresh = false;
        deliver_typed(delivery, " ", 1);
    }
    delivery->fresh = false;
    if (status)
        keep_rest(delivery, error.message, text, length);
    else if (delivery->options.way == DELIVERY_PASTE)
        paste(delivery, text, length);
    else
        type(delivery, text, length);
}

static void deliver(Delivery *delivery, const char *text, size_t length)
{
    write_history(delivery, text, length);
    if (delivery->typing) {
        deliver_typed(delivery, text, length);
        return;
    }
    const size_t skip = delivery->session.length == 0 ? leading_space(text, length) : 0;
    if (!buffer_append(&delivery->session, text + skip, length - skip)) {
        print_rest(delivery, "the text is too long", text, length);
        return;
    }
    if (delivery->options.way == DELIVERY_PRINT) {
        // A line for each text, whatever separates them.
        const size_t space = leading_space(text, length);
        if (!print_all(text + space, length - space) || !print_all("\n", 1))
            notice(delivery, delivery->options.error_kind, "standard output takes no text");
    } else if (delivery->clipboard) {
        copy_session(delivery, length - skip);
    } else {
        print_rest(delivery, "there is no clipboard", text + skip, length - skip);
    }
}

// Where the last so many code points begin, or 0.
static size_t before_last(const Buffer *buffer, size_t characters)
{
    size_t at = buffer->length;
    while (at > 0 && characters > 0) {
        at--;
        characters -= ((unsigned char)buffer->data[at] & 0xc0) != 0x80;
    }
    return at;
}

static void cut(Buffer *buffer, size_t length)
{
    if (length == 0) {
        buffer_clear(buffer);
        return;
    }
    buffer->length = length;
    buffer->data[length] = '\0';
}

static void scratch(Delivery *delivery, size_t characters)
{
    ScoutError error = {0};
    Buffer *buffer = delivery->typing ? &delivery->told : &delivery->session;
    if (buffer->length == 0) {
        notice(delivery, delivery->options.note_kind, "there is nothing to take back");
        return;
    }
    const size_t at = before_last(buffer, characters);
    const size_t count = typing_count(buffer->data + at, buffer->length - at);
    if (delivery->typing &&
        typing_erase(delivery->typing, count, &delivery->where, &error) != SCOUT_OK) {
        sounds_play(delivery->options.sounds, SOUND_ERROR);
        notice(delivery, delivery->options.warning_kind, "the text was not taken back: %s",
               error.message);
        return;
    }
    cut(buffer, at);
    if (delivery->typing)
        return;
    if (delivery->options.way == DELIVERY_PRINT)
        notice(delivery, delivery->options.note_kind, "taken back: the last %zu characters", count);
    else if (delivery->clipboard && buffer->length > 0)
        copy_session(delivery, 0);
    else if (delivery->clipboard)
        (void)clipboard_restore(delivery->clipboard, NULL);
}

// What is on the clipboard of the last time is not added to.
static void begin_session(Delivery *delivery, bool fresh)
{
    delivery->fresh = fresh;
    buffer_clear(&delivery->rest);
    buffer_clear(&delivery->session);
}

// ------------------------------------------------------------------------------------- the thread

static bool wants_keyboard(const Delivery *delivery)
{
    return delivery->options.way == DELIVERY_TYPE || delivery->options.way == DELIVERY_PASTE;
}

static void open_all(Delivery *delivery)
{
    ScoutError error = {0};
    if (delivery->options.way == DELIVERY_PRINT)
        return;
    const bool no_clipboard = clipboard_new(NULL, &delivery->clipboard, &error) != SCOUT_OK;
    if (wants_keyboard(delivery)) {
        ScoutError typing_error = {0};
        if (typing_new(&delivery->options.typing, &delivery->typing, &typing_error))
            notice(delivery, delivery->options.warning_kind,
                   "nothing can be typed: %s; text is %s instead", typing_error.message,
                   no_clipboard ? "printed" : "copied");
    }
    if (no_clipboard && delivery->options.way != DELIVERY_TYPE)
        notice(delivery, delivery->options.warning_kind, "nothing can be copied: %s",
               error.message);
}

static void wait_until_free(Delivery *delivery)
{
    pthread_mutex_lock(&delivery->mutex);
    while (delivery->held && !delivery->ending)
        condition_wait(&delivery->condition, &delivery->mutex, NULL);
    pthread_mutex_unlock(&delivery->mutex);
}

static void *work(void *context)
{
    Delivery *delivery = context;
    open_all(delivery);
    for (Mail *mail = mailbox_wait(&delivery->orders); mail;
         mail = mailbox_wait(&delivery->orders)) {
        wait_until_free(delivery);
        switch ((Order)mail->kind) {
        case ORDER_BEGIN: begin_session(delivery, mail->number != 0); break;
        case ORDER_TEXT: deliver(delivery, mail->text, mail->length); break;
        case ORDER_SCRATCH: scratch(delivery, mail->number); break;
        }
        mem_free(mail);
    }
    typing_free(delivery->typing);
    clipboard_free(delivery->clipboard);
    return NULL;
}

static void post(Delivery *delivery, Order order, size_t number, const char *text, size_t length)
{
    if (!mailbox_post(&delivery->orders, order, 0, number, text, length))
        notice(delivery, delivery->options.error_kind,
               "there is not enough memory to deliver the text");
}

void delivery_begin(Delivery *delivery, bool fresh)
{
    post(delivery, ORDER_BEGIN, fresh, NULL, 0);
}

void delivery_text(Delivery *delivery, const char *text, size_t length)
{
    post(delivery, ORDER_TEXT, 0, text, length);
}

void delivery_scratch(Delivery *delivery, size_t characters)
{
    post(delivery, ORDER_SCRATCH, characters, NULL, 0);
}

void delivery_hold(Delivery *delivery, bool held)
{
    pthread_mutex_lock(&delivery->mutex);
    delivery->held = held;
    pthread_cond_broadcast(&delivery->condition);
    pthread_mutex_unlock(&delivery->mutex);
}

static ScoutStatus open_history(Delivery *delivery, ScoutError *error)
{
    const char *path = delivery->options.history;
    delivery->history = -1;
    if (!path)
        return SCOUT_OK;
    delivery->history = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    return delivery->history < 0 ? error_set_errno(error, errno, "cannot write %s", path)
                                 : SCOUT_OK;
}

static void forget(Delivery *delivery)
{
    mailbox_done(&delivery->orders);
    if (delivery->history >= 0)
        (void)close(delivery->history);
    buffer_done(&delivery->told);
    buffer_done(&delivery->session);
    buffer_done(&delivery->rest);
    mem_free(delivery);
}

ScoutStatus delivery_new(const DeliveryOptions *options, Delivery **delivery, ScoutError *error)
{
    Delivery *made = mem_array(1, sizeof(*made));
    if (!made)
        return error_no_memory(error);
    made->options = *options;
    buffer_init(&made->told, TOLD_MAX_BYTES);
    buffer_init(&made->session, REST_MAX_BYTES);
    buffer_init(&made->rest, REST_MAX_BYTES);
    ScoutStatus status = open_history(made, error);
    if (!status)
        status = mailbox_init(&made->orders, error);
    if (status) {
        forget(made);
        return status;
    }
    pthread_mutex_init(&made->mutex, NULL);
    condition_init(&made->condition);
    if (pthread_create(&made->thread, NULL, work, made) != 0) {
        pthread_cond_destroy(&made->condition);
        pthread_mutex_destroy(&made->mutex);
        forget(made);
        return error_set(error, SCOUT_ERROR_BUSY, "the system refuses another thread");
    }
    *delivery = made;
    return SCOUT_OK;
}

void delivery_free(Delivery *delivery)
{
    if (!delivery)
        return;
    pthread_mutex_lock(&delivery->mutex);
    delivery->ending = true;
    pthread_cond_broadcast(&delivery->condition);
    pthread_mutex_unlock(&delivery->mutex);
    mailbox_close(&delivery->orders);
    pthread_join(delivery->thread, NULL);
    pthread_cond_destroy(&delivery->condition);
    pthread_mutex_destroy(&delivery->mutex);
    forget(delivery);
}
