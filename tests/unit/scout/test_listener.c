// What dictation makes of a capture's events, and the mail that carries it.
#include "listener.h"

#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

static void hear_text(Listener *listener, ScoutLiveEventType type, uint64_t utterance,
                      const char *text, size_t settled)
{
    const ScoutLiveEvent live = {
        .type = type,
        .u.text = {.utterance = utterance, .start_s = 2.5, .text = text, .settled_bytes = settled}};
    const ScoutCaptureEvent event = {.type = SCOUT_CAPTURE_EVENT_LIVE, .u.live = {.event = &live}};
    assert_int_equal(listener_hear(listener, &event), 0);
}

static void expect_text(Mailbox *mailbox, const char *text)
{
    Mail *mail = mailbox_take(mailbox);
    assert_non_null(mail);
    assert_int_equal(mail->kind, HEARD_TEXT);
    assert_true(mail->at_s > 2.4 && mail->at_s < 2.6);
    assert_string_equal(mail->text, text);
    assert_int_equal(mail->length, strlen(text));
    mem_free(mail);
}

static void test_only_finals(void **state)
{
    (void)state;
    Mailbox mailbox;
    assert_int_equal(mailbox_init(&mailbox, NULL), SCOUT_OK);
    Listener listener = {.mail = &mailbox, .utterance = UINT64_MAX};
    hear_text(&listener, SCOUT_LIVE_PARTIAL, 0, "Hello wor", 5);
    assert_null(mailbox_take(&mailbox));
    hear_text(&listener, SCOUT_LIVE_FINAL, 0, "Hello world.", 12);
    expect_text(&mailbox, "Hello world.");
    // Nothing was said after all.
    hear_text(&listener, SCOUT_LIVE_FINAL, 1, "", 0);
    assert_null(mailbox_take(&mailbox));
    mailbox_done(&mailbox);
}

static void test_settled_text_is_told_once(void **state)
{
    (void)state;
    Mailbox mailbox;
    assert_int_equal(mailbox_init(&mailbox, NULL), SCOUT_OK);
    Listener listener = {.mail = &mailbox, .settled = true, .utterance = UINT64_MAX};
    hear_text(&listener, SCOUT_LIVE_PARTIAL, 0, "Hello wor", 5);
    expect_text(&mailbox, "Hello");
    hear_text(&listener, SCOUT_LIVE_PARTIAL, 0, "Hello wor", 5);
    assert_null(mailbox_take(&mailbox));
    hear_text(&listener, SCOUT_LIVE_PARTIAL, 0, "Hello w\xc3\xb6rl", 11);
    expect_text(&mailbox, " w\xc3\xb6rl");
    hear_text(&listener, SCOUT_LIVE_FINAL, 0, "Hello w\xc3\xb6rld.", 13);
    expect_text(&mailbox, "d.");
    // The next utterance begins anew, also when it is the first that follows the same number.
    hear_text(&listener, SCOUT_LIVE_PARTIAL, 1, " And", 4);
    expect_text(&mailbox, " And");
    hear_text(&listener, SCOUT_LIVE_PARTIAL, 2, " Or", 3);
    expect_text(&mailbox, " Or");
    mailbox_done(&mailbox);
}

static void test_commands_and_states(void **state)
{
    (void)state;
    Mailbox mailbox;
    assert_int_equal(mailbox_init(&mailbox, NULL), SCOUT_OK);
    Listener listener = {.mail = &mailbox, .utterance = UINT64_MAX};
    const ScoutLiveEvent scratch = {.type = SCOUT_LIVE_COMMAND,
                                    .u.command = {.type = SCOUT_LIVE_SCRATCH, .characters = 7}};
    const ScoutCaptureEvent events[] = {
        {.type = SCOUT_CAPTURE_EVENT_LEVEL},
        {.type = SCOUT_CAPTURE_EVENT_LIVE, .u.live = {.event = &scratch}},
        {.type = SCOUT_CAPTURE_EVENT_STATE,
         .at_s = 9,
         .u.state = {.state = SCOUT_CAPTURE_LOST, .device = "mic", .message = "plug it in"}},
        {.type = SCOUT_CAPTURE_EVENT_STATE, .u.state = {.state = SCOUT_CAPTURE_RUNNING}},
    };
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++)
        assert_int_equal(listener_hear(&listener, &events[i]), 0);
    Mail *mail = mailbox_take(&mailbox);
    assert_int_equal(mail->kind, HEARD_SCRATCH);
    assert_int_equal(mail->number, 7);
    mem_free(mail);
    mail = mailbox_take(&mailbox);
    assert_int_equal(mail->kind, HEARD_STATE);
    assert_int_equal(mail->number, SCOUT_CAPTURE_LOST);
    assert_string_equal(mail->text, "plug it in");
    mem_free(mail);
    mail = mailbox_take(&mailbox);
    assert_int_equal(mail->number, SCOUT_CAPTURE_RUNNING);
    assert_string_equal(mail->text, "");
    mem_free(mail);
    assert_null(mailbox_take(&mailbox));
    mailbox_done(&mailbox);
}

enum { LETTERS = 2000 };

static void *send_letters(void *context)
{
    for (size_t i = 0; i < LETTERS; i++)
        (void)mailbox_post(context, 1, 0, i, "letter", 6);
    mailbox_close(context);
    return NULL;
}

static void test_mail_between_threads(void **state)
{
    (void)state;
    Mailbox mailbox;
    pthread_t sender;
    assert_int_equal(mailbox_init(&mailbox, NULL), SCOUT_OK);
    assert_int_equal(pthread_create(&sender, NULL, send_letters, &mailbox), 0);
    size_t count = 0;
    for (Mail *mail = mailbox_wait(&mailbox); mail; mail = mailbox_wait(&mailbox)) {
        assert_int_equal(mail->number, count++);
        mem_free(mail);
    }
    assert_int_equal(count, LETTERS);
    pthread_join(sender, NULL);
    struct pollfd wait = {.fd = mailbox.event, .events = POLLIN};
    assert_int_equal(poll(&wait, 1, 0), 0);
    assert_true(mailbox_post(&mailbox, 1, 0, 0, NULL, 0));
    assert_int_equal(poll(&wait, 1, 0), 1);
    mailbox_done(&mailbox);
    mailbox_done(&mailbox);
}

static void test_mailbox_has_an_end(void **state)
{
    (void)state;
    Mailbox mailbox;
    assert_int_equal(mailbox_init(&mailbox, NULL), SCOUT_OK);
    for (size_t i = 0; i < MAILBOX_MAX; i++)
        assert_true(mailbox_post(&mailbox, 1, 0, i, NULL, 0));
    assert_false(mailbox_post(&mailbox, 1, 0, 0, NULL, 0));
    mem_free(mailbox_take(&mailbox));
    assert_true(mailbox_post(&mailbox, 1, 0, 0, NULL, 0));
    mailbox_done(&mailbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_finals),
        cmocka_unit_test(test_settled_text_is_told_once),
        cmocka_unit_test(test_commands_and_states),
        cmocka_unit_test(test_mail_between_threads),
        cmocka_unit_test(test_mailbox_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
