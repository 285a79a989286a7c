// What the decoder says: see output.h.
#include "output.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

enum { EXIT_CANNOT_WRITE = 3, PROGRESS_NS = 200 * 1000 * 1000 };

void output_init(Output *output, int fd)
{
    *output = (Output){.fd = fd, .last_ns = clock_monotonic_ns()};
}

static void send_frame(Output *output, size_t length)
{
    const uint8_t *bytes = output->frame;
    while (length) {
        ssize_t count = write(output->fd, bytes, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            _exit(EXIT_CANNOT_WRITE); // nobody is left to tell
        bytes += count;
        length -= (size_t)count;
    }
    output->last_ns = clock_monotonic_ns();
}

static void send_audio(Output *output)
{
    if (output->gathered == 0)
        return;
    send_frame(output, protocol_put_audio(output->frame, output->audio, output->gathered));
    output->gathered = 0;
}

void output_hello(Output *output, const ProtocolHello *hello)
{
    send_frame(output, protocol_put_hello(output->frame, hello));
}

void output_info(Output *output, const ProtocolInfo *info)
{
    send_frame(output, protocol_put_info(output->frame, info));
}

void output_audio(Output *output, const float *samples, size_t count)
{
    output->samples += count;
    while (count) {
        size_t room = PROTOCOL_AUDIO_SAMPLES_MAX - output->gathered;
        size_t taken = count < room ? count : room;
        memcpy(output->audio + output->gathered, samples, taken * sizeof *samples);
        output->gathered += taken;
        samples += taken;
        count -= taken;
        if (output->gathered == PROTOCOL_AUDIO_SAMPLES_MAX)
            send_audio(output);
    }
}

void output_problem(Output *output, const ProtocolProblem *problem)
{
    if (output->problems < UINT32_MAX)
        output->problems++;
    if (output->problems > PROTOCOL_PROBLEMS_MAX)
        return;
    send_audio(output); // what was heard before it comes before it
    send_frame(output, protocol_put_problem(output->frame, problem));
}

void output_progress(Output *output, const ProtocolProgress *progress)
{
    if (clock_monotonic_ns() - output->last_ns < PROGRESS_NS)
        return;
    send_audio(output);
    send_frame(output, protocol_put_progress(output->frame, progress));
}

void output_end(Output *output)
{
    send_audio(output);
    ProtocolEnd end = {.samples = output->samples, .problems = output->problems};
    send_frame(output, protocol_put_end(output->frame, &end));
}

void output_error(Output *output, const ProtocolError *error)
{
    send_audio(output);
    send_frame(output, protocol_put_error(output->frame, error));
}
