/* How the entry of a program and its fork work together. */
#ifndef TORPOR_FORK_H
#define TORPOR_FORK_H

/* In the entry, with the program unwound: forks, and winds it up again. */
void posix_fork_parent(void);
/* In the child's entry: winds up what was copied. */
void posix_fork_child(void);
/* time.c: the timer that was noted is the parent's. */
void posix_forget_timer(void);

#endif
