// What the models commands share.
#ifndef SCOUT_MODELS_COMMON_H
#define SCOUT_MODELS_COMMON_H

#include <stdint.h>

#include <scout/models.h>

const char *models_kind_name(ScoutModelKind kind);
void models_size_text(uint64_t bytes, char out[32]); // "141.2 MB"

// A ScoutModelProgress whose context is the label to show.
int models_progress(void *context, double fraction);

// Says what failed; the exit status.
int models_failed(ScoutStatus status, const ScoutError *error);

#endif
