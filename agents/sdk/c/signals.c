/*
 * Signals. The host sets bits of the record's `pending`, and looks at nothing but its mask and its actions: a default action is
 * the host's, a handler runs here when a call of the host is back.
 */
#include "sys.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "fork.h"
#include "signals.h"

struct posix_record posix_record;
int posix_handlers_running;
static struct sigaction actions[_NSIG];

enum { ACTION_DEFAULT, ACTION_IGNORED, ACTION_HANDLED };

/* These two are never called: their addresses are what counts. */
LIBC void __SIG_IGN(int signal) { (void)signal; }
LIBC void __SIG_ERR(int signal) { (void)signal; }

static bool valid(int signal) { return signal > 0 && signal < _NSIG; }

static uint8_t kind_of(const struct sigaction *action) {
    return action->sa_handler == SIG_DFL ? ACTION_DEFAULT : action->sa_handler == SIG_IGN ? ACTION_IGNORED : ACTION_HANDLED;
}

void posix_signals_start(void) {
    sys_start(&posix_record);
    for (int signal = 1; signal < _NSIG; signal++) {
        if (posix_record.actions[signal - 1] == ACTION_IGNORED) actions[signal].sa_handler = SIG_IGN;
        else posix_record.actions[signal - 1] = kind_of(&actions[signal]); /* as it is in the image, if this starts from one */
    }
}

static void handle(int signal, const struct sigaction *action) {
    uint64_t before = posix_record.blocked;
    int error = errno;
    posix_record.blocked |= posix_blockable(action->sa_mask) | (action->sa_flags & SA_NODEFER ? 0 : posix_bit(signal));
    posix_handlers_running++;
    if (action->sa_flags & SA_SIGINFO) {
        siginfo_t info = {.si_signo = signal, .si_code = SI_USER, .si_uid = OWN_ID};
        action->sa_sigaction(signal, &info, NULL);
    } else {
        action->sa_handler(signal);
    }
    if (posix_handlers_running) posix_handlers_running--;
    posix_record.blocked = before;
    errno = error;
}

__attribute__((noinline)) bool posix_deliver(void) {
    bool ran = false, restart = true;
    uint64_t come;
    while ((come = posix_record.pending & ~posix_record.blocked) != 0) {
        int signal = __builtin_ctzll(come) + 1;
        posix_record.pending &= ~posix_bit(signal);
        struct sigaction action = actions[signal];
        switch (posix_record.actions[signal - 1]) {
            case ACTION_HANDLED:
                if (action.sa_flags & (int)SA_RESETHAND) {
                    actions[signal].sa_handler = SIG_DFL;
                    posix_record.actions[signal - 1] = ACTION_DEFAULT;
                }
                ran = true;
                restart = restart && (action.sa_flags & SA_RESTART);
                handle(signal, &action);
                break;
            case ACTION_DEFAULT:
                posix_end_child(signal);
                sys_kill(sys_id(ID_PROCESS, 0), (uint32_t)signal); /* it was blocked when it came: now the host acts */
                break;
            default:
                break;
        }
    }
    return ran && restart;
}

LIBC int sigaction(int signal, const struct sigaction *restrict action, struct sigaction *restrict before) {
    if (!valid(signal) || (action && !posix_blockable(posix_bit(signal)))) return posix_fail(EINVAL);
    if (before) *before = actions[signal];
    if (action) {
        actions[signal] = *action;
        uint8_t kind = kind_of(action);
        posix_record.actions[signal - 1] = kind;
        if (kind == ACTION_IGNORED) posix_record.pending &= ~posix_bit(signal);
    }
    return 0;
}

static uint64_t interrupting;

LIBC void (*signal(int number, void (*handler)(int)))(int) {
    struct sigaction before, action = {.sa_flags = SA_RESTART};
    if (valid(number) && interrupting & posix_bit(number)) action.sa_flags = 0;
    action.sa_handler = handler;
    return sigaction(number, &action, &before) ? SIG_ERR : before.sa_handler;
}

LIBC int siginterrupt(int signal, int interrupt) {
    if (!valid(signal)) return posix_fail(EINVAL);
    interrupting = interrupt ? interrupting | posix_bit(signal) : interrupting & ~posix_bit(signal);
    actions[signal].sa_flags = interrupt ? actions[signal].sa_flags & ~SA_RESTART : actions[signal].sa_flags | SA_RESTART;
    return 0;
}

LIBC int kill(pid_t pid, int signal) {
    if (signal < 0 || signal >= _NSIG) return posix_fail(EINVAL);
    return (int)posix_result(sys_kill(pid, (uint32_t)signal));
}

LIBC int killpg(pid_t group, int signal) { return group < 0 ? posix_fail(EINVAL) : kill(-group, signal); }
LIBC int raise(int signal) { return kill(sys_id(ID_PROCESS, 0), signal); }
LIBC int pthread_kill(pthread_t thread, int signal) {
    (void)thread;
    return raise(signal) ? errno : 0;
}

/* The value would be lost, so it is refused. */
LIBC int sigqueue(pid_t pid, int signal, union sigval value) {
    (void)pid, (void)signal, (void)value;
    return posix_fail(ENOSYS);
}

LIBC _Noreturn void abort(void) {
    posix_record.blocked &= ~posix_bit(SIGABRT);
    raise(SIGABRT);
    actions[SIGABRT].sa_handler = SIG_DFL;
    posix_record.actions[SIGABRT - 1] = ACTION_DEFAULT;
    raise(SIGABRT);
    __builtin_trap();
}

LIBC int sigemptyset(sigset_t *set) { return *set = 0, 0; }
LIBC int sigfillset(sigset_t *set) { return *set = ~0ULL, 0; }
LIBC int sigaddset(sigset_t *set, int signal) { return valid(signal) ? (*set |= posix_bit(signal), 0) : posix_fail(EINVAL); }
LIBC int sigdelset(sigset_t *set, int signal) { return valid(signal) ? (*set &= ~posix_bit(signal), 0) : posix_fail(EINVAL); }
LIBC int sigismember(const sigset_t *set, int signal) {
    return valid(signal) ? (*set & posix_bit(signal)) != 0 : posix_fail(EINVAL);
}
LIBC int sigisemptyset(const sigset_t *set) { return *set == 0; }
LIBC int sigorset(sigset_t *set, const sigset_t *one, const sigset_t *other) { return *set = *one | *other, 0; }
LIBC int sigandset(sigset_t *set, const sigset_t *one, const sigset_t *other) { return *set = *one & *other, 0; }

LIBC int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict before) {
    uint64_t blocked = posix_record.blocked;
    if (set) {
        uint64_t wanted = how == SIG_BLOCK ? blocked | *set : how == SIG_UNBLOCK ? blocked & ~*set : *set;
        if (how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK) return posix_fail(EINVAL);
        posix_record.blocked = posix_blockable(wanted);
    }
    if (before) *before = blocked;
    if (posix_signal_waits()) posix_deliver();
    return 0;
}

LIBC int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict before) {
    return sigprocmask(how, set, before) ? errno : 0;
}

void posix_check_signals(void) {
    if (posix_signal_waits()) posix_deliver();
}

LIBC int sigpending(sigset_t *set) { return *set = posix_record.pending & posix_record.blocked, 0; }

LIBC int sigsuspend(const sigset_t *mask) {
    uint64_t before = posix_record.blocked;
    posix_record.blocked = posix_blockable(*mask);
    if (!posix_signal_waits()) sys_pause();
    posix_deliver();
    posix_record.blocked = before;
    if (posix_signal_waits()) posix_deliver();
    return posix_fail(EINTR);
}

LIBC int pause(void) { return sigsuspend(&(sigset_t){posix_record.blocked}); }

/* A signal of the set that has come, or comes. While it waits the host takes all of the set for handled, or it would act. */
LIBC int sigwait(const sigset_t *restrict set, int *restrict signal) {
    uint64_t come;
    while ((come = posix_record.pending & *set) == 0) {
        struct posix_record before = posix_record;
        for (int each = 1; each < _NSIG; each++) {
            if (*set & posix_bit(each)) posix_record.actions[each - 1] = ACTION_HANDLED;
        }
        posix_record.blocked &= ~*set;
        sys_pause();
        posix_record.blocked = before.blocked | *set;
        memcpy(posix_record.actions, before.actions, sizeof before.actions);
        if (posix_signal_waits()) posix_deliver();
        posix_record.blocked = before.blocked;
    }
    *signal = __builtin_ctzll(come) + 1;
    posix_record.pending &= ~posix_bit(*signal);
    return 0;
}

/* There is one stack; a handler runs on it. */
LIBC int sigaltstack(const stack_t *restrict stack, stack_t *restrict before) {
    if (before) *before = (stack_t){.ss_flags = SS_DISABLE};
    return stack && !(stack->ss_flags & SS_DISABLE) ? posix_fail(ENOMEM) : 0;
}

/* What sigsetjmp keeps besides. */
void __save_signal_mask(sigjmp_buf buffer, int save) {
    buffer->__masked = save;
    buffer->__mask = posix_record.blocked;
}

LIBC _Noreturn void siglongjmp(sigjmp_buf buffer, int value) {
    if (buffer->__masked) posix_record.blocked = buffer->__mask;
    longjmp(buffer, value);
}
