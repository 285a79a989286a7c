// Messages from one thread to another, in order: what was heard, what to put where, what to tell.
#ifndef SCOUT_MAILBOX_H
#define SCOUT_MAILBOX_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

typedef struct Mail {
    struct Mail *next;
    int kind;      // what it means is between sender and receiver
    double at_s;   // as is this
    size_t number; // and this
    size_t length;
    char text[]; // NUL-terminated
} Mail;

enum { MAILBOX_MAX = 100000 }; // hours of speech that nobody took

typedef struct Mailbox {
    pthread_mutex_t mutex;
    pthread_cond_t condition;
    Mail *first, *last;
    size_t count;
    bool closed;
    int event; // readable while there is mail
} Mailbox;

ScoutStatus mailbox_init(Mailbox *mailbox, ScoutError *error);
void mailbox_done(Mailbox *mailbox);

// Any thread. False when memory is out or too much was not taken. text may be NULL.
bool mailbox_post(Mailbox *mailbox, int kind, double at_s, size_t number, const char *text,
                  size_t length);

// The next one, to be freed with mem_free, or NULL.
Mail *mailbox_take(Mailbox *mailbox);

// The same, but waits for it; NULL when the mailbox was closed and is empty.
Mail *mailbox_wait(Mailbox *mailbox);
void mailbox_close(Mailbox *mailbox);

#endif
