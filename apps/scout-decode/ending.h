// How decoding ends, told in the same words whoever decodes.
#ifndef SCOUT_DECODE_ENDING_H
#define SCOUT_DECODE_ENDING_H

#include <stdbool.h>

#include "decode.h"
#include "sink.h"

typedef enum Ending {
    ENDING_INPUT, // all of the input was read
    ENDING_PART,  // all that was asked for was sent
    ENDING_LIMIT  // failure says which
} Ending;

// Sends what the sink still holds, and tells why nothing more comes.
Ending ending_find(const DecodeOptions *options, const Input *input, Sink *sink,
                   ProtocolError *failure);

// Whether reading failed, or the input, of which seen_end_s was seen, ends long before claimed_s.
// Then problem says so of the second at_s.
bool ending_is_early(const Input *input, double at_s, double seen_end_s, double claimed_s,
                     ProtocolProblem *problem);

#endif
