"""The `torpor` command.

    main        reads the command line, runs the command, reports how it failed
    table       how groups of commands enter themselves, and arguments that several have
    exits       exit codes
    output      what is printed: text for people, JSON lines for programs
    progress    a line that tells how far long work has come
    connecting  the daemon that a command works with: `reaching` finds it, `starting` starts it

Groups of commands, each with its arguments and what it does:

    agents      run, acp
    serve       serve
    daemon      status, stop, restart, logs, sleep, keys
    lists       agents, vms, sessions, events
    processes   exec, ps
    files       fs
    history     fs snapshot and the like, fork, fork-session
    move        export, import
    testing     test, sdk
    repair      doctor, salvage
    install     compile, completions, systemd, licenses

and what is too large for them: `prompting` with `permissions` (run), `acp`, `mounts` (both), `attached` (exec), `pieces` and
`copying` (fs), `log_lines` (logs).

Client commands use the standard library alone. The parser needs all groups, and one command runs: so a group imports at its top
what `main` has loaded anyway, and the rest in its functions.
"""
