// Taking and passing on the schedule's turn: see turn.h.
#include "speech/turn.h"

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
    if (status != SCOUT_OK)
        return status;
    if (turn->held && schedule_is_wanted(turn->schedule, &turn->client))
        turn_leave(turn);
    if (!turn->held)
        turn->held =
            schedule_enter(turn->schedule, &turn->client, NULL, turn->cancel) == SCHEDULE_HELD;
    return turn->held ? SCOUT_OK : turn_check(turn, error);
}
