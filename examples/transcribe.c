// Transcribes a file with libscout and prints each segment as it comes.
//
//     cc transcribe.c $(pkg-config --cflags --libs scout) -o transcribe
//     ./transcribe recording.mp3
#include <stdio.h>

#include <scout/speech.h>

static int on_event(void *context, const ScoutEvent *event)
{
    (void)context;
    if (event->type == SCOUT_EVENT_SEGMENT) {
        const ScoutSegment *segment = &event->u.segment;
        printf("[%8.2f - %8.2f]%s\n", segment->start_s, segment->end_s, segment->text);
        fflush(stdout);
    }
    return 0; // anything else would stop the transcription
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s RECORDING\n", argv[0]);
        return 2;
    }
    ScoutError error;
    ScoutEngine *engine = NULL;
    ScoutTranscript *transcript = NULL;

    ScoutStatus status = scout_engine_new(NULL, &engine, &error);
    if (!status)
        status =
            scout_transcribe_file(engine, argv[1], NULL, on_event, NULL, NULL, &transcript, &error);
    if (status)
        fprintf(stderr, "%s: %s\n", argv[1], error.message);
    else
        printf("%s, %.1f s of audio in %.1f s\n", scout_transcript_language(transcript)->name,
               scout_transcript_duration_s(transcript),
               scout_transcript_timings(transcript)->total_s);

    scout_transcript_free(transcript);
    scout_engine_free(engine);
    return status ? 1 : 0;
}
