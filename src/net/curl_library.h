// libcurl, loaded when something is to be fetched. With what it is linked to it takes longer to
// load than all the rest of a program that hardly ever needs it.
#ifndef NET_CURL_LIBRARY_H
#define NET_CURL_LIBRARY_H

#include <curl/curl.h>

#include "base/status.h"

// Its functions, by their own names and with their own types.
typedef struct CurlLibrary {
    __typeof__(curl_global_init) *global_init;
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_setopt) *setopt;
    __typeof__(curl_easy_getinfo) *getinfo;
    __typeof__(curl_easy_perform) *perform;
    __typeof__(curl_easy_strerror) *strerror;
} CurlLibrary;

// Loads and initialises it at the first call; any thread. NETWORK when it is not there.
ScoutStatus curl_library_get(const CurlLibrary **library, ScoutError *error);

#endif
