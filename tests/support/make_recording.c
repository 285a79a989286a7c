// Makes a recording's folder as an interrupted process leaves it, for tests of what recovers it.
//     make_recording FOLDER WAV FROM TO [--hold]
// The journal holds the seconds FROM to TO of a plain 16 kHz mono WAV, and no text. With --hold the
// process stays alive until its standard input ends, the journal open.
#include "audio/journal.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>

enum { RATE = 16000, WAV_HEADER_BYTES = 44, STEP = RATE / 50 };

static int fail(const char *what)
{
    (void)fprintf(stderr, "make_recording: %s\n", what);
    return 1;
}

int main(int argc, char **argv)
{
    double from_s = 0, to_s = 0;
    if (argc < 5 || !str_to_double(argv[3], 0, 1e6, &from_s) ||
        !str_to_double(argv[4], from_s, 1e6, &to_s))
        return fail("FOLDER WAV FROM TO [--hold]");
    FILE *wav = fopen(argv[2], "rb");
    if (!wav || fseek(wav, WAV_HEADER_BYTES + (long)(from_s * RATE) * 2, SEEK_SET) != 0)
        return fail("cannot read the WAV");
    char *path = path_join(argv[1], "journal");
    Journal *journal = NULL;
    ScoutError error = {0};
    if (!path || file_make_folders(argv[1], &error) ||
        journal_create(path, &(JournalOptions){0}, &journal, &error))
        return fail(error.message);
    int16_t samples[STEP];
    uint64_t position = 0;
    while (position < (uint64_t)((to_s - from_s) * RATE)) {
        const size_t got = fread(samples, sizeof *samples, STEP, wav);
        if (got == 0 || journal_append_frames(journal, position, samples, got, &error))
            break;
        position += got;
    }
    (void)fclose(wav);
    if (journal_flush(journal, -1, NULL, &error))
        return fail(error.message);
    if (argc > 5) {
        (void)puts("holding");
        (void)fflush(stdout);
        while (getchar() != EOF)
            ;
    }
    mem_free(path);
    return journal_close(journal, false, 10000, &error) ? fail(error.message) : 0;
}
