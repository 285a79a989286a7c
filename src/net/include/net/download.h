// Downloads one file over HTTP or HTTPS, resuming what an earlier try left, and checks what came.
#ifndef NET_DOWNLOAD_H
#define NET_DOWNLOAD_H

#include <stdint.h>

#include "base/cancel.h"
#include "base/status.h"

typedef struct NetDownload {
    const char *url;    // http:// or https://
    const char *path;   // where the file is put when it is whole; PATH.part holds it until then
    const char *sha256; // expected, 64 hexadecimal digits; NULL: not checked
    uint64_t max_bytes; // a larger file is refused; 0: 16 GiB
    const Cancel *cancel;
    // total is 0 while unknown. May be NULL.
    void (*progress)(void *context, uint64_t received, uint64_t total);
    void *context;
} NetDownload;

// Blocks until done. An interrupted or failed transfer keeps PATH.part, and the next call goes on
// from there. INVALID_ARGUMENT for another kind of address, NETWORK when the server cannot be
// reached or refuses, LIMIT, CANCELLED, CORRUPT when the checksum differs (PATH.part is then
// removed), and the errors of writing. Any thread.
ScoutStatus net_download(const NetDownload *download, ScoutError *error);

#endif
