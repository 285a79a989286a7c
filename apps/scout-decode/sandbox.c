// The sandbox: see sandbox.h. docs/audio.md says what each layer is for.
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/attributes.h"

enum { EXIT_ORPHANED = 4 };

// ---- The parent's life

// Runs every second. A pipe whose reader is gone reports POLLERR: then nobody needs this process,
// even if FFmpeg is caught in a loop. PR_SET_PDEATHSIG would not do: it fires when the thread that
// spawned us ends, not the process.
static void look_for_parent(int signal_number)
{
    (void)signal_number;
    int saved_errno = errno;
    struct pollfd reader = {.fd = STDOUT_FILENO};
    if (poll(&reader, 1, 0) > 0 && (reader.revents & (POLLERR | POLLNVAL)))
        _exit(EXIT_ORPHANED);
    errno = saved_errno;
}

static void watch_parent(void)
{
    struct sigaction action = {.sa_handler = look_for_parent, .sa_flags = SA_RESTART};
    struct itimerval every_second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};
    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &every_second, NULL);
}

void sandbox_prepare(void)
{
    closefrom(STDERR_FILENO + 1);
    (void)clearenv();
    // With a rule in TZ, and not the name of a file, mktime() never looks for one.
    (void)setenv("TZ", "UTC0", 1);
    tzset();
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    watch_parent();
}

// ---- Landlock: every right to files, network and other processes' sockets is handled, none given

// As in linux/landlock.h, which may be older than the running kernel.
typedef struct LandlockRuleset {
    uint64_t handled_files;
    uint64_t handled_network; // since ABI 4
    uint64_t scoped;          // since ABI 6
} LandlockRuleset;

enum { LANDLOCK_VERSION_FLAG = 1 };

static uint64_t landlock_file_rights(long abi)
{
    static const int bits_of_abi[] = {13, 14, 15, 15, 16}; // ABI 1 to 5
    long last = (long)BASE_COUNT(bits_of_abi);
    return (UINT64_C(1) << bits_of_abi[(abi < last ? abi : last) - 1]) - 1;
}

static int enter_landlock(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);
    if (abi < 1)
        return 0;
    LandlockRuleset ruleset = {
        .handled_files = landlock_file_rights(abi),
        .handled_network = abi >= 4 ? 3 : 0,
        .scoped = abi >= 6 ? 3 : 0,
    };
    int fd = (int)syscall(SYS_landlock_create_ruleset, &ruleset, sizeof ruleset, 0);
    if (fd < 0)
        return 0;
    long status = syscall(SYS_landlock_restrict_self, fd, 0);
    (void)close(fd);
    return status == 0 ? (int)abi : 0;
}

// ---- Limits

static uint64_t mapped_bytes(void)
{
    unsigned long long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (!statm)
        return 0;
    char line[64];
    if (fgets(line, sizeof line, statm))
        pages = strtoull(line, NULL, 10);
    (void)fclose(statm);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static bool set_limit(__rlimit_resource_t resource, uint64_t value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0)
        return false;
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > value)
        limit.rlim_max = value;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(resource, &limit) == 0;
}

static bool set_limits(const SandboxLimits *limits, uint64_t mapped)
{
    bool ok = set_limit(RLIMIT_AS, mapped + limits->memory_bytes);
    ok = set_limit(RLIMIT_CPU, limits->cpu_seconds) && ok;
    ok = set_limit(RLIMIT_NOFILE, STDERR_FILENO + 1) && ok;
    ok = set_limit(RLIMIT_FSIZE, 0) && ok;
    ok = set_limit(RLIMIT_NPROC, 0) && ok;
    ok = set_limit(RLIMIT_CORE, 0) && ok;
    ok = set_limit(RLIMIT_MEMLOCK, 0) && ok;
    ok = set_limit(RLIMIT_MSGQUEUE, 0) && ok;
    return ok;
}

// ---- Seccomp

// What decoding takes: memory, time, reading 0, writing 1 and 2, and ending.
static const int PLAIN_CALLS[] = {
    SCMP_SYS(brk),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(futex),
    SCMP_SYS(getpid),
    SCMP_SYS(getrandom),
    SCMP_SYS(gettid),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(madvise),
    SCMP_SYS(mremap),
    SCMP_SYS(munmap),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(time),
};

// Looked-up paths: refused with an error and not with death, since libraries have fallbacks for a
// file that is not there (a time zone, a random device), and a refusal gives nothing away.
static const int PATH_CALLS[] = {
    SCMP_SYS(access),  SCMP_SYS(faccessat),  SCMP_SYS(faccessat2), SCMP_SYS(fstat),
    SCMP_SYS(lstat),   SCMP_SYS(newfstatat), SCMP_SYS(open),       SCMP_SYS(openat),
    SCMP_SYS(openat2), SCMP_SYS(readlink),   SCMP_SYS(readlinkat), SCMP_SYS(stat),
    SCMP_SYS(statx),
};

// The first argument is this value: its lower half, since the upper one of an int is undefined.
static struct scmp_arg_cmp first_is(int value)
{
    return (struct scmp_arg_cmp){
        .arg = 0, .op = SCMP_CMP_MASKED_EQ, .datum_a = UINT32_MAX, .datum_b = (uint64_t)value};
}

static int allow_bounded_calls(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp not_executable = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    const struct scmp_arg_cmp anonymous = SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS);
    const struct scmp_arg_cmp input = first_is(STDIN_FILENO);
    const struct scmp_arg_cmp output = first_is(STDOUT_FILENO);
    const struct scmp_arg_cmp messages = first_is(STDERR_FILENO);
    const struct scmp_arg_cmp self = first_is(getpid());
    int failed = 0;
    failed |=
        seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, not_executable, anonymous);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, not_executable);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(read), 1, input);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(lseek), 1, input);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, output);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, messages);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, self); // abort()
    return failed;
}

static bool enter_seccomp(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (!filter)
        return false;
    int failed = allow_bounded_calls(filter);
    for (size_t i = 0; i < BASE_COUNT(PLAIN_CALLS); i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, PLAIN_CALLS[i], 0);
    for (size_t i = 0; i < BASE_COUNT(PATH_CALLS); i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), PATH_CALLS[i], 0);
    bool loaded = !failed && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return loaded;
}

void sandbox_enter(const SandboxLimits *limits, SandboxReport *report)
{
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    // What needs a file or a descriptor comes before the layer that takes them away.
    uint64_t mapped = mapped_bytes();
    report->landlock_abi = enter_landlock();
    report->limits = set_limits(limits, mapped);
    report->seccomp = enter_seccomp();
}
