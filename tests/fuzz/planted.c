// A harness with mistakes, to test the driver: the input's first byte chooses one. See
// test_replay.c.
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    switch (size ? data[0] : 0) {
    case 'a': abort();
    case 'e': exit(0);
    case 'r': {
        const volatile uint8_t *beyond = data + size;
        return *beyond != 0; // any value: it is never reached
    }
    case 'w': // only found by trying
        if (size >= 4 && memcmp(data, "w\xff\xff\xff", 4) == 0)
            abort();
        break;
    default: break;
    }
    return 0;
}
