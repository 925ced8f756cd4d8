/* What wasi-libc's <time.h> leaves out. */
#include_next <time.h>
#ifndef TORPOR_TIME_H
#define TORPOR_TIME_H

#ifdef __cplusplus
extern "C" {
#endif

extern const struct __clockid _CLOCK_PROCESS_CPUTIME_ID;
#define CLOCK_PROCESS_CPUTIME_ID (&_CLOCK_PROCESS_CPUTIME_ID)

extern char *tzname[2];
extern long timezone;
extern int daylight;
void tzset(void);
int clock_settime(clockid_t, const struct timespec *);
int stime(const time_t *);

#ifdef __cplusplus
}
#endif
#endif
