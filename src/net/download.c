// Downloads one file over HTTP or HTTPS, resuming what an earlier try left, and checks what came.
#include "net/download.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/str.h"
#include "curl_library.h"

enum {
    CONNECT_TIMEOUT_S = 30,
    STALL_TIMEOUT_S = 60, // less than a byte a second for so long ends the try
    REDIRECTS_MAX = 5,
    PATH_LIMIT_BYTES = 4096
};

static const uint64_t DEFAULT_MAX_BYTES = 16ULL << 30;

// One try's state, as the callbacks see it.
typedef struct Transfer {
    const NetDownload *download;
    const CurlLibrary *library;
    CURL *curl;
    int fd;
    uint64_t start;    // bytes that were there before
    uint64_t received; // bytes of the file so far, those included
    uint64_t max_bytes;
    bool first;         // no body byte has come yet
    ScoutStatus status; // why a callback stopped the transfer
    ScoutError error;
} Transfer;

static void close_file(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

// A server that does not resume answers 200 with the whole file: what was there is dropped.
static ScoutStatus begin_body(Transfer *transfer)
{
    long code = 0;
    transfer->library->getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code == 206 || !transfer->start)
        return SCOUT_OK;
    if (ftruncate(transfer->fd, 0) || lseek(transfer->fd, 0, SEEK_SET) < 0)
        return error_set_errno(&transfer->error, errno, "%s.part", transfer->download->path);
    transfer->start = 0;
    transfer->received = 0;
    return SCOUT_OK;
}

static ScoutStatus write_body(Transfer *transfer, const char *bytes, size_t length)
{
    if (length > transfer->max_bytes - transfer->received)
        return error_set(&transfer->error, SCOUT_ERROR_LIMIT,
                         "%s is larger than %llu bytes, which is all that is allowed",
                         transfer->download->url, (unsigned long long)transfer->max_bytes);
    while (length) {
        ssize_t written = write(transfer->fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(&transfer->error, errno, "%s.part", transfer->download->path);
        bytes += written;
        length -= (size_t)written;
        transfer->received += (uint64_t)written;
    }
    return SCOUT_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    Transfer *transfer = context;
    size_t length = size * count;
    if (transfer->first) {
        transfer->first = false;
        transfer->status = begin_body(transfer);
    }
    if (!transfer->status)
        transfer->status = write_body(transfer, bytes, length);
    return transfer->status ? 0 : length;
}

static int on_progress(void *context, curl_off_t total, curl_off_t now, curl_off_t upload_total,
                       curl_off_t upload_now)
{
    (void)upload_total;
    (void)upload_now;
    (void)now;
    Transfer *transfer = context;
    const NetDownload *download = transfer->download;
    if (cancel_is_raised(download->cancel)) {
        transfer->status =
            error_set(&transfer->error, SCOUT_ERROR_CANCELLED,
                      "the download of %s was stopped; run it again to go on", download->url);
        return 1;
    }
    if (download->progress)
        download->progress(download->context, transfer->received,
                           total > 0 ? transfer->start + (uint64_t)total : 0);
    return 0;
}

static void set_options(Transfer *transfer, char *detail)
{
    CURL *curl = transfer->curl;
    __typeof__(curl_easy_setopt) *set = transfer->library->setopt;
    set(curl, CURLOPT_URL, transfer->download->url);
    set(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    set(curl, CURLOPT_FOLLOWLOCATION, 1L);
    set(curl, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
    set(curl, CURLOPT_FAILONERROR, 1L);
    set(curl, CURLOPT_NOSIGNAL, 1L);
    set(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    set(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(curl, CURLOPT_LOW_SPEED_TIME, (long)STALL_TIMEOUT_S);
    set(curl, CURLOPT_USERAGENT, "scout/" SCOUT_VERSION);
    set(curl, CURLOPT_ERRORBUFFER, detail);
    set(curl, CURLOPT_WRITEFUNCTION, on_body);
    set(curl, CURLOPT_WRITEDATA, transfer);
    set(curl, CURLOPT_NOPROGRESS, 0L);
    set(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
    set(curl, CURLOPT_XFERINFODATA, transfer);
    // CURLOPT_RESUME_FROM would fail where the server cannot resume; with a range, 200 starts
    // again.
    if (transfer->start) {
        char range[32];
        snprintf(range, sizeof(range), "%llu-", (unsigned long long)transfer->start);
        set(curl, CURLOPT_RANGE, range);
    }
}

// 416 to a resumed request means that the part already holds all there is.
static bool nothing_left(const Transfer *transfer, CURLcode code)
{
    long response = 0;
    transfer->library->getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &response);
    return code == CURLE_HTTP_RETURNED_ERROR && response == 416 && transfer->start;
}

static ScoutStatus perform(Transfer *transfer, ScoutError *error)
{
    char detail[CURL_ERROR_SIZE] = "";
    set_options(transfer, detail);
    CURLcode code = transfer->library->perform(transfer->curl);
    if (transfer->status)
        return error_set(error, transfer->status, "%s", transfer->error.message);
    if (code == CURLE_OK || nothing_left(transfer, code))
        return SCOUT_OK;
    return error_set(error, SCOUT_ERROR_NETWORK, "%s: %s; what came is kept, run it again to go on",
                     transfer->download->url,
                     detail[0] ? detail : transfer->library->strerror(code));
}

static ScoutStatus run_transfer(Transfer *transfer, ScoutError *error)
{
    ScoutStatus status = curl_library_get(&transfer->library, error);
    if (status)
        return status;
    transfer->curl = transfer->library->easy_init();
    if (!transfer->curl)
        return error_no_memory(error);
    status = perform(transfer, error);
    transfer->library->easy_cleanup(transfer->curl);
    return status;
}

static ScoutStatus check_digest(const char *part, const NetDownload *download, ScoutError *error)
{
    if (!download->sha256)
        return SCOUT_OK;
    uint8_t digest[DIGEST_BYTES];
    char hex[DIGEST_HEX];
    ScoutStatus status = digest_sha256_file(part, digest, error);
    if (status)
        return status;
    digest_to_hex(digest, hex);
    if (strcasecmp(hex, download->sha256) == 0)
        return SCOUT_OK;
    unlink(part);
    return error_set(error, SCOUT_ERROR_CORRUPT,
                     "%s has sha256 %s, not the expected %s: it was removed, try again or check "
                     "the address",
                     download->url, hex, download->sha256);
}

static ScoutStatus fetch_part(const char *part, const NetDownload *download, ScoutError *error)
{
    int fd BASE_CLEANUP(close_file) = open(part, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "%s", part);
    off_t size = lseek(fd, 0, SEEK_END);
    if (size < 0)
        return error_set_errno(error, errno, "%s", part);
    Transfer transfer = {
        .download = download,
        .fd = fd,
        .start = (uint64_t)size,
        .received = (uint64_t)size,
        .max_bytes = download->max_bytes ? download->max_bytes : DEFAULT_MAX_BYTES,
        .first = true,
    };
    if (transfer.start > transfer.max_bytes)
        return error_set(error, SCOUT_ERROR_LIMIT, "%s is larger than is allowed: remove it", part);
    ScoutStatus status = run_transfer(&transfer, error);
    if (status)
        return status;
    return fsync(fd) ? error_set_errno(error, errno, "%s", part) : SCOUT_OK;
}

ScoutStatus net_download(const NetDownload *download, ScoutError *error)
{
    if (!str_starts(download->url, "http://") && !str_starts(download->url, "https://"))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "'%s' is not an address that begins with http:// or https://",
                         download->url);
    if (download->sha256 && strlen(download->sha256) != DIGEST_HEX - 1)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "a sha256 has 64 hexadecimal digits, '%s' does not", download->sha256);
    Buffer part BASE_CLEANUP(buffer_done);
    buffer_init(&part, PATH_LIMIT_BYTES);
    if (!buffer_printf(&part, "%s.part", download->path))
        return error_set(error, SCOUT_ERROR_LIMIT, "the path %s is too long", download->path);
    ScoutStatus status = fetch_part(buffer_text(&part), download, error);
    if (!status)
        status = check_digest(buffer_text(&part), download, error);
    if (status)
        return status;
    if (rename(buffer_text(&part), download->path))
        return error_set_errno(error, errno, "%s", download->path);
    return SCOUT_OK;
}
