// Runs a fuzz harness without libFuzzer, in any build: over the files of its corpus, then over
// inputs made from them, the same ones every time. tests/README.md says how to use it.
//     replay_<name> [-n RUNS] [-o FOLDER] CORPUS
//     replay_<name> FILE...      only these inputs, in this process, as a debugger likes it
//
// A child does the work. The input it is at lies in memory that the parent shares; however the
// child ends (signal, sanitizer, exit, out of time), the parent writes that input to FOLDER. The
// input ends where a page that cannot be read begins, so reading past it is seen in every build.
#include "mutate.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    INPUT_MAX_BYTES = 1 << 20, // a multiple of every page size
    MADE_MAX_BYTES = 4096,     // of a made input, unless a seed is longer; libFuzzer's own rule
    SEEDS_MAX = 4096,
    INPUT_TIME_MAX_S = 20,
    MEMORY_MAX_MIB = 2048,
    LONG_FACTOR = 20, // SCOUT_TEST_LONG makes so many times more runs
    EXIT_USAGE = 2
};

// libFuzzer's interface to a harness.
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct Corpus {
    Seed seeds[SEEDS_MAX];
    char *names[SEEDS_MAX];
    size_t count;
    size_t longest;
} Corpus;

// Where the child is, for the parent.
typedef struct Progress {
    const uint8_t *input; // the same address in both
    size_t length;
    uint64_t run; // the seeds first, then the made inputs
    bool inside;  // the harness is running
    bool done;
} Progress;

typedef struct Replay {
    const char *program;
    const char *folder; // for inputs that fail
    uint64_t runs;
    Corpus corpus;
    uint8_t *room_end; // an input ends here; the next page cannot be read
    Progress *progress;
} Replay;

_Noreturn static void give_up(const char *what, const char *detail)
{
    (void)fprintf(stderr, "%s: %s\n", what, detail);
    exit(EXIT_USAGE);
}

static void *map_shared(size_t bytes)
{
    void *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED)
        give_up("mmap", "no memory");
    return place;
}

static void make_room(Replay *replay)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *room = map_shared(INPUT_MAX_BYTES + page);
    replay->room_end = room + INPUT_MAX_BYTES;
    if (mprotect(replay->room_end, page, PROT_NONE) != 0)
        give_up("mprotect", "no page to protect");
    replay->progress = map_shared(sizeof *replay->progress);
}

// The bytes are to be freed.
static Seed read_seed(const char *path)
{
    Buffer bytes;
    buffer_init(&bytes, INPUT_MAX_BYTES);
    ScoutError error;
    if (file_read(path, INPUT_MAX_BYTES, &bytes, &error) != SCOUT_OK)
        give_up("cannot use the input", error.message);
    if (!bytes.data && !buffer_reserve(&bytes, 1)) // an empty file
        give_up(path, "no memory");
    return (Seed){.bytes = (uint8_t *)bytes.data, .length = bytes.length};
}

static int is_input(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void read_corpus(const char *folder, Corpus *corpus)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, is_input, alphasort);
    if (count <= 0 || count > SEEDS_MAX)
        give_up(folder, "no folder with inputs");
    for (int i = 0; i < count; i++) {
        char *path = path_join(folder, entries[i]->d_name);
        if (!path)
            give_up(folder, "no memory");
        corpus->names[i] = path;
        corpus->seeds[i] = read_seed(path);
        corpus->longest = BASE_MAX(corpus->longest, corpus->seeds[i].length);
        free(entries[i]);
    }
    free(entries);
    corpus->count = (size_t)count;
}

static void forget_corpus(const Corpus *corpus)
{
    for (size_t i = 0; i < corpus->count; i++) {
        mem_free(corpus->seeds[i].bytes);
        mem_free(corpus->names[i]);
    }
}

static void run_input(const Replay *replay, const uint8_t *bytes, size_t length)
{
    uint8_t *input = replay->room_end - length;
    memcpy(input, bytes, length);
    replay->progress->input = input;
    replay->progress->length = length;
    replay->progress->inside = true;
    alarm(INPUT_TIME_MAX_S);
    (void)LLVMFuzzerTestOneInput(input, length);
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) == 0 && usage.ru_maxrss >> 10 > MEMORY_MAX_MIB) {
        (void)fprintf(stderr, "the input took %ld MiB of memory\n", usage.ru_maxrss >> 10);
        abort();
    }
    replay->progress->inside = false;
}

static void run_child(const Replay *replay)
{
    const Corpus *corpus = &replay->corpus;
    for (size_t i = 0; i < corpus->count; i++) {
        replay->progress->run = i;
        run_input(replay, corpus->seeds[i].bytes, corpus->seeds[i].length);
    }
    size_t size = BASE_MAX(corpus->longest, (size_t)MADE_MAX_BYTES);
    uint8_t *made = mem_array(size, 1);
    if (!made)
        give_up("memory", "exhausted");
    for (uint64_t number = 0; number < replay->runs; number++) {
        replay->progress->run = corpus->count + number;
        size_t length = mutate_make(number, corpus->seeds, corpus->count, made, size);
        run_input(replay, made, length);
    }
    alarm(0);
    mem_free(made);
    replay->progress->done = true;
}

static void describe_end(int status, char *out, size_t size)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        (void)snprintf(out, size, "took more than %d s", INPUT_TIME_MAX_S);
    else if (WIFSIGNALED(status))
        (void)snprintf(out, size, "%s", strsignal(WTERMSIG(status)));
    else
        (void)snprintf(out, size, "exit status %d", WEXITSTATUS(status));
}

// Says how the child died, and keeps the input it died of.
static void report(const Replay *replay, int status)
{
    const Progress *progress = replay->progress;
    char end[64];
    describe_end(status, end, sizeof end);
    if (!progress->inside) {
        (void)fprintf(stderr, "%s: %s, but inside no input: a leak?\n", replay->program, end);
        return;
    }
    const char *seed =
        progress->run < replay->corpus.count ? replay->corpus.names[progress->run] : "a made input";
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s-%" PRIu64, replay->folder, path_base(replay->program),
                   progress->run);
    ScoutError error = {.message = ""};
    bool kept = file_write(path, progress->input, progress->length, true, &error) == SCOUT_OK;
    (void)fprintf(stderr, "%s: run %" PRIu64 " (%s): %s\n", replay->program, progress->run, seed,
                  end);
    if (kept)
        (void)fprintf(stderr, "see it again: %s %s\n", replay->program, path);
    else
        (void)fprintf(stderr, "the input is lost: %s\n", error.message);
}

static int replay_corpus(Replay *replay)
{
    (void)fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        give_up(replay->program, "cannot fork");
    if (child == 0) {
        run_child(replay);
        forget_corpus(&replay->corpus);
        exit(EXIT_SUCCESS); // where LeakSanitizer looks
    }
    int status;
    if (waitpid(child, &status, 0) != child)
        give_up(replay->program, "lost its child");
    bool good = WIFEXITED(status) && WEXITSTATUS(status) == 0 && replay->progress->done;
    if (good)
        (void)printf("%zu files, %" PRIu64 " made inputs\n", replay->corpus.count, replay->runs);
    else
        report(replay, status);
    forget_corpus(&replay->corpus);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int replay_files(const Replay *replay, char *const *paths, int count)
{
    for (int i = 0; i < count; i++) {
        Seed seed = read_seed(paths[i]);
        (void)printf("%s, %zu bytes\n", paths[i], seed.length);
        run_input(replay, seed.bytes, seed.length);
        mem_free(seed.bytes);
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static Replay replay = {.folder = "."};
    replay.program = argv[0];
    for (int option; (option = getopt(argc, argv, "n:o:")) != -1;) {
        int64_t runs = 0;
        if (option == 'o')
            replay.folder = optarg;
        else if (option != 'n' || !str_to_int(optarg, 0, 1000000000, &runs))
            give_up(argv[0], "[-n RUNS] [-o FOLDER] CORPUS | FILE...");
        else
            replay.runs = (uint64_t)runs;
    }
    if (optind >= argc)
        give_up(argv[0], "[-n RUNS] [-o FOLDER] CORPUS | FILE...");
    if (getenv("SCOUT_TEST_LONG"))
        replay.runs *= LONG_FACTOR;
    make_room(&replay);
    if (LLVMFuzzerInitialize)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    if (!file_is_folder(argv[optind]))
        return replay_files(&replay, argv + optind, argc - optind);
    read_corpus(argv[optind], &replay.corpus);
    return replay_corpus(&replay);
}
