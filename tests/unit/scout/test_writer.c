// The formats: the characters that mean something to them, times at their edges, cues in order.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "writer.h"

static const ScoutWord words[] = {{.text = " It's", .start_s = 3599.999, .end_s = 3600.5},
                                  {.text = " <b>", .start_s = 3600.5, .end_s = 3601}};

static const ScoutSegment segments[] = {
    {.id = 0,
     .start_s = 0,
     .end_s = 1.0006,
     .text = " a \"b\", *c* & <d>\n-->\te ",
     .language = "en"},
    {.id = 1, .start_s = 0.5, .end_s = 0.7, .text = " overlaps", .language = "en"},
    {.id = 2, .start_s = 2, .end_s = 3, .text = "   ", .language = "en"},
    {.id = 3,
     .start_s = 3599.9996,
     .end_s = 360000,
     .text = " It's <b>",
     .language = "en",
     .words = words,
     .word_count = 2},
};

static void gives(const WriterOptions *options, const char *expected)
{
    View view = {.file = "x_y.wav",
                 .model = "base",
                 .task = "transcribe",
                 .language = {.code = "en", .name = "english", .probability = 1},
                 .segments = segments,
                 .segment_count = 4,
                 .duration_s = 360000};
    Writer writer;
    writer_init(&writer, options);
    writer_begin(&writer, &view);
    for (size_t i = 0; i < view.segment_count; i++)
        writer_segment(&writer, &view, &segments[i]);
    writer_end(&writer, &view);
    writer_close(&writer);
    assert_false(writer.out.failed);
    assert_string_equal(buffer_text(&writer.out), expected);
    writer_done(&writer);
}

static void text(void **state)
{
    (void)state;
    gives(&(WriterOptions){.format = FORMAT_TEXT},
          "a \"b\", *c* & <d> -->\te\noverlaps\nIt's <b>\n");
    gives(&(WriterOptions){.format = FORMAT_TEXT, .several = true},
          "==> x_y.wav <==\na \"b\", *c* & <d> -->\te\noverlaps\nIt's <b>\n");
}

static void subtitles_never_overlap(void **state)
{
    (void)state;
    gives(&(WriterOptions){.format = FORMAT_SRT},
          "1\n00:00:00,000 --> 00:00:01,001\na \"b\", *c* & <d> --> e\n\n"
          "2\n00:00:01,001 --> 00:00:01,002\noverlaps\n\n"
          "3\n01:00:00,000 --> 100:00:00,000\nIt's <b>\n\n");
}

static void vtt(void **state)
{
    (void)state;
    gives(&(WriterOptions){.format = FORMAT_VTT, .words = true},
          "WEBVTT\n\n00:00:00.000 --> 00:00:01.001\n"
          "a <00:00:00.095>\"b\", <00:00:00.334>*c* <00:00:00.524>&amp; <00:00:00.619>&lt;d&gt; "
          "<00:00:00.762>--&gt; <00:00:00.905>e\n\n"
          "00:00:01.001 --> 00:00:01.002\noverlaps\n\n"
          "01:00:00.000 --> 100:00:00.000\nIt's <01:00:00.500>&lt;b&gt;\n\n");
}

static void tables(void **state)
{
    (void)state;
    gives(&(WriterOptions){.format = FORMAT_TSV},
          "start\tend\ttext\n0\t1001\ta \"b\", *c* & <d> --> e\n500\t700\toverlaps\n"
          "2000\t3000\t\n3600000\t360000000\tIt's <b>\n");
    gives(&(WriterOptions){.format = FORMAT_CSV},
          "start,end,text\r\n0.000,1.001,\"a \"\"b\"\", *c* & <d>\n-->\te\"\r\n"
          "0.500,0.700,overlaps\r\n2.000,3.000,\r\n3600.000,360000.000,It's <b>\r\n");
}

static void lyrics(void **state)
{
    (void)state;
    gives(&(WriterOptions){.format = FORMAT_LRC, .words = true},
          "[re:scout]\n[00:00.00]a \"b\", *c* & <d> -->\te\n[00:00.50]overlaps\n"
          "[60:00.00]<60:00.00>It's <60:00.50><b>\n");
}

static void markdown(void **state)
{
    (void)state;
    gives(&(WriterOptions){.format = FORMAT_MD},
          "# x\\_y.wav\n\n## 0:00:00\n\n**0:00:00** a \"b\", \\*c\\* & \\<d\\> --\\>\te\n"
          "\n**0:00:00** overlaps\n\n## 0:55:00\n\n**0:59:59** It's \\<b\\>\n");
}

static void arrays_of_json(void **state)
{
    (void)state;
    Writer writer;
    writer_init(&writer, &(WriterOptions){.format = FORMAT_JSON, .several = true});
    writer_failed(&writer, "a", "b\"");
    writer_failed(&writer, "c", "d");
    writer_close(&writer);
    assert_string_equal(buffer_text(&writer.out),
                        "[\n{\n  \"file\": \"a\",\n  \"error\": \"b\\\"\"\n},\n"
                        "{\n  \"file\": \"c\",\n  \"error\": \"d\"\n}\n]\n");
    writer_done(&writer);
    writer_init(&writer, &(WriterOptions){.format = FORMAT_JSON, .several = true});
    writer_close(&writer);
    assert_string_equal(buffer_text(&writer.out), "[]\n");
    writer_done(&writer);
    writer_init(&writer, &(WriterOptions){.format = FORMAT_SRT});
    writer_failed(&writer, "a", "b");
    writer_close(&writer);
    assert_string_equal(buffer_text(&writer.out), "");
    writer_done(&writer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text),
        cmocka_unit_test(subtitles_never_overlap),
        cmocka_unit_test(vtt),
        cmocka_unit_test(tables),
        cmocka_unit_test(lyrics),
        cmocka_unit_test(markdown),
        cmocka_unit_test(arrays_of_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
