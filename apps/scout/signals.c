// Ctrl-C and SIGTERM: see signals.h.
#include "signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "exits.h"
#include "terminal.h"

static Cancel interrupted;
static _Atomic(ScoutCancel *) transcription;
static void (*_Atomic on_stop)(void *context);
static void *_Atomic stop_context;

static void on_signal(int number)
{
    (void)number;
    if (cancel_is_raised(&interrupted)) {
        terminal_leave_now();
        _exit(EXIT_INTERRUPTED);
    }
    cancel_raise(&interrupted);
    scout_cancel_raise(atomic_load(&transcription));
    void (*stop)(void *context) = atomic_load(&on_stop);
    if (stop)
        stop(atomic_load(&stop_context));
}

void signals_init(void)
{
    cancel_init(&interrupted);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    // A shell that starts a program in the background tells it to ignore SIGINT: so be it.
    struct sigaction before;
    if (sigaction(SIGINT, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    action = (struct sigaction){.sa_handler = SIG_IGN};
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigaction(SIGXFSZ, &action, NULL);
}

void signals_set_cancel(ScoutCancel *cancel)
{
    atomic_store(&transcription, cancel);
    if (cancel_is_raised(&interrupted))
        scout_cancel_raise(cancel);
}

void signals_set_stop(void (*stop)(void *context), void *context)
{
    atomic_store(&on_stop, NULL);
    atomic_store(&stop_context, context);
    atomic_store(&on_stop, stop);
    if (stop && cancel_is_raised(&interrupted))
        stop(context);
}

bool signals_interrupted(void)
{
    return cancel_is_raised(&interrupted);
}

const Cancel *signals_cancel(void)
{
    return &interrupted;
}
