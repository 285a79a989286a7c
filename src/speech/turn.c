// Taking and passing on the schedule's turn: see turn.h.
#include "speech/turn.h"

void turn_take(Turn *turn)
{
    if (turn->held)
        return;
    (void)schedule_enter(turn->schedule, &turn->client, NULL);
    turn->held = true;
}

void turn_leave(Turn *turn)
{
    if (!turn->held)
        return;
    turn->held = false;
    schedule_leave(turn->schedule, &turn->client);
}

ScoutStatus turn_check(const Turn *turn, ScoutError *error)
{
    if (cancel_is_raised(turn->cancel))
        return error_set(error, SCOUT_ERROR_CANCELLED, "the transcription was cancelled");
    return SCOUT_OK;
}

ScoutStatus turn_step(Turn *turn, ScoutError *error)
{
    ScoutStatus status = turn_check(turn, error);
    if (status == SCOUT_OK && turn->held && schedule_is_wanted(turn->schedule, &turn->client))
        turn_leave(turn);
    if (status == SCOUT_OK)
        turn_take(turn);
    return status;
}
