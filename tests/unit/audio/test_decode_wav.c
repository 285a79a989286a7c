// What WAV headers promise, and which promises are none.
#include "wav.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void put_u32(uint8_t *out, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static void put_name(uint8_t *out, const char *name)
{
    while (*name)
        *out++ = (uint8_t)*name++;
}

// RIFF, fmt and data of 16-bit stereo at 48 kHz; returns the bytes before the samples.
static size_t make_header(uint8_t *out, uint32_t data_bytes)
{
    put_name(out, "RIFF....WAVEfmt ");
    put_u32(out + 16, 16);
    put_u32(out + 20, 1 | 2U << 16);
    put_u32(out + 24, 48000);
    put_u32(out + 28, 192000);
    put_u32(out + 32, 4 | 16U << 16);
    put_name(out + 36, "data");
    put_u32(out + 40, data_bytes);
    return 44;
}

static void test_claim(void **state)
{
    (void)state;
    uint8_t head[64] = {0};
    WavClaim claim;
    assert_true(wav_read_claim(head, make_header(head, 123456), &claim));
    assert_int_equal(claim.data_at, 44);
    assert_int_equal(claim.data_bytes, 123456);
    assert_int_equal(claim.bytes_per_s, 192000);
}

static void test_placeholders_promise_nothing(void **state)
{
    (void)state;
    static const uint32_t sizes[] = {0, UINT32_MAX, UINT32_MAX - 44, INT32_MAX, INT32_MAX - 36};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t head[64] = {0};
        WavClaim claim;
        assert_false(wav_read_claim(head, make_header(head, sizes[i]), &claim));
    }
    uint8_t head[64] = {0};
    WavClaim claim;
    assert_true(wav_read_claim(head, make_header(head, 3000000000U), &claim)); // a real 3 GB
}

static void test_other_chunks_are_passed_over(void **state)
{
    (void)state;
    uint8_t plain[44];
    uint8_t head[128] = {0};
    WavClaim claim;
    (void)make_header(plain, 1000);
    memcpy(head, plain, 36);
    put_name(head + 36, "LIST");
    put_u32(head + 40, 5); // odd: one byte of padding follows
    put_name(head + 50, "data");
    put_u32(head + 54, 1000);
    assert_true(wav_read_claim(head, 58, &claim));
    assert_int_equal(claim.data_at, 58);
}

static void test_what_is_no_plain_wav(void **state)
{
    (void)state;
    uint8_t head[64] = {0};
    WavClaim claim;
    size_t length = make_header(head, 1000);
    for (size_t i = 0; i < length; i++)
        assert_false(wav_read_claim(head, i, &claim)); // cut anywhere
    head[0] = 'X';
    assert_false(wav_read_claim(head, length, &claim));
    (void)make_header(head, 1000);
    head[20] = 0x11; // ADPCM
    assert_false(wav_read_claim(head, length, &claim));
    (void)make_header(head, 1000);
    put_u32(head + 24, 0); // no rate
    assert_false(wav_read_claim(head, length, &claim));
    (void)make_header(head, 1000);
    put_u32(head + 16, UINT32_MAX); // a chunk without end
    assert_false(wav_read_claim(head, length, &claim));
}

// Whether the header, as it is after `at` was set to `value`, is that of a plain WAV.
static bool is_plain_with(size_t at, uint32_t value)
{
    uint8_t head[512];
    WavPlain plain;
    memset(head, 0x55, sizeof head);
    (void)make_header(head, 1000);
    if (at)
        put_u32(head + at, value);
    return wav_read_plain(head, sizeof head, &plain);
}

static void test_plain(void **state)
{
    (void)state;
    uint8_t head[64] = {0};
    WavPlain plain;
    size_t length = make_header(head, 1000);
    assert_true(wav_read_plain(head, sizeof head, &plain));
    assert_int_equal(plain.claim.data_at, 44);
    assert_int_equal(plain.claim.data_bytes, 1000);
    assert_int_equal(plain.format, PCM_S16);
    assert_string_equal(plain.codec, "pcm_s16le");
    assert_int_equal(plain.rate, 48000);
    assert_int_equal(plain.channels, 2);
    assert_int_equal(plain.block_bytes, 4);
    assert_true(wav_read_plain(head, length + 4, &plain));
    for (size_t i = 0; i < length + 4; i++)
        assert_false(wav_read_plain(head, i, &plain)); // cut before the first block ends
}

static void test_what_is_not_plain(void **state)
{
    (void)state;
    assert_true(is_plain_with(0, 0));
    assert_false(is_plain_with(20, 3 | 2U << 16));         // 16-bit floats
    assert_false(is_plain_with(20, 7 | 2U << 16));         // mu-law
    assert_false(is_plain_with(20, 0xFFFEU | 2U << 16));   // extensible, but says not how
    assert_false(is_plain_with(20, 1));                    // no channels
    assert_false(is_plain_with(20, 1 | 3U << 16));         // blocks of another size
    assert_false(is_plain_with(24, 0));                    // no rate
    assert_false(is_plain_with(24, UINT32_MAX));           //
    assert_false(is_plain_with(32, 4 | 12U << 16));        // 12 bits
    assert_false(is_plain_with(40, 0));                    // a length that is not known yet
    assert_false(is_plain_with(44, 0x4E1FF872));           // S/PDIF
    assert_false(is_plain_with(444, 0x0180FE7F));          // DTS, later on
    assert_false(is_plain_with(44, 0x55550000U | 0x770B)); // AC-3
}

static void test_an_act_is_not_plain(void **state)
{
    (void)state;
    uint8_t head[512] = {0};
    WavPlain plain;
    (void)make_header(head, 1000);
    assert_true(wav_read_plain(head, sizeof head, &plain));
    head[256] = 0x84;
    assert_false(wav_read_plain(head, sizeof head, &plain));
    head[255] = 1;
    assert_true(wav_read_plain(head, sizeof head, &plain));
}

static void test_chunk_names(void **state)
{
    (void)state;
    assert_true(wav_is_chunk((const uint8_t *)"LIST\x10\0\0\0"));
    assert_true(wav_is_chunk((const uint8_t *)"id3 \x10\0\0\0"));
    assert_false(wav_is_chunk((const uint8_t *)"\x01\0\xF0\xFFxxxx"));
    assert_false(wav_is_chunk((const uint8_t *)"\0\0\0\0\0\0\0\0"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claim),
        cmocka_unit_test(test_placeholders_promise_nothing),
        cmocka_unit_test(test_other_chunks_are_passed_over),
        cmocka_unit_test(test_what_is_no_plain_wav),
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_what_is_not_plain),
        cmocka_unit_test(test_an_act_is_not_plain),
        cmocka_unit_test(test_chunk_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
