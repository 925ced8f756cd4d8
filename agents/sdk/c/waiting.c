/* poll and select: what waits for descriptors, or for a while. A handled signal ends these, whatever its SA_RESTART says. */
#include "sys.h"

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "signals.h"

#define FOREVER (-1)

static int wait_for(struct pollfd *descriptors, nfds_t count, int64_t nanoseconds) {
    return (int)posix_result(sys_poll(descriptors, (uint32_t)count, nanoseconds));
}

/* -1: for ever; -2: no time at all */
static int64_t nanoseconds_of(const struct timespec *time) {
    if (time == NULL) return FOREVER;
    if (time->tv_sec < 0 || time->tv_nsec < 0 || time->tv_nsec >= NANOSECONDS) return -2;
    if (time->tv_sec >= INT64_MAX / NANOSECONDS) return FOREVER;
    return time->tv_sec * NANOSECONDS + time->tv_nsec;
}

LIBC int poll(struct pollfd *descriptors, nfds_t count, int milliseconds) {
    return wait_for(descriptors, count, milliseconds < 0 ? FOREVER : milliseconds * 1000000LL);
}

LIBC int ppoll(struct pollfd *descriptors, nfds_t count, const struct timespec *time, const sigset_t *mask) {
    int64_t wait = nanoseconds_of(time);
    if (wait < FOREVER) return posix_fail(EINVAL);
    uint64_t before = posix_record.blocked;
    if (mask) posix_record.blocked = posix_blockable(*mask);
    int ready = posix_signal_waits() ? (posix_deliver(), posix_fail(EINTR)) : wait_for(descriptors, count, wait);
    posix_record.blocked = before;
    if (posix_signal_waits()) posix_deliver();
    return ready;
}

LIBC int pselect(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict other,
                 const struct timespec *restrict time, const sigset_t *restrict mask) {
    if (count < 0 || count > FD_SETSIZE) return posix_fail(EINVAL);
    struct pollfd descriptors[FD_SETSIZE];
    nfds_t used = 0;
    for (int fd = 0; fd < count; fd++) {
        int events = (in && FD_ISSET(fd, in) ? POLLIN : 0) | (out && FD_ISSET(fd, out) ? POLLOUT : 0) |
                     (other && FD_ISSET(fd, other) ? POLLPRI : 0);
        if (events) descriptors[used++] = (struct pollfd){.fd = fd, .events = (short)events};
    }
    if (ppoll(descriptors, used, time, mask) < 0) return -1;
    for (nfds_t i = 0; i < used; i++) {
        if (descriptors[i].revents & POLLNVAL) return posix_fail(EBADF);
    }
    if (in) FD_ZERO(in);
    if (out) FD_ZERO(out);
    if (other) FD_ZERO(other);
    int ready = 0;
    for (nfds_t i = 0; i < used; i++) {
        int fd = descriptors[i].fd, wanted = descriptors[i].events, came = descriptors[i].revents;
        if (wanted & POLLIN && came & (POLLIN | POLLHUP | POLLERR)) ready++, FD_SET(fd, in);
        if (wanted & POLLOUT && came & (POLLOUT | POLLERR)) ready++, FD_SET(fd, out);
        if (wanted & POLLPRI && came & POLLPRI) ready++, FD_SET(fd, other);
    }
    return ready;
}

LIBC int select(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict other, struct timeval *restrict time) {
    if (time == NULL) return pselect(count, in, out, other, NULL, NULL);
    struct timespec wait = {.tv_sec = time->tv_sec + time->tv_usec / 1000000, .tv_nsec = time->tv_usec % 1000000 * 1000};
    return pselect(count, in, out, other, &wait, NULL);
}

static int sleep_for(int64_t nanoseconds, struct timespec *left) {
    int64_t end = sys_clock(CLOCK_STEADY) + nanoseconds;
    int result = sys_poll(NULL, 0, nanoseconds);
    int64_t rest = result < 0 ? end - sys_clock(CLOCK_STEADY) : 0;
    if (left && result < 0) *left = (struct timespec){rest > 0 ? rest / NANOSECONDS : 0, rest > 0 ? rest % NANOSECONDS : 0};
    if (posix_signal_waits()) posix_deliver();
    return result < 0 ? -result : 0;
}

LIBC int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left) {
    int64_t wait = nanoseconds_of(time);
    if (wait < FOREVER || (clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC)) return EINVAL;
    if (wait == FOREVER) wait = INT64_MAX / 2;
    if (!(flags & TIMER_ABSTIME)) return sleep_for(wait, left);
    wait -= sys_clock(clock == CLOCK_REALTIME ? CLOCK_WALL : CLOCK_STEADY);
    return wait > 0 ? sleep_for(wait, NULL) : 0;
}

LIBC int nanosleep(const struct timespec *time, struct timespec *left) {
    int error = clock_nanosleep(CLOCK_REALTIME, 0, time, left);
    return error ? posix_fail(error) : 0;
}

LIBC unsigned sleep(unsigned seconds) {
    struct timespec time = {.tv_sec = seconds}, left = {0};
    return nanosleep(&time, &left) ? (unsigned)left.tv_sec + (left.tv_nsec >= NANOSECONDS / 2) : 0;
}

LIBC int usleep(useconds_t microseconds) {
    return nanosleep(&(struct timespec){microseconds / 1000000, (long)(microseconds % 1000000) * 1000}, NULL);
}

LIBC int sched_yield(void) { return (int)posix_result(sys_poll(NULL, 0, 0)); }
