"""The `torpor` command.

    main         reads the command line, runs the command, reports how it failed
    __main__     the same as `python -m runtime.cli`
    table        how groups of commands enter themselves, and arguments that several have
    parsers      parsers of commands, which are made when they are wanted
    sections     the help of `torpor`, under headings
    uses         what each command calls of the API, and an example of it
    exits        exit codes
    output       what is printed: text for people, JSON lines for programs
    progress     a line that tells how far long work has come
    connecting   the daemon that a command works with, by
    reaching     one that runs, or
    starting     one that is started
    elsewhere    which one is meant, and one on another machine:
    bridge       over HTTP
    contexts     names for those
    opened       a file in its place

Groups of commands, each with its arguments and what it does:

    agents       chat, run, acp
    serve        serve
    daemon       status, stop, restart, logs, sleep, keys
    vms          vm
    sessions     session
    answers      permission
    lists        agents, vms, sessions, events
    transcripts  log
    added_agents  agent
    processes    exec, ps, kill, wait, shell
    base         bin
    files        fs
    more_files   fs, what is done less often
    history      fs snapshot and the like, snapshot, fork, fork-session
    move         export, import
    anything     api
    context_commands  context, relay
    inspecting   inspect
    testing      test, sdk
    repair       doctor, salvage
    install      compile, completions, systemd, licenses

and what is too large for them:

    finding      sessions by a part of their ids, VMs, processes
    asking       before something is deleted
    pruning      vm prune: VMs that editors have left
    hints        failures: commands in the place of methods
    guessing     failures: what may have been meant
    prompting    run: one prompt, and its answer as it comes
    showing      run: what is shown of it
    permissions  run: what an agent asks for on the way
    elicitations  run: what an agent asks the person
    chat/        chat: a conversation in the terminal
    acp/         acp: an agent for an editor
    mounts       run, acp: directories of this machine for a VM
    attached     exec: a command on this program's own streams
    at_terminal  shell: a shell at this program's own terminal
    copying      fs cp: files and trees
    pieces       fs: files of any size, in pieces that fit into a message
    new_agent    agent new: the files of one
    dependencies  agent add: what pip installs for one
    dev          agent dev: a prompt at each edit
    manual       man: the page
    log_lines    logs: lines as JSON or for people

Client commands use the standard library alone. The parser needs all groups, and one command runs: so a group imports at its top
what `main` has loaded anyway, and the rest in its functions.
"""
