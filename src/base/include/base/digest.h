// Checksums: CRC-32 for headers that are checked at every open, SipHash for records of one file,
// BLAKE2b-256 and SHA-256 for content.
#ifndef BASE_DIGEST_H
#define BASE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { DIGEST_BYTES = 32, DIGEST_HEX = 65 };

uint32_t digest_crc32(uint32_t crc, const void *bytes, size_t length); // start with 0

// SipHash-2-4: a checksum that only who knows the key can make, so that bytes which look right but
// come from elsewhere do not pass.
enum { DIGEST_KEY_BYTES = 16 };
uint64_t digest_siphash(const uint8_t key[DIGEST_KEY_BYTES], const void *bytes, size_t length);

void digest_blake2b(const void *bytes, size_t length, uint8_t out[DIGEST_BYTES]);
void digest_sha256(const void *bytes, size_t length, uint8_t out[DIGEST_BYTES]);
ScoutStatus digest_sha256_file(const char *path, uint8_t out[DIGEST_BYTES], ScoutError *error);

void digest_to_hex(const uint8_t digest[DIGEST_BYTES], char hex[DIGEST_HEX]);

#endif
