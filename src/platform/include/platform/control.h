// A socket by which `scout dictate start` talks to the dictation that runs: one short request, one
// short answer, each one line of UTF-8.
//
// It lies in $XDG_RUNTIME_DIR/scout, which only its user can enter, and takes requests from that
// user alone. The owner of a ControlServer waits for its descriptor together with whatever else it
// waits for, then serves; a client that says nothing holds up nobody. One owner thread each.
#ifndef PLATFORM_CONTROL_H
#define PLATFORM_CONTROL_H

#include <stddef.h>

#include "base/status.h"

enum {
    CONTROL_REQUEST_MAX = 256, // bytes, the line's end included
    CONTROL_ANSWER_MAX = 4096,
    CONTROL_CLIENTS_MAX = 8,
    CONTROL_CLIENT_MS = 2000, // a client that has not finished its request by then is hung up on
};

typedef struct ControlServer ControlServer;

// $XDG_RUNTIME_DIR/scout/NAME.socket, a new string to be freed with mem_free. NOT_FOUND when there
// is no such folder (then the message says so), PERMISSION when others can write to it.
ScoutStatus control_path(const char *name, char **path, ScoutError *error);

// Starts to listen; a socket that a killed process left is replaced. BUSY when one that runs has it
// (the message says so), IO, PERMISSION.
ScoutStatus control_server_new(const char *path, ControlServer **server, ScoutError *error);

// Removes the socket.
void control_server_free(ControlServer *server);

// Readable when a client has something; it also becomes so when one is to be hung up on.
int control_server_descriptor(const ControlServer *server);

// Answers a request: a line without its end. The answer goes into out, without a line's end, too.
typedef void (*ControlHandler)(void *context, const char *request, char *out, size_t size);

// Takes what has come, without waiting, and calls the handler for each whole request.
void control_server_serve(ControlServer *server, ControlHandler handler, void *context);

// Asks the server: NOT_FOUND when none listens there, TIMEOUT, LIMIT, IO. Blocks for at most
// timeout_ms.
ScoutStatus control_ask(const char *path, const char *request, char *answer_text, size_t size,
                        int timeout_ms, ScoutError *error);

#endif
