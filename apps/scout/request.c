// What the options ask for: see request.h.
#include "request.h"

#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "table.h"
#include "terminal.h"

enum { HOTWORDS_MAX = 1000, HOTWORDS_MAX_BYTES = 1 << 20 };

static char *trim_item(char *item)
{
    item += strspn(item, " \t\r");
    size_t length = strlen(item);
    while (length && strchr(" \t\r", item[length - 1]))
        item[--length] = '\0';
    return item;
}

// Cuts the text at separators, in place.
static ScoutStatus cut_hotwords(Request *request, const char *separators, ScoutError *error)
{
    request->hotwords = mem_array(HOTWORDS_MAX, sizeof(*request->hotwords));
    if (!request->hotwords)
        return error_no_memory(error);
    size_t count = 0;
    char *rest = request->hotword_text;
    for (char *item = strsep(&rest, separators); item; item = strsep(&rest, separators)) {
        item = trim_item(item);
        if (!*item)
            continue;
        if (count == HOTWORDS_MAX)
            return error_set(error, SCOUT_ERROR_LIMIT,
                             "--hotwords: more than %d words and phrases; keep the rare ones",
                             HOTWORDS_MAX);
        request->hotwords[count++] = item;
    }
    request->transcribe.hotwords = request->hotwords;
    request->transcribe.hotword_count = count;
    return SCOUT_OK;
}

static ScoutStatus read_hotwords(Request *request, const char *given, ScoutError *error)
{
    if (!given)
        return SCOUT_OK;
    Buffer text;
    buffer_init(&text, HOTWORDS_MAX_BYTES);
    bool file = *given == '@';
    ScoutStatus status = file ? file_read(given + 1, HOTWORDS_MAX_BYTES, &text, error) : SCOUT_OK;
    if (status)
        error_prefix(error, "--hotwords");
    if (!status && !file && !buffer_append_text(&text, given))
        status = error_no_memory(error);
    if (!status && !utf8_valid(buffer_text(&text), text.length))
        status =
            error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "--hotwords: the text is not UTF-8");
    if (!status && !(request->hotword_text = mem_copy_text(buffer_text(&text), text.length)))
        status = error_no_memory(error);
    buffer_done(&text);
    return status ? status : cut_hotwords(request, file ? "\n" : ",", error);
}

// The options that decide the text, with their values as typed; the same text, the same journal.
static ScoutStatus tell_options(Request *request, const Config *config, ScoutError *error)
{
    json_t *told = json_object();
    bool good = told != NULL;
    for (size_t i = OPTION_MODEL; good && i <= OPTION_COMPUTE; i++) {
        const ConfigOption *option = &scout_table.options[i];
        const char *text = config_text(config, i);
        if (i == OPTION_THREADS || i == OPTION_BATCH_SIZE || !text)
            continue;
        json_t *value = NULL;
        double numbers[CONFIG_NUMBERS_MAX];
        switch (option->type) {
        case CONFIG_FLAG: value = json_boolean(config_flag(config, i)); break;
        case CONFIG_INTEGER: value = json_integer(config_integer(config, i)); break;
        case CONFIG_NUMBER:
        case CONFIG_SECONDS: value = json_real(config_number(config, i)); break;
        case CONFIG_NUMBERS:
            value = json_array();
            for (size_t j = 0, count = config_numbers(config, i, numbers); j < count; j++)
                json_array_append_new(value, json_real(numbers[j]));
            break;
        case CONFIG_CHOICE:
        case CONFIG_TEXT: value = json_string(text); break;
        }
        good = json_object_set_new(told, option->name, value) == 0;
    }
    if (good && request->hotwords) {
        json_t *list = json_array();
        for (size_t i = 0; i < request->transcribe.hotword_count; i++)
            json_array_append_new(list, json_string(request->hotwords[i]));
        good = json_object_set_new(told, "hotwords", list) == 0;
    }
    good =
        good && json_object_set_new(told, "words", json_boolean(request->transcribe.words)) == 0 &&
        json_object_set_new(told, "alternatives", json_integer(request->transcribe.alternatives)) ==
            0;
    request->told = told;
    return good ? SCOUT_OK
                : error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "an option's text is not UTF-8");
}

static void set_writer(Request *request, const Config *config)
{
    request->writer = (WriterOptions){
        .format = (FormatId)config_choice(config, OPTION_FORMAT),
        .words = config_flag(config, OPTION_WORDS) || config_integer(config, OPTION_ALTERNATIVES),
        .max_line_width = (size_t)config_integer(config, OPTION_MAX_LINE_WIDTH),
        .max_lines = (size_t)config_integer(config, OPTION_MAX_LINES),
        .columns = terminal_output_columns(),
        .colour = terminal_output_colour() && !config_text(config, OPTION_OUTPUT_DIR),
    };
}

static bool cuts_subtitles(const WriterOptions *writer)
{
    return writer->max_line_width && (writer->format == FORMAT_SRT || writer->format == FORMAT_VTT);
}

static void set_transcribe(Request *request, const Config *config)
{
    ScoutTranscribeOptions *options = &request->transcribe;
    options->model = config_text(config, OPTION_MODEL);
    options->language = config_text(config, OPTION_LANGUAGE);
    options->task = (ScoutTask)config_choice(config, OPTION_TASK);
    options->prompt = config_text(config, OPTION_PROMPT);
    options->prefix = config_text(config, OPTION_PREFIX);
    // Subtitles are cut at the times of their words.
    options->words = request->writer.words || cuts_subtitles(&request->writer);
    options->alternatives = (int)config_integer(config, OPTION_ALTERNATIVES);
    options->beam_size = (int)config_integer(config, OPTION_BEAM_SIZE);
    options->best_of = (int)config_integer(config, OPTION_BEST_OF);
    options->patience = (float)config_number(config, OPTION_PATIENCE);
    if (config_text(config, OPTION_LENGTH_PENALTY))
        options->length_penalty = (float)config_number(config, OPTION_LENGTH_PENALTY);
    double temperatures[CONFIG_NUMBERS_MAX];
    options->temperature_count = config_numbers(config, OPTION_TEMPERATURE, temperatures);
    for (size_t i = 0; i < options->temperature_count; i++)
        options->temperatures[i] = (float)temperatures[i];
    const char *draft = config_text(config, OPTION_DRAFT);
    options->draft = draft && *draft ? draft : NULL; // --draft= takes back what a file says
    options->vad = config_flag(config, OPTION_VAD);
    options->full_window = config_flag(config, OPTION_FULL_WINDOW);
    options->condition_on_previous = config_flag(config, OPTION_CONDITION_ON_PREVIOUS);
    options->batch_size = (int)config_integer(config, OPTION_BATCH_SIZE);
    options->start_s = config_number(config, OPTION_START);
    options->end_s = config_number(config, OPTION_END);
    options->channel = (int)config_integer(config, OPTION_CHANNEL);
    options->max_seconds = config_number(config, OPTION_MAX_DURATION);
}

ScoutStatus request_init(Request *request, const Config *config, ScoutError *error)
{
    *request = (Request){0};
    scout_engine_options_init(&request->engine);
    scout_transcribe_options_init(&request->transcribe);
    request->engine.models_folder = config_text(config, OPTION_MODELS_DIR);
    request->engine.cpu = config_text(config, OPTION_CPU);
    request->engine.decoder = config_text(config, OPTION_DECODER);
    request->engine.threads = (int)config_integer(config, OPTION_THREADS);
    request->engine.compute = (ScoutCompute)config_choice(config, OPTION_COMPUTE);
    set_writer(request, config);
    set_transcribe(request, config);
    const ScoutTranscribeOptions *options = &request->transcribe;
    ScoutStatus status = SCOUT_OK;
    if (config_text(config, OPTION_END) && options->end_s <= options->start_s)
        status = error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                           "--end %s is not after --start %s: nothing would be left",
                           config_text(config, OPTION_END), config_text(config, OPTION_START));
    if (!status)
        status = read_hotwords(request, config_text(config, OPTION_HOTWORDS), error);
    if (!status)
        status = tell_options(request, config, error);
    if (status)
        request_done(request);
    return status;
}

void request_done(Request *request)
{
    json_decref(request->told);
    mem_free(request->hotword_text);
    mem_free(request->hotwords);
    *request = (Request){0};
}
