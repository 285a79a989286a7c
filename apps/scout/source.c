// Which sound is heard: see source.h.
#include "source.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buffer.h"
#include "base/file.h"
#include "base/str.h"
#include "exits.h"
#include "json_view.h"
#include "output.h"
#include "recordings.h"
#include "table.h"
#include "terminal.h"

enum { LIST_BYTES = 1 << 20 };

static ScoutStatus refuse_together(const Config *config, const char *with, ScoutError *error,
                                   const size_t *others, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (config_is_set(config, others[i]) &&
            config_origin(config, others[i]) == CONFIG_FROM_ARGUMENT)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "--%s does not go with %s",
                             scout_table.options[others[i]].name, with);
    }
    return SCOUT_OK;
}

static ScoutStatus set_raw(const Config *config, ScoutCaptureOptions *options, ScoutError *error)
{
    if (isatty(STDIN_FILENO))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "standard input is a terminal: pipe raw sound into it, such as "
                         "arecord -t raw -f S16_LE -r 16000 | scout listen --input -");
    options->source = SCOUT_SOURCE_RAW;
    options->fd = STDIN_FILENO;
    options->rate = (int)config_integer(config, OPTION_RATE);
    options->channels = (int)config_integer(config, OPTION_CHANNELS);
    options->format = (ScoutSampleFormat)config_choice(config, OPTION_SAMPLE_FORMAT);
    return SCOUT_OK;
}

static ScoutStatus set_file(const char *path, ScoutCaptureOptions *options, ScoutError *error)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return error_set_errno(error, errno, "cannot open %s", path);
    if (S_ISDIR(info.st_mode))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s is a folder: name a file in it",
                         path);
    options->source = SCOUT_SOURCE_FILE;
    options->path = path;
    return SCOUT_OK;
}

static ScoutStatus set_input(const Config *config, const char *input, ScoutCaptureOptions *options,
                             ScoutError *error)
{
    static const size_t others[] = {OPTION_DEVICE, OPTION_SYSTEM_AUDIO, OPTION_BOTH, OPTION_DRIVER};
    ScoutStatus status =
        refuse_together(config, "--input", error, others, sizeof others / sizeof *others);
    if (status)
        return status;
    options->real_time = !config_flag(config, OPTION_FAST);
    return str_equal(input, "-") ? set_raw(config, options, error)
                                 : set_file(input, options, error);
}

ScoutStatus source_set(const Config *config, ScoutCaptureOptions *options, ScoutError *error)
{
    const char *input = config_text(config, OPTION_INPUT);
    if (input && *input)
        return set_input(config, input, options, error);
    static const size_t others[] = {OPTION_FAST, OPTION_RATE, OPTION_CHANNELS,
                                    OPTION_SAMPLE_FORMAT};
    ScoutStatus status = refuse_together(config, "a device: it is for --input", error, others,
                                         sizeof others / sizeof *others);
    if (status)
        return status;
    const char *device = config_text(config, OPTION_DEVICE);
    const char *driver = config_text(config, OPTION_DRIVER);
    options->device = device && *device ? device : NULL;
    options->driver = driver && *driver ? driver : NULL;
    options->source = SCOUT_SOURCE_DEVICE;
    if (config_flag(config, OPTION_BOTH)) {
        options->source = SCOUT_SOURCE_DEVICE_AND_SYSTEM;
    } else if (config_flag(config, OPTION_SYSTEM_AUDIO)) {
        if (options->device)
            return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                             "--system-audio hears what the machine plays, and --device a "
                             "microphone: for both there is --with-system-audio");
        options->source = SCOUT_SOURCE_SYSTEM;
    }
    return SCOUT_OK;
}

// ---- The list

static void list_json(const ScoutDevice *devices, size_t count, Buffer *out)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:b}", "id", devices[i].id,
                                              "name", devices[i].name, "driver", devices[i].driver,
                                              "default", devices[i].is_default != 0, "monitor",
                                              devices[i].is_monitor != 0));
    if (!json_write(list, JSON_INDENT(2), out))
        out->failed = true;
    json_decref(list);
    (void)buffer_append_char(out, '\n');
}

static void list_group(const ScoutDevice *devices, size_t count, bool monitors, Buffer *out)
{
    for (size_t i = 0; i < count; i++) {
        if ((devices[i].is_monitor != 0) == monitors)
            (void)buffer_printf(out, "%s %s\n      %s\n", devices[i].is_default ? "  *" : "   ",
                                devices[i].name, devices[i].id);
    }
}

static bool any(const ScoutDevice *devices, size_t count, bool monitors)
{
    for (size_t i = 0; i < count; i++) {
        if ((devices[i].is_monitor != 0) == monitors)
            return true;
    }
    return false;
}

static void list_words(const ScoutDevice *devices, size_t count, Buffer *out)
{
    if (any(devices, count, false)) {
        (void)buffer_append_text(out, "Microphones (--device ID; * is the default):\n");
        list_group(devices, count, false, out);
    } else {
        (void)buffer_append_text(out, "There is no microphone: connect one or switch it on.\n");
    }
    if (any(devices, count, true)) {
        (void)buffer_append_text(
            out, "What the machine plays (--system-audio, --with-system-audio, or --device ID):\n");
        list_group(devices, count, true, out);
    }
}

void source_keep_safe(const Config *config, ScoutCaptureOptions *options, char **folder)
{
    ScoutError error;
    if (!config_flag(config, OPTION_KEEP_SAFE) || options->source == SCOUT_SOURCE_FILE ||
        options->recording != SCOUT_RECORD_NOTHING)
        return;
    *folder = recordings_home();
    if (!*folder)
        return;
    if (file_make_folders(*folder, &error)) {
        terminal_note("what is heard is in memory only: %s", error.message);
        return;
    }
    options->safety_folder = *folder;
}

int source_list(const Config *config)
{
    const char *driver = config_text(config, OPTION_DRIVER);
    ScoutDevices *devices = NULL;
    ScoutError error;
    if (scout_devices_new(driver && *driver ? driver : NULL, &devices, &error)) {
        terminal_error("%s", error.message);
        return EXIT_FAILED;
    }
    size_t count = 0;
    const ScoutDevice *list = scout_devices_list(devices, &count);
    Buffer out;
    buffer_init(&out, LIST_BYTES);
    if (config_choice(config, OPTION_FORMAT) == FORMAT_JSON ||
        config_choice(config, OPTION_FORMAT) == FORMAT_JSONL)
        list_json(list, count, &out);
    else
        list_words(list, count, &out);
    const int status = output_report(&out);
    buffer_done(&out);
    scout_devices_free(devices);
    return status;
}
