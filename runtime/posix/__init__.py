"""Processes: torpor:posix/sys for POSIX programs, which import HTTP or nothing beside it, and /children for those of WASI.

    host           the interface, as an engine takes it
    state          what the host functions of a guest get
    process        processes as records, and the table of those of a VM
    life           what becomes of them: signals and what they do, and the end
    programs       which program a path names: a component, or a script
    standard       the streams of a program that knows only WASI
    children       programs that such a one starts

    signals        their numbers, what each does by itself, and wait statuses
    delivery       how they get to a program: the record that it shares with the host
    alarm          timers

    descriptions   what is open: files, directories, and the host's ends of the first process's streams
    pipes          pipes between processes
    terminal       terminals, and who may use them
    line           what becomes of what is typed at them
    screen         what they show
    termios        their settings
    table          the numbers that stand for what is open
    locks          advisory locks

    calls          how the functions are written
    waiting        how they wait
    names          paths, as they are given
    arguments      arguments and environment, as they are given
    stats          the record of stat
    errnos         the numbers of errors
    numbers        the other numbers of the interface

    sys_processes  start, arguments, exit, fork, exec, spawn
    sys_families   wait, groups, sessions, usage
    sys_signals    kill, pause, alarm
    sys_time       clock, random
    sys_files      reading and writing
    sys_descriptors  dup, pipe, control, lock
    sys_paths      files by their names
    sys_poll       poll
    sys_terminals  terminals

    proc/          /proc

What starts and runs guests is `runtime.vms.processes`; `process.Machine` is what is wanted of it.
"""
