// The control socket: see control.h. A lock beside the socket, held while the process lives, tells
// a socket in use from one that was left behind.
#include "platform/control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/str.h"

enum { BACKLOG = 8, FOLDER_MODE = 0700, SOCKET_MODE = 0600 };

typedef struct Client {
    int descriptor; // -1: none
    int64_t end_ns;
    size_t length;
    char request[CONTROL_REQUEST_MAX];
} Client;

struct ControlServer {
    char *path;
    char *lock_path;
    int lock;
    int listener;
    int epoll;
    int timer; // runs while there are clients
    Client clients[CONTROL_CLIENTS_MAX];
};

static ScoutStatus check_folder(const char *folder, ScoutError *error)
{
    struct stat info;
    if (lstat(folder, &info) != 0)
        return error_set_errno(error, errno, "%s", folder);
    if (!S_ISDIR(info.st_mode) || info.st_uid != geteuid() || (info.st_mode & 022))
        return error_set(error, SCOUT_ERROR_PERMISSION,
                         "%s is not a folder of yours alone: remove it or change its rights",
                         folder);
    return SCOUT_OK;
}

ScoutStatus control_path(const char *name, char **path, ScoutError *error)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    char usual[64];
    if (!runtime || runtime[0] != '/') {
        // A terminal that was opened another way than by logging in lacks the variable.
        (void)snprintf(usual, sizeof usual, "/run/user/%u", (unsigned)geteuid());
        runtime = usual;
    }
    if (!file_is_folder(runtime))
        return error_set(error, SCOUT_ERROR_NOT_FOUND,
                         "there is no folder for sockets: set XDG_RUNTIME_DIR to one of yours");
    BASE_CLEANUP(mem_free_pointer) char *folder = path_join(runtime, "scout");
    char file[NAME_MAX];
    const int length = snprintf(file, sizeof file, "%s.socket", name);
    if (!folder)
        return error_no_memory(error);
    if (length < 0 || (size_t)length >= sizeof file)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "the socket's name is too long");
    if (mkdir(folder, FOLDER_MODE) != 0 && errno != EEXIST)
        return error_set_errno(error, errno, "%s cannot be made", folder);
    const ScoutStatus status = check_folder(folder, error);
    if (status != SCOUT_OK)
        return status;
    char *made = path_join(folder, file);
    if (!made)
        return error_no_memory(error);
    *path = made;
    return SCOUT_OK;
}

static ScoutStatus make_address(const char *path, struct sockaddr_un *address, ScoutError *error)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address->sun_path)
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT,
                         "%s is too long for a socket: set XDG_RUNTIME_DIR to a shorter one", path);
    memcpy(address->sun_path, path, strlen(path) + 1);
    return SCOUT_OK;
}

static bool is_same_user(int descriptor)
{
    struct ucred peer = {0};
    socklen_t size = sizeof peer;
    return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
           peer.uid == geteuid();
}

static ScoutStatus take_lock(ControlServer *server, ScoutError *error)
{
    server->lock = open(server->lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, SOCKET_MODE);
    if (server->lock < 0)
        return error_set_errno(error, errno, "%s cannot be made", server->lock_path);
    if (flock(server->lock, LOCK_EX | LOCK_NB) == 0)
        return SCOUT_OK;
    if (errno == EWOULDBLOCK)
        return error_set(error, SCOUT_ERROR_BUSY, "another one runs already (%s)", server->path);
    return error_set_errno(error, errno, "%s cannot be locked", server->lock_path);
}

static bool watch(const ControlServer *server, int descriptor)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = descriptor};
    return epoll_ctl(server->epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

static ScoutStatus start_listening(ControlServer *server, ScoutError *error)
{
    struct sockaddr_un address;
    ScoutStatus status = make_address(server->path, &address, error);
    if (status != SCOUT_OK)
        return status;
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    server->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (server->listener < 0 || server->epoll < 0 || server->timer < 0)
        return error_set_errno(error, errno, "%s", server->path);
    if (unlink(server->path) != 0 && errno != ENOENT)
        return error_set_errno(error, errno, "%s cannot be replaced", server->path);
    // The folder is 0700 already: between bind and chmod nobody else can get there.
    if (bind(server->listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
        chmod(server->path, SOCKET_MODE) != 0 || listen(server->listener, BACKLOG) != 0)
        return error_set_errno(error, errno, "%s cannot be made", server->path);
    if (!watch(server, server->listener) || !watch(server, server->timer))
        return error_set_errno(error, errno, "%s", server->path);
    return SCOUT_OK;
}

ScoutStatus control_server_new(const char *path, ControlServer **server, ScoutError *error)
{
    ControlServer *made = mem_array(1, sizeof *made);
    if (!made)
        return error_no_memory(error);
    made->lock = made->listener = made->epoll = made->timer = -1;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        made->clients[i].descriptor = -1;
    made->path = mem_copy_text(path, strlen(path));
    const size_t size = strlen(path) + sizeof ".lock";
    made->lock_path = mem_array(size, 1);
    ScoutStatus status = made->path && made->lock_path ? SCOUT_OK : error_no_memory(error);
    if (status == SCOUT_OK) {
        (void)snprintf(made->lock_path, size, "%s.lock", path);
        status = take_lock(made, error);
    }
    if (status == SCOUT_OK)
        status = start_listening(made, error);
    if (status != SCOUT_OK) {
        control_server_free(made);
        return status;
    }
    *server = made;
    return SCOUT_OK;
}

static void close_if_open(int descriptor)
{
    if (descriptor >= 0)
        (void)close(descriptor);
}

void control_server_free(ControlServer *server)
{
    if (!server)
        return;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++)
        close_if_open(server->clients[i].descriptor);
    // The lock's file stays: removing it would let two processes hold two locks of one name.
    if (server->listener >= 0)
        (void)unlink(server->path);
    close_if_open(server->listener);
    close_if_open(server->epoll);
    close_if_open(server->timer);
    close_if_open(server->lock);
    mem_free(server->path);
    mem_free(server->lock_path);
    mem_free(server);
}

int control_server_descriptor(const ControlServer *server)
{
    return server->epoll;
}

static void hang_up(Client *client)
{
    close_if_open(client->descriptor);
    client->descriptor = -1;
}

static Client *free_place(ControlServer *server)
{
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (server->clients[i].descriptor < 0)
            return &server->clients[i];
    }
    return NULL;
}

// Everybody is let in and the surplus hung up on, so that the listener never stays readable.
static void let_in(ControlServer *server)
{
    for (;;) {
        const int descriptor = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (descriptor < 0)
            return;
        Client *client = free_place(server);
        if (!client || !is_same_user(descriptor) || !watch(server, descriptor)) {
            (void)close(descriptor);
            continue;
        }
        *client = (Client){.descriptor = descriptor,
                           .end_ns = clock_monotonic_ns() + (int64_t)CONTROL_CLIENT_MS * 1000000};
    }
}

// The answer is shorter than a socket's buffer: a client that does not read it loses it.
static void answer(Client *client, ControlHandler handler, void *context)
{
    char text[CONTROL_ANSWER_MAX] = "";
    handler(context, client->request, text, sizeof text - 1);
    const size_t length = strlen(text);
    text[length] = '\n';
    (void)send(client->descriptor, text, length + 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    hang_up(client);
}

static void listen_to(Client *client, ControlHandler handler, void *context)
{
    const size_t room = sizeof client->request - client->length;
    const ssize_t count = recv(client->descriptor, client->request + client->length, room, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (count <= 0) {
        hang_up(client);
        return;
    }
    client->length += (size_t)count;
    char *end = memchr(client->request, '\n', client->length);
    if (end) {
        *end = '\0';
        answer(client, handler, context);
    } else if (client->length == sizeof client->request) {
        hang_up(client);
    }
}

// The timer wakes the owner when the next client's time is up.
static void set_timer(ControlServer *server)
{
    int64_t next_ns = 0;
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const Client *client = &server->clients[i];
        if (client->descriptor >= 0 && (!next_ns || client->end_ns < next_ns))
            next_ns = client->end_ns;
    }
    const struct itimerspec when = {
        .it_value = {.tv_sec = next_ns / 1000000000, .tv_nsec = next_ns % 1000000000}};
    (void)timerfd_settime(server->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

void control_server_serve(ControlServer *server, ControlHandler handler, void *context)
{
    let_in(server);
    for (int i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        Client *client = &server->clients[i];
        if (client->descriptor >= 0)
            listen_to(client, handler, context);
        if (client->descriptor >= 0 && clock_monotonic_ns() >= client->end_ns)
            hang_up(client);
    }
    set_timer(server);
}

static ScoutStatus wait_for(int descriptor, short events, int64_t end_ns, ScoutError *error)
{
    for (;;) {
        const int64_t left_ms = (end_ns - clock_monotonic_ns() + 999999) / 1000000;
        struct pollfd wait = {.fd = descriptor, .events = events};
        const int ready = left_ms > 0 ? poll(&wait, 1, (int)left_ms) : 0;
        if (ready > 0)
            return SCOUT_OK;
        if (ready == 0)
            return error_set(error, SCOUT_ERROR_TIMEOUT, "it does not answer");
        if (errno != EINTR)
            return error_set_errno(error, errno, "the socket cannot be waited for");
    }
}

static ScoutStatus read_answer(int descriptor, char *out, size_t size, int64_t end_ns,
                               ScoutError *error)
{
    size_t length = 0;
    for (;;) {
        const ScoutStatus status = wait_for(descriptor, POLLIN, end_ns, error);
        if (status != SCOUT_OK)
            return status;
        const ssize_t count = recv(descriptor, out + length, size - length, 0);
        if (count < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (count <= 0)
            return error_set(error, SCOUT_ERROR_IO, "it hung up without an answer");
        length += (size_t)count;
        char *end = memchr(out, '\n', length);
        if (end) {
            *end = '\0';
            return SCOUT_OK;
        }
        if (length == size)
            return error_set(error, SCOUT_ERROR_LIMIT, "its answer is too long");
    }
}

static ScoutStatus converse(int descriptor, const char *path, const char *request, char *out,
                            size_t size, int timeout_ms, ScoutError *error)
{
    const int64_t end_ns = clock_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    struct sockaddr_un address;
    ScoutStatus status = make_address(path, &address, error);
    if (status != SCOUT_OK)
        return status;
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof address) != 0) {
        if (errno == ENOENT || errno == ECONNREFUSED)
            return error_set(error, SCOUT_ERROR_NOT_FOUND, "nothing listens at %s", path);
        return error_set_errno(error, errno, "%s", path);
    }
    if (!is_same_user(descriptor))
        return error_set(error, SCOUT_ERROR_PERMISSION, "%s is another user's", path);
    char line[CONTROL_REQUEST_MAX];
    const int length = snprintf(line, sizeof line, "%s\n", request);
    if (length < 0 || (size_t)length >= sizeof line || strchr(request, '\n'))
        return error_set(error, SCOUT_ERROR_INVALID_ARGUMENT, "the request is not one short line");
    if (send(descriptor, line, (size_t)length, MSG_NOSIGNAL) != length)
        return error_set_errno(error, errno, "%s", path);
    return read_answer(descriptor, out, size, end_ns, error);
}

ScoutStatus control_ask(const char *path, const char *request, char *answer_text, size_t size,
                        int timeout_ms, ScoutError *error)
{
    const int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return error_set_errno(error, errno, "no socket can be made");
    const ScoutStatus status =
        converse(descriptor, path, request, answer_text, size, timeout_ms, error);
    (void)close(descriptor);
    return status;
}
