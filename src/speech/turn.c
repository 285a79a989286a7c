// Taking and passing on the schedule's turn: see turn.h.
#include "turn.h"

enum { STEPS_A_TURN = 4 };

void turn_take(Turn *turn)
{
    schedule_enter(turn->schedule);
    turn->held = true;
    turn->steps = 0;
}

void turn_leave(Turn *turn)
{
    if (!turn->held)
        return;
    turn->held = false;
    schedule_leave(turn->schedule);
}

ScoutStatus turn_step(Turn *turn, ScoutError *error)
{
    if (cancel_is_raised(turn->cancel))
        return error_set(error, SCOUT_ERROR_CANCELLED, "the transcription was cancelled");
    if (++turn->steps >= STEPS_A_TURN) {
        turn_leave(turn);
        turn_take(turn);
    }
    return SCOUT_OK;
}
