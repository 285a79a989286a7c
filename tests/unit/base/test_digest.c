// Checksums against the published vectors.
#include "base/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void check_hex(const uint8_t digest[DIGEST_BYTES], const char *expected)
{
    char hex[DIGEST_HEX];
    digest_to_hex(digest, hex);
    assert_string_equal(hex, expected);
}

static void test_crc32(void **state)
{
    (void)state;
    assert_int_equal(digest_crc32(0, "", 0), 0);
    // The check value of CRC-32/ISO-HDLC.
    assert_int_equal(digest_crc32(0, "123456789", 9), 0xCBF43926);
    uint32_t crc = digest_crc32(0, "1234", 4);
    assert_int_equal(digest_crc32(crc, NULL, 0), crc);
    assert_int_equal(digest_crc32(crc, "56789", 5), 0xCBF43926);
}

static void test_siphash(void **state)
{
    (void)state;
    uint8_t key[DIGEST_KEY_BYTES], message[15];
    for (uint8_t i = 0; i < sizeof key; i++)
        key[i] = i;
    for (uint8_t i = 0; i < sizeof message; i++)
        message[i] = i;
    // The paper's appendix A, and the first row of its reference code's vectors.
    assert_true(digest_siphash(key, message, sizeof message) == 0xa129ca6149be45e5);
    assert_true(digest_siphash(key, NULL, 0) == 0x726fdb47dd0e0e31);
    key[0] = 1;
    assert_true(digest_siphash(key, message, sizeof message) != 0xa129ca6149be45e5);
}

static void test_sha256(void **state)
{
    (void)state;
    uint8_t digest[DIGEST_BYTES];
    // FIPS 180-2, appendix B.1, and the empty message.
    digest_sha256("abc", 3, digest);
    check_hex(digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_sha256(NULL, 0, digest);
    check_hex(digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_blake2b(void **state)
{
    (void)state;
    uint8_t digest[DIGEST_BYTES];
    // Python: hashlib.blake2b(b'abc', digest_size=32), and of nothing.
    digest_blake2b("abc", 3, digest);
    check_hex(digest, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
    digest_blake2b(NULL, 0, digest);
    check_hex(digest, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
}

// Longer than one read.
static void test_sha256_of_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/scout-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "w");
    assert_non_null(file);
    // FIPS 180-2, appendix B.3: a million times "a".
    for (int i = 0; i < 1000000; i++)
        assert_int_equal(fputc('a', file), 'a');
    assert_int_equal(fclose(file), 0);
    uint8_t digest[DIGEST_BYTES];
    assert_int_equal(digest_sha256_file(path, digest, NULL), SCOUT_OK);
    check_hex(digest, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_int_equal(unlink(path), 0);
    ScoutError error = {0};
    assert_int_equal(digest_sha256_file(path, digest, &error), SCOUT_ERROR_NOT_FOUND);
    assert_non_null(strstr(error.message, path));
    assert_int_equal(digest_sha256_file("/tmp", digest, &error), SCOUT_ERROR_INVALID_ARGUMENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc32),
        cmocka_unit_test(test_siphash),
        cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_blake2b),
        cmocka_unit_test(test_sha256_of_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
