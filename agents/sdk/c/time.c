/* Clocks, alarms and timers. All times are UTC's: the host knows of no zone. */
#include "sys.h"

#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#include "fork.h"

/* The addresses are what counts: libc's headers name clocks by them. */
struct __clockid {
    uint32_t which;
};
LIBC const struct __clockid _CLOCK_REALTIME = {CLOCK_WALL}, _CLOCK_MONOTONIC = {CLOCK_STEADY},
                            _CLOCK_PROCESS_CPUTIME_ID = {CLOCK_CPU};

LIBC int clock_gettime(clockid_t clock, struct timespec *to) {
    int64_t now = posix_result(sys_clock(clock->which));
    if (now < 0) return -1;
    *to = (struct timespec){.tv_sec = now / NANOSECONDS, .tv_nsec = (long)(now % NANOSECONDS)};
    return 0;
}
LIBC int __clock_gettime(clockid_t clock, struct timespec *to) { return clock_gettime(clock, to); }

LIBC int clock_getres(clockid_t clock, struct timespec *to) {
    (void)clock;
    if (to) *to = (struct timespec){.tv_nsec = 1};
    return 0;
}

LIBC time_t time(time_t *to) {
    time_t now = (time_t)(sys_clock(CLOCK_WALL) / NANOSECONDS);
    if (to) *to = now;
    return now;
}

LIBC int gettimeofday(struct timeval *restrict to, void *restrict zone) {
    (void)zone;
    int64_t now = sys_clock(CLOCK_WALL);
    *to = (struct timeval){.tv_sec = now / NANOSECONDS, .tv_usec = (suseconds_t)(now % NANOSECONDS / 1000)};
    return 0;
}

LIBC int clock_settime(clockid_t clock, const struct timespec *to) {
    (void)clock, (void)to;
    return posix_fail(EPERM);
}
LIBC int settimeofday(const struct timeval *to, const struct timezone *zone) {
    (void)to, (void)zone;
    return posix_fail(EPERM);
}
LIBC int stime(const time_t *to) {
    (void)to;
    return posix_fail(EPERM);
}
LIBC int adjtime(const struct timeval *by, struct timeval *before) {
    (void)by, (void)before;
    return posix_fail(EPERM);
}

_Static_assert(CLOCKS_PER_SEC == NANOSECONDS, "clock() counts nanoseconds");
LIBC clock_t clock(void) { return sys_clock(CLOCK_CPU); }
LIBC clock_t __clock(void) { return clock(); }
LIBC clock_t times(struct tms *to) {
    struct {
        uint64_t nanoseconds, bytes;
    } children = {0};
    sys_usage(-1, &children);
    *to = (struct tms){.tms_utime = clock(), .tms_cutime = (clock_t)children.nanoseconds};
    return sys_clock(CLOCK_STEADY);
}

LIBC void tzset(void) {}
LIBC char *tzname[2] = {(char *)"UTC", (char *)"UTC"};
LIBC long timezone;
LIBC int daylight;

/* The host tells what was left of a timer only when another one takes its place, so its end is noted here. */
static int64_t timer_end, timer_interval;
/* Its end is to be a number as well. */
#define LONGEST (INT64_MAX / 2)

void posix_forget_timer(void) { timer_end = timer_interval = 0; }

static int64_t timer_left(void) {
    int64_t left = timer_end - sys_clock(CLOCK_STEADY);
    if (timer_end && left <= 0 && timer_interval) left = timer_interval - -left % timer_interval;
    return timer_end && left > 0 ? left : 0;
}

static int64_t set_timer(int64_t first, int64_t interval) {
    int64_t left = posix_result(sys_alarm(first, interval));
    if (left < 0) return -1;
    timer_end = first ? sys_clock(CLOCK_STEADY) + first : 0;
    timer_interval = interval;
    return left;
}

LIBC unsigned alarm(unsigned seconds) {
    int64_t left = set_timer(seconds * NANOSECONDS, 0);
    return left <= 0 ? 0 : (unsigned)((left + NANOSECONDS - 1) / NANOSECONDS); /* never 0 for an alarm that was to come */
}
LIBC unsigned ualarm(unsigned first, unsigned interval) {
    int64_t left = set_timer(first * 1000LL, interval * 1000LL);
    return left <= 0 ? 0 : (unsigned)(left / 1000);
}

static struct timeval value_of(int64_t nanoseconds) {
    return (struct timeval){.tv_sec = nanoseconds / NANOSECONDS, .tv_usec = (suseconds_t)(nanoseconds % NANOSECONDS / 1000)};
}

/* -1 for what is no time; what is longer than can be counted never comes. */
static int64_t nanoseconds_of(const struct timeval *time) {
    if (time->tv_sec < 0 || time->tv_usec < 0 || time->tv_usec >= 1000000) return -1;
    return time->tv_sec >= LONGEST / NANOSECONDS ? LONGEST : time->tv_sec * NANOSECONDS + time->tv_usec * 1000LL;
}

LIBC int getitimer(int which, struct itimerval *to) {
    if (which != ITIMER_REAL) return posix_fail(EINVAL);
    *to = (struct itimerval){.it_interval = value_of(timer_interval), .it_value = value_of(timer_left())};
    return 0;
}

LIBC int setitimer(int which, const struct itimerval *restrict to, struct itimerval *restrict before) {
    struct itimerval old;
    if (getitimer(which, &old)) return -1;
    int64_t first = nanoseconds_of(&to->it_value), interval = nanoseconds_of(&to->it_interval);
    if (first < 0 || interval < 0 || set_timer(first, first ? interval : 0) < 0) return posix_fail(EINVAL);
    if (before) *before = old;
    return 0;
}
