// What the options ask the engine for, checked and put into libscout's structs.
#ifndef SCOUT_REQUEST_H
#define SCOUT_REQUEST_H

#include <jansson.h>

#include <scout/speech.h>

#include "config/config.h"
#include "writer.h"

typedef struct Request {
    ScoutTranscribeOptions transcribe; // its texts are borrowed from the Config and from here
    ScoutEngineOptions engine;
    WriterOptions writer;
    json_t *told; // the options that decide the text, for JSON and for the journal
    char *hotword_text;
    const char **hotwords;
} Request;

// INVALID_ARGUMENT, or what reading a file of hotwords gave.
ScoutStatus request_init(Request *request, const Config *config, ScoutError *error);
void request_done(Request *request);

#endif
