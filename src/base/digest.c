// Checksums by zlib and libsodium: see digest.h.
#include "base/digest.h"

#include "base/memory.h"

#include <sodium.h>
#include <zlib.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

enum { DIGEST_READ_BYTES = 256 * 1024 };

_Static_assert(crypto_shorthash_KEYBYTES == DIGEST_KEY_BYTES, "SipHash has another key");
_Static_assert(crypto_hash_sha256_BYTES == DIGEST_BYTES, "SHA-256 has another size");

uint32_t digest_crc32(uint32_t crc, const void *bytes, size_t length)
{
    // zlib takes NULL for "give me the start value", whatever crc is.
    return length ? (uint32_t)crc32_z(crc, bytes, length) : crc;
}

uint64_t digest_siphash(const uint8_t key[DIGEST_KEY_BYTES], const void *bytes, size_t length)
{
    uint8_t hash[crypto_shorthash_BYTES];
    (void)crypto_shorthash(hash, bytes, length, key);
    uint64_t value = 0;
    for (size_t i = sizeof hash; i > 0; i--)
        value = value << 8 | hash[i - 1];
    return value;
}

// Hashing is right without it: sodium_init picks the fastest code for this processor, and its
// failure (no random numbers) does not matter here.
static void prepare_sodium(void)
{
    int result BASE_UNUSED = sodium_init();
}

void digest_blake2b(const void *bytes, size_t length, uint8_t out[DIGEST_BYTES])
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, prepare_sodium);
    (void)crypto_generichash(out, DIGEST_BYTES, bytes, length, NULL, 0);
}

void digest_sha256(const void *bytes, size_t length, uint8_t out[DIGEST_BYTES])
{
    (void)crypto_hash_sha256(out, bytes, length);
}

static ScoutStatus hash_descriptor(int fd, const char *path, uint8_t out[DIGEST_BYTES],
                                   ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) uint8_t *block = mem_array(DIGEST_READ_BYTES, 1);
    if (!block)
        return error_no_memory(error);
    crypto_hash_sha256_state state;
    (void)crypto_hash_sha256_init(&state);
    for (;;) {
        ssize_t got = read(fd, block, DIGEST_READ_BYTES);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(error, errno, "cannot read %s", path);
        if (got == 0)
            break;
        (void)crypto_hash_sha256_update(&state, block, (size_t)got);
    }
    (void)crypto_hash_sha256_final(&state, out);
    return SCOUT_OK;
}

ScoutStatus digest_sha256_file(const char *path, uint8_t out[DIGEST_BYTES], ScoutError *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, errno, "cannot open %s", path);
    ScoutStatus status = hash_descriptor(fd, path, out, error);
    (void)close(fd);
    return status;
}

void digest_to_hex(const uint8_t digest[DIGEST_BYTES], char hex[DIGEST_HEX])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < DIGEST_BYTES; i++) {
        hex[2 * i] = digits[digest[i] >> 4];
        hex[2 * i + 1] = digits[digest[i] & 15];
    }
    hex[2 * (size_t)DIGEST_BYTES] = '\0';
}
