// The built-in list of the filter, which is off unless somebody wants it: English, the words that
// broadcasters bleep. A word with * stands for all words that begin so; compounds that are innocent
// (Scunthorpe, cockpit) are why most stand without.
#include "languages.h"

#include <stddef.h>

const char *const polish_profanities[] = {
    "fuck*",    "motherfuck*", "shit",     "shits",    "shitty", "shitting",  "bullshit*",
    "asshole*", "arsehole*",   "bastard*", "bitch*",   "cunt*",  "dickhead*", "cocksuck*",
    "wanker*",  "twat",        "twats",    "prick",    "pricks", "slut*",     "whore*",
    "piss",     "pissed",      "pissing",  "bollocks", NULL,
};
