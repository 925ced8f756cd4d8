// Signals between a process and its child, one scenario for each first argument.
#include "bare.h"

static int32_t ends[2], child;
static char buffer[256], scenario;
static struct ended ended;
static struct record record;

static void wait_for(const char *what, uint32_t options) {
    int32_t got;
    while ((got = sys_wait(child, options, &ended)) == -27) record.pending = 0;
    tell(what, got == child ? (int64_t)ended.status : got);
}

static void ready(void) { sys_read(ends[0], buffer, 1); }

RUN int run(void) {
    sys_start(&record);
    sys_arguments(buffer, sizeof buffer);
    scenario = *(buffer + 8 + length(buffer + 8) + 1);
    sys_pipe(ends, 0);
    child = FORK();
    if (child < 0) return 1;
    if (scenario == 's') { // spins: ended at once
        ready();
        tell("kill", sys_kill(child, SIGTERM));
        wait_for("spinning", 0);
    } else if (scenario == 'h') { // handles, and goes on
        ready();
        tell("kill", sys_kill(child, SIGTERM));
        wait_for("handled", 0);
    } else if (scenario == 'p') { // stopped and continued
        ready();
        sys_kill(child, SIGSTOP);
        wait_for("stopped", WUNTRACED);
        tell("nothing else", sys_wait(child, WNOHANG | WUNTRACED | WCONTINUED, &ended));
        sys_kill(child, SIGCONT);
        wait_for("continued", WCONTINUED);
        sys_kill(child, SIGKILL);
        wait_for("killed", 0);
    } else if (scenario == 'g') { // a group
        tell("group", sys_set_group(child, child));
        tell("its group", sys_id(2, child) == child);
        tell("other session", sys_id(3, child) == sys_id(3, 0));
        tell("look", sys_kill(-child, 0));
        tell("kill", sys_kill(-child, SIGINT));
        wait_for("of the group", 0);
        tell("gone", sys_kill(-child, 0));
    } else if (scenario == 'a') { // an alarm
        record.actions[SIGALRM - 1] = 2;
        tell("none before", sys_alarm(3600000000000, 0));
        tell("left", sys_alarm(1000000, 0) > 3500000000000);
        tell("pause", sys_pause());
        tell("pending", (int64_t)record.pending);
        sys_kill(child, SIGKILL);
        wait_for("killed", 0);
    } else if (scenario == 'e') { // exits after it was stopped
        wait_for("stopped", WUNTRACED);
        sys_kill(child, SIGCONT);
        wait_for("exited", 0);
    } else if (scenario == 'o') { // stopped, and then nobody can continue it
        wait_for("stopped", WUNTRACED);
    } else if (scenario == 'b') { // blocked, then inherited as pending
        record.pending = 0;
        record.blocked = 1 << (SIGTERM - 1);
        sys_kill(sys_id(0, 0), SIGTERM);
        tell("pending", (int64_t)record.pending);
        sys_kill(child, SIGKILL);
        wait_for("killed", 0);
    }
    tell("wrong signal", sys_kill(child, 65));
    tell("no process", sys_kill(child, 0));
    tell("init", sys_kill(1, 0));
    sys_exit(0);
    return 0;
}

CHILD int posix_child(void) {
    record.actions[SIGTERM - 1] = scenario == 'h' ? 2 : 0;
    sys_write(ends[1], "x", 1);
    if (scenario == 's')
        for (volatile int spin = 0;; spin++);
    if (scenario == 'e') {
        sys_kill(sys_id(0, 0), SIGSTOP);
        sys_exit(5);
    }
    if (scenario == 'o') {
        record.actions[SIGHUP - 1] = 2;
        sys_set_group(0, 0);
        sys_kill(sys_id(0, 0), SIGSTOP);
        sys_pause();
        tell("hung up", record.pending == 1 << (SIGHUP - 1));
        sys_exit(0);
    }
    int32_t waited = sys_pause();
    sys_exit(scenario == 'h' && waited == -27 && record.pending == 1 << (SIGTERM - 1) ? 5 : 6);
    return 0;
}
