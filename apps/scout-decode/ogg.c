// Ogg pages: see ogg.h. RFC 3533, section 6.
#include "ogg.h"

#include <string.h>

enum { PAGE_HEADER_BYTES = 27, FLAGS_AT = 5, FLAG_END = 4 };

bool ogg_is_ended(const uint8_t *tail, size_t length)
{
    for (size_t left = length; left >= PAGE_HEADER_BYTES; left--) {
        const uint8_t *page = tail + left - PAGE_HEADER_BYTES;
        if (memcmp(page, "OggS", 5) == 0) // the fifth byte is the version, 0
            return page[FLAGS_AT] & FLAG_END;
    }
    return false;
}
