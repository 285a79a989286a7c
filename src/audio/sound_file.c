// Sound files by libsndfile: see audio/sound_file.h. The library reads and writes through functions
// of ours, so that a full disk is known as one.
#include "audio/sound_file.h"

#include "audio/journal_disk.h"
#include "base/memory.h"

#include "sndfile_library.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const extensions[SOUND_FORMAT_COUNT] = {
    [SOUND_FLAC] = "flac",
    [SOUND_OPUS] = "opus",
    [SOUND_WAV] = "wav",
};

static const int formats[SOUND_FORMAT_COUNT] = {
    [SOUND_FLAC] = SF_FORMAT_FLAC | SF_FORMAT_PCM_16,
    [SOUND_OPUS] = SF_FORMAT_OGG | SF_FORMAT_OPUS,
    [SOUND_WAV] = SF_FORMAT_WAV | SF_FORMAT_PCM_16,
};

// libsndfile goes from 256 kbit/s a channel (0) to 6 (1); this is 32, speech without audible loss.
static const double OPUS_LEVEL = 1 - (32.0 - 6) / (256 - 6);

// A WAV's sizes have 32 bits; its header needs a little of that.
static const uint64_t WAV_BYTES_MAX = UINT32_MAX - 4096;

struct SoundFile {
    const SndfileLibrary *library;
    SNDFILE *sound;
    int fd;
    int failure; // errno of the first call to the system that failed
    bool writes;
    char *path;
    char *draft; // what it is called while it is written
    SoundInfo info;
};

const char *sound_file_extension(SoundFormat format)
{
    return extensions[format];
}

// --- What libsndfile calls
// ---------------------------------------------------------------------------------------

static sf_count_t length_of(void *context)
{
    SoundFile *file = context;
    struct stat info;
    return fstat(file->fd, &info) == 0 ? (sf_count_t)info.st_size : -1;
}

static sf_count_t seek_to(sf_count_t offset, int whence, void *context)
{
    SoundFile *file = context;
    return (sf_count_t)lseek(file->fd, (off_t)offset, whence);
}

static sf_count_t place_of(void *context)
{
    SoundFile *file = context;
    return (sf_count_t)lseek(file->fd, 0, SEEK_CUR);
}

static void keep_failure(SoundFile *file, int failure)
{
    if (!file->failure)
        file->failure = failure;
}

static sf_count_t read_bytes(void *bytes, sf_count_t length, void *context)
{
    SoundFile *file = context;
    sf_count_t done = 0;
    while (done < length) {
        ssize_t got = read(file->fd, (char *)bytes + done, (size_t)(length - done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            keep_failure(file, errno);
        if (got <= 0)
            break;
        done += got;
    }
    return done;
}

static sf_count_t write_bytes(const void *bytes, sf_count_t length, void *context)
{
    SoundFile *file = context;
    sf_count_t done = 0;
    while (done < length) {
        ssize_t put = write(file->fd, (const char *)bytes + done, (size_t)(length - done));
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0) {
            keep_failure(file, put < 0 ? errno : ENOSPC);
            break;
        }
        done += put;
    }
    return done;
}

// ---------------------------------------------------------------------------------------

static ScoutStatus say_failure(SoundFile *file, const char *verb, ScoutError *error)
{
    if (file->failure)
        return error_set_errno(error, file->failure, "cannot %s %s", verb, file->path);
    return error_set(error, file->writes ? SCOUT_ERROR_IO : SCOUT_ERROR_FORMAT, "cannot %s %s: %s",
                     verb, file->path, file->library->strerror(file->sound));
}

// What a file is called while it is written, or NULL.
static char *draft_of(const char *path)
{
    const size_t size = strlen(path) + sizeof ".part";
    char *draft = mem_array(size, 1);
    if (draft)
        (void)snprintf(draft, size, "%s.part", path);
    return draft;
}

void sound_file_clean(const char *path)
{
    char *draft = draft_of(path);
    if (draft)
        (void)unlink(draft);
    mem_free(draft);
}

static ScoutStatus allocate(const char *path, bool writes, SoundFile **file, ScoutError *error)
{
    const SndfileLibrary *library;
    ScoutStatus status = sndfile_library_get(&library, error);
    if (status)
        return status;
    SoundFile *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->library = library;
    made->fd = -1;
    made->writes = writes;
    made->path = mem_copy_text(path, strlen(path));
    made->draft = draft_of(path);
    if (!made->path || !made->draft) {
        sound_file_free(made);
        return error_no_memory(error);
    }
    *file = made;
    return SCOUT_OK;
}

static ScoutStatus open_sound(SoundFile *file, int mode, SF_INFO *info, ScoutError *error)
{
    SF_VIRTUAL_IO calls = {.get_filelen = length_of,
                           .seek = seek_to,
                           .read = read_bytes,
                           .write = write_bytes,
                           .tell = place_of};
    file->sound = file->library->open_virtual(&calls, mode, info, file);
    if (file->sound)
        return SCOUT_OK;
    return say_failure(file, file->writes ? "write" : "read", error);
}

static void set_up(SoundFile *file, SoundFormat format)
{
    double level = OPUS_LEVEL;
    if (format == SOUND_OPUS)
        (void)file->library->command(file->sound, SFC_SET_COMPRESSION_LEVEL, &level, sizeof level);
}

// Plain WAV as far as it goes: more programs know it.
static int format_of(SoundFormat format, const SoundInfo *info)
{
    const uint64_t bytes = info->frames * info->channels * sizeof(int16_t);
    return format == SOUND_WAV && bytes > WAV_BYTES_MAX ? SF_FORMAT_RF64 | SF_FORMAT_PCM_16
                                                        : formats[format];
}

ScoutStatus sound_file_create(const char *path, SoundFormat format, const SoundInfo *info,
                              SoundFile **file, ScoutError *error)
{
    if (info->channels < 1 || info->channels > SOUND_CHANNELS_MAX || info->rate_hz > INT32_MAX)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a sound file has 1 to %d channels, not %u", SOUND_CHANNELS_MAX,
                         info->channels);
    SoundFile *made;
    ScoutStatus status = allocate(path, true, &made, error);
    if (status)
        return status;
    made->info = (SoundInfo){.rate_hz = info->rate_hz, .channels = info->channels};
    made->fd = open(made->draft, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (made->fd < 0) {
        status = error_set_errno(error, errno, "cannot write %s", path);
        sound_file_free(made);
        return status;
    }
    SF_INFO sound = {.samplerate = (int)info->rate_hz,
                     .channels = (int)info->channels,
                     .format = format_of(format, info)};
    status = open_sound(made, SFM_WRITE, &sound, error);
    if (status) {
        sound_file_free(made);
        return status;
    }
    set_up(made, format);
    *file = made;
    return SCOUT_OK;
}

ScoutStatus sound_file_write(SoundFile *file, const int16_t *samples, size_t frames,
                             ScoutError *error)
{
    if (file->library->writef_short(file->sound, samples, (sf_count_t)frames) !=
            (sf_count_t)frames ||
        file->failure)
        return say_failure(file, "write", error);
    file->info.frames += frames;
    return SCOUT_OK;
}

static ScoutStatus finish(SoundFile *file, ScoutError *error)
{
    SNDFILE *sound = file->sound;
    file->sound = NULL;
    if (file->library->close(sound) != 0 || file->failure)
        return say_failure(file, "write", error);
    if (fsync(file->fd) != 0 || rename(file->draft, file->path) != 0)
        return error_set_errno(error, errno, "cannot write %s", file->path);
    file->writes = false; // it has its name
    int failure = journal_files.sync_folder(journal_files.context, file->path);
    return failure ? error_set_errno(error, failure, "cannot write %s", file->path) : SCOUT_OK;
}

ScoutStatus sound_file_finish(SoundFile *file, ScoutError *error)
{
    ScoutStatus status = finish(file, error);
    sound_file_free(file);
    return status;
}

ScoutStatus sound_file_open(const char *path, SoundFile **file, ScoutError *error)
{
    SoundFile *made;
    ScoutStatus status = allocate(path, false, &made, error);
    if (status)
        return status;
    made->fd = open(path, O_RDONLY | O_CLOEXEC);
    SF_INFO info = {0};
    if (made->fd < 0)
        status = error_set_errno(error, errno, "cannot open %s", path);
    else
        status = open_sound(made, SFM_READ, &info, error);
    if (!status && (info.channels < 1 || info.channels > SOUND_CHANNELS_MAX || info.frames < 0))
        status = error_set(error, SCOUT_ERROR_UNSUPPORTED, "%s has more than %d channels", path,
                           SOUND_CHANNELS_MAX);
    if (status) {
        sound_file_free(made);
        return status;
    }
    made->info = (SoundInfo){.rate_hz = (uint32_t)info.samplerate,
                             .channels = (uint32_t)info.channels,
                             .frames = (uint64_t)info.frames};
    *file = made;
    return SCOUT_OK;
}

const SoundInfo *sound_file_info(const SoundFile *file)
{
    return &file->info;
}

ScoutStatus sound_file_read(SoundFile *file, int16_t *samples, size_t frames, size_t *done,
                            ScoutError *error)
{
    sf_count_t got = file->library->readf_short(file->sound, samples, (sf_count_t)frames);
    if (got < 0 || file->failure)
        return say_failure(file, "read", error);
    *done = (size_t)got;
    return SCOUT_OK;
}

ScoutStatus sound_file_seek(SoundFile *file, uint64_t frame, ScoutError *error)
{
    if (frame > file->info.frames)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "%s ends before that frame",
                         file->path);
    if (file->library->seek(file->sound, (sf_count_t)frame, SEEK_SET) != (sf_count_t)frame)
        return say_failure(file, "read", error);
    return SCOUT_OK;
}

void sound_file_free(SoundFile *file)
{
    if (!file)
        return;
    if (file->sound)
        (void)file->library->close(file->sound);
    if (file->fd >= 0) {
        (void)close(file->fd);
        if (file->writes)
            (void)unlink(file->draft);
    }
    mem_free(file->draft);
    mem_free(file->path);
    mem_free(file);
}
