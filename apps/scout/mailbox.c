// Messages between threads: see mailbox.h.
#include "mailbox.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/condition.h"
#include "base/memory.h"

ScoutStatus mailbox_init(Mailbox *mailbox, ScoutError *error)
{
    *mailbox = (Mailbox){.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (mailbox->event < 0)
        return error_set_errno(error, errno, "no event can be made");
    pthread_mutex_init(&mailbox->mutex, NULL);
    condition_init(&mailbox->condition);
    return SCOUT_OK;
}

void mailbox_done(Mailbox *mailbox)
{
    if (mailbox->event <= 0) // never made
        return;
    for (Mail *mail = mailbox_take(mailbox); mail; mail = mailbox_take(mailbox))
        mem_free(mail);
    pthread_cond_destroy(&mailbox->condition);
    pthread_mutex_destroy(&mailbox->mutex);
    (void)close(mailbox->event);
    mailbox->event = -1;
}

bool mailbox_post(Mailbox *mailbox, int kind, double at_s, size_t number, const char *text,
                  size_t length)
{
    Mail *mail = mem_array(sizeof(*mail) + length + 1, 1);
    if (!mail)
        return false;
    mail->kind = kind;
    mail->at_s = at_s;
    mail->number = number;
    mail->length = length;
    if (length)
        memcpy(mail->text, text, length);
    pthread_mutex_lock(&mailbox->mutex);
    const bool room = mailbox->count < MAILBOX_MAX;
    if (room) {
        if (mailbox->last)
            mailbox->last->next = mail;
        else
            mailbox->first = mail;
        mailbox->last = mail;
        mailbox->count++;
        const uint64_t one = 1;
        (void)!write(mailbox->event, &one, sizeof(one));
        pthread_cond_broadcast(&mailbox->condition);
    }
    pthread_mutex_unlock(&mailbox->mutex);
    if (!room)
        mem_free(mail);
    return room;
}

static Mail *take_locked(Mailbox *mailbox)
{
    Mail *mail = mailbox->first;
    if (mail) {
        mailbox->first = mail->next;
        mailbox->count--;
        mail->next = NULL;
    }
    if (!mailbox->first) {
        mailbox->last = NULL;
        uint64_t count;
        (void)!read(mailbox->event, &count, sizeof(count));
    }
    return mail;
}

Mail *mailbox_take(Mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    Mail *mail = take_locked(mailbox);
    pthread_mutex_unlock(&mailbox->mutex);
    return mail;
}

Mail *mailbox_wait(Mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    while (!mailbox->first && !mailbox->closed)
        condition_wait(&mailbox->condition, &mailbox->mutex, NULL);
    Mail *mail = take_locked(mailbox);
    pthread_mutex_unlock(&mailbox->mutex);
    return mail;
}

void mailbox_close(Mailbox *mailbox)
{
    pthread_mutex_lock(&mailbox->mutex);
    mailbox->closed = true;
    pthread_cond_broadcast(&mailbox->condition);
    pthread_mutex_unlock(&mailbox->mutex);
}
