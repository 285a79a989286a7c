// What `scout doctor` finds, one after the other, for people and for programs.
#ifndef SCOUT_FINDINGS_H
#define SCOUT_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/buffer.h"

typedef enum Health { HEALTH_GOOD, HEALTH_NOTE, HEALTH_BROKEN } Health;

typedef struct Findings {
    Buffer text;  // for people
    json_t *list; // for programs
    size_t broken;
    bool colour;
} Findings;

void findings_init(Findings *findings, bool colour);
void findings_done(Findings *findings);

void findings_add(Findings *findings, Health health, const char *what, const char *format, ...)
    BASE_PRINTF(4, 5);

// All of them; borrowed until findings_done. Nothing can be added afterwards.
Buffer *findings_report(Findings *findings, bool json);

#endif
