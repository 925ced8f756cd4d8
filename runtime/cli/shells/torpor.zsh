#compdef torpor
# Written by build/completions.py from the command line's table.
# Put it into a folder of $fpath as `_torpor`, or source it after compinit.
_torpor() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '(-V --version)-V[print the version and exit]' \
        '(-V --version)--version[print the version and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'chat:hold a conversation with an agent in this terminal, as torpor without any word does'
                'run:prompt an agent and print its answer as it comes'
                'acp:be an agent for an editor: ACP on stdin and stdout'
                'serve:run the daemon in the foreground'
                'status:tell whether a daemon runs, and what it does; the exit code says so as well'
                'start:start a daemon in the background, unless one answers; whatever needs one does so by itself'
                'stop:stop the daemon: running turns end as cancelled'
                'restart:stop the daemon and start one of this version, with the same state, socket and options'
                'logs:print the daemon'\''s log, which holds no contents'
                'sleep:put a VM to sleep: its agents leave memory, nothing is lost'
                'keys:the key of sessions'\'' variables'
                'vm:VMs: list, make, change and remove them'
                'session:conversations with agents: list, change, end and remove them'
                'permission:what agents ask for: list it, and answer'
                'agents:list the agents that can be run'
                'vms:list the VMs, awake or asleep'
                'sessions:list sessions, also of VMs that sleep'
                'events:print the transcript of a session'
                'log:print a session as a transcript to be read'
                'agent:the agents that can be run, and those that you add'
                'exec:run a command in a VM, with this program'\''s stdin, stdout and stderr'
                'ps:list the processes of VMs that are awake'
                'kill:end a command that runs in a VM'
                'wait:wait until a command of a VM has ended, and exit with its exit code'
                'shell:open a shell in a VM, at this terminal'
                'bin:the commands that all VMs have in /bin'
                'fs:read and write a VM'\''s files'
                'snapshot:a VM'\''s files as they were: keep, list, compare, restore'
                'fork:make a VM like another, as it is or as it was after an event'
                'fork-session:make a session with the history of another, in its VM or in a fork of the VM'
                'export:write a VM with files and sessions to a new file'
                'import:make a VM of a file that was exported'
                'api:call a method of the API and print what it answers; without a method, print the API as an OpenRPC document'
                'context:daemons on other machines: name them, and say which one is meant'
                'relay:be a connection to this machine'\''s daemon: its API on stdin and stdout'
                'inspect:show VMs, sessions and files in a browser'
                'test:test agents as YAML files say'
                'sdk:copy the guest SDK, or the package of a client, into a folder'
                'doctor:look for trouble: socket, permissions, state file, cache, engine, disk, limits'
                'salvage:write what can still be read of a damaged state file into a folder: an export for each VM'
                'compile:compile agents and commands ahead, so that nobody has to wait for it'
                'completions:print the completions of a shell'
                'systemd:write systemd'\''s user units that start the daemon when it is needed'
                'licenses:print the licences of what the single executable contains'
                'help:print the help of a command, or the list of them'
                'version:print the version of this program'
                'man:print the manual page, for man(1): torpor man | man -l -'
                'open:look into a state or export file, read only: run a command that reads on what it holds'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                chat) _torpor_chat ;;
                run) _torpor_run ;;
                acp) _torpor_acp ;;
                serve) _torpor_serve ;;
                status) _torpor_status ;;
                start) _torpor_start ;;
                stop) _torpor_stop ;;
                restart) _torpor_restart ;;
                logs) _torpor_logs ;;
                sleep) _torpor_sleep ;;
                keys) _torpor_keys ;;
                vm) _torpor_vm ;;
                session) _torpor_session ;;
                permission) _torpor_permission ;;
                agents) _torpor_agents ;;
                vms) _torpor_vms ;;
                sessions) _torpor_sessions ;;
                events) _torpor_events ;;
                log) _torpor_log ;;
                agent) _torpor_agent ;;
                exec) _torpor_exec ;;
                ps) _torpor_ps ;;
                kill) _torpor_kill ;;
                wait) _torpor_wait ;;
                shell) _torpor_shell ;;
                bin) _torpor_bin ;;
                fs) _torpor_fs ;;
                snapshot) _torpor_snapshot ;;
                fork) _torpor_fork ;;
                fork-session) _torpor_fork-session ;;
                export) _torpor_export ;;
                import) _torpor_import ;;
                api) _torpor_api ;;
                context) _torpor_context ;;
                relay) _torpor_relay ;;
                inspect) _torpor_inspect ;;
                test) _torpor_test ;;
                sdk) _torpor_sdk ;;
                doctor) _torpor_doctor ;;
                salvage) _torpor_salvage ;;
                compile) _torpor_compile ;;
                completions) _torpor_completions ;;
                systemd) _torpor_systemd ;;
                licenses) _torpor_licenses ;;
                help) _torpor_help ;;
                version) _torpor_version ;;
                man) _torpor_man ;;
                open) _torpor_open ;;
            esac ;;
    esac
}
_torpor_chat() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '*--env=[a variable for the agent; K alone takes the value from your environment (repeatable)]:K=V: ' \
        '*--allow=[a host (or host\:port, or *.domain) that the VM may reach, when the VM is created (repeatable)]:HOST: ' \
        '*--mount=[a directory of this machine for the VM, at its own path or at PATH, to be changed or only read (repeatable)]:HOST\[\:PATH\]\[\:ro\]: ' \
        '--base=[default or none\: whether the VM has Torpor'\''s commands in /bin, when the VM is created]:WHICH:(default none)' \
        '--state=[the state file of a daemon that is started]:FILE:_files' \
        '--cwd=[the agent'\''s working directory in the VM (default\: /home/user)]:DIR: ' \
        '--auth-method=[how the agent is to be authenticated, of the ways that it offers]:ID: ' \
        '--yes[allow whatever the agent asks permission for]' \
        '--session=[go on in this session\: a part of its id, last, or -]:ID: ' \
        '--continue[go on with the last session, of this agent and VM if named]' \
        '--model=[the model, of those that the agent offers]:MODEL: ' \
        '--mode=[the mode, of those that the agent offers]:MODE: ' \
        '1:AGENT: '
}
_torpor_run() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '*--env=[a variable for the agent; K alone takes the value from your environment (repeatable)]:K=V: ' \
        '*--allow=[a host (or host\:port, or *.domain) that the VM may reach, when the VM is created (repeatable)]:HOST: ' \
        '*--mount=[a directory of this machine for the VM, at its own path or at PATH, to be changed or only read (repeatable)]:HOST\[\:PATH\]\[\:ro\]: ' \
        '--base=[default or none\: whether the VM has Torpor'\''s commands in /bin, when the VM is created]:WHICH:(default none)' \
        '--state=[the state file of a daemon that is started]:FILE:_files' \
        '--cwd=[the agent'\''s working directory in the VM (default\: /home/user)]:DIR: ' \
        '--auth-method=[how the agent is to be authenticated, of the ways that it offers]:ID: ' \
        '--yes[allow whatever the agent asks permission for]' \
        '--session=[go on in this session, or open it under this id]:ID: ' \
        '--new=[open a session under this id, which none may have]:ID: ' \
        '--continue[go on with the last session of this agent in the VM]' \
        '--model=[the model, of those that the agent offers]:MODEL: ' \
        '--mode=[the mode, of those that the agent offers]:MODE: ' \
        '--keep[leave the session open if it was made for this\: its agent stays in memory]' \
        '1:AGENT: ' \
        '*:PROMPT: '
}
_torpor_acp() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: one for each workspace); parts of a name joined with /]:NAME: ' \
        '--workspace[mount the directory that the editor works in, at its own path, for the agent to read and change]' \
        '*--env=[a variable for the agent; K alone takes the value from your environment (repeatable)]:K=V: ' \
        '*--allow=[a host (or host\:port, or *.domain) that the VM may reach, when the VM is created (repeatable)]:HOST: ' \
        '*--mount=[a directory of this machine for the VM, at its own path or at PATH, to be changed or only read (repeatable)]:HOST\[\:PATH\]\[\:ro\]: ' \
        '--base=[default or none\: whether the VM has Torpor'\''s commands in /bin, when the VM is created]:WHICH:(default none)' \
        '--state=[the state file of a daemon that is started]:FILE:_files' \
        '--http=[be one over WebSocket at ws\://HOST\:PORT/acp, to who has the token]:HOST\:PORT: ' \
        '--http-token=[the file with the token (default\: acp-http-token beside the state file, made if need be)]:FILE:_files' \
        '--http-public[let --http name an address that others can reach]' \
        '*--http-origin=[let web pages of this origin connect (repeatable)]:ORIGIN: ' \
        '1:AGENT: '
}
_torpor_serve() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--state=[the state file; it is created if need be]:FILE:_files' \
        '--idle-exit=[end when for so long nobody is connected and no turn or command runs (default\: never)]:SECONDS: ' \
        '--durability=[what outlives a power cut\: power, all that was answered, or process, all but the last second (default\: $TORPOR_DURABILITY, else process)]:WORD: ' \
        '--max-memory=[start no guest while the daemon has more, such as 512M or 4G, 0\: no bound (default\: $TORPOR_MAX_MEMORY, else three quarters of the machine'\''s)]:SIZE: ' \
        '--log-level=[what is logged (default\: info)]:log_level:(debug info warning error)' \
        '--supervise[start the daemon again when it dies, unless systemd does (one in the background always is)]' \
        '--background[once ready, leave stdout and stderr, and log to the file alone]' \
        '--http=[serve the same API over WebSocket at http\://HOST\:PORT/rpc, to who has the token]:HOST\:PORT: ' \
        '--http-token=[the file with the token (default\: http-token beside the state file, made if need be)]:FILE:_files' \
        '--http-public[let --http name an address that others can reach]' \
        '*--http-origin=[let web pages of this origin connect (repeatable)]:ORIGIN: '
}
_torpor_status() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]'
}
_torpor_start() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]'
}
_torpor_stop() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--timeout=[how long to wait for its end (default\: 30)]:SECONDS: '
}
_torpor_restart() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--timeout=[how long to wait for its end (default\: 30)]:SECONDS: '
}
_torpor_logs() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '(-n --lines)-n[so many of the last lines (default\: 50)]:N: ' \
        '(-n --lines)--lines=[so many of the last lines (default\: 50)]:N: ' \
        '(-f --follow)-f[go on with what comes, until interrupted]' \
        '(-f --follow)--follow[go on with what comes, until interrupted]' \
        '--state=[the state file whose daemon is meant (default\: that of the one that answers)]:FILE:_files'
}
_torpor_sleep() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--force[cancel turns that run instead of waiting for them]' \
        '--grace=[how long to wait for turns that run]:SECONDS: ' \
        '1:VM: '
}
_torpor_keys() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'rotate:seal the variables of all sessions with a new key'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                rotate) _torpor_keys_rotate ;;
            esac ;;
    esac
}
_torpor_keys_rotate() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: '
}
_torpor_vm() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'ls:list VMs with what they hold and when they were last used; wakes none'
                'show:describe a VM: its options and what it uses'
                'new:make a VM, asleep and without files of yours'
                'configure:change a VM'\''s options'
                'rm:remove VMs with their sessions and files'
                'sleep:put a VM to sleep: its agents leave memory, nothing is lost'
                'wake:wake a VM, which never has to be done: whatever needs it wakes it'
                'stats:tell what a VM, or each VM, uses; wakes none'
                'prune:remove VMs that were made for editors and that nobody has used for long'
                'fork:make a VM like another, as it is or as it was after an event'
                'export:write a VM with files and sessions to a new file'
                'import:make a VM of a file that was exported'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                ls) _torpor_vm_ls ;;
                show) _torpor_vm_show ;;
                new) _torpor_vm_new ;;
                configure) _torpor_vm_configure ;;
                rm) _torpor_vm_rm ;;
                sleep) _torpor_vm_sleep ;;
                wake) _torpor_vm_wake ;;
                stats) _torpor_vm_stats ;;
                prune) _torpor_vm_prune ;;
                fork) _torpor_vm_fork ;;
                export) _torpor_vm_export ;;
                import) _torpor_vm_import ;;
            esac ;;
    esac
}
_torpor_vm_ls() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '(-q --quiet)-q[names alone]' \
        '(-q --quiet)--quiet[names alone]' \
        '*--label=[only with this label (repeatable)]:K\[=V\]: '
}
_torpor_vm_show() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:VM: '
}
_torpor_vm_new() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '*--allow=[a host that it may reach (repeatable)]:HOST: ' \
        '*--mount=[a directory of the daemon'\''s machine, at its own path or at PATH (repeatable)]:HOST\[\:PATH\]\[\:ro\]: ' \
        '*--label=[a text of your own (repeatable)]:K=V: ' \
        '*--limit=[a limit as the API names it, like memoryBytes (repeatable)]:NAME=N: ' \
        '--idle=[fall asleep after so long without work]:SECONDS: ' \
        '--base=[default or none\: Torpor'\''s commands in /bin]:WHICH:(default none)' \
        '1:NAME: '
}
_torpor_vm_configure() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '*--allow=[a host that it may reach (repeatable)]:HOST: ' \
        '*--mount=[a directory of the daemon'\''s machine, at its own path or at PATH (repeatable)]:HOST\[\:PATH\]\[\:ro\]: ' \
        '*--label=[a text of your own (repeatable)]:K=V: ' \
        '*--limit=[a limit as the API names it, like memoryBytes (repeatable)]:NAME=N: ' \
        '--idle=[fall asleep after so long without work]:SECONDS: ' \
        '--base=[default or none\: Torpor'\''s commands in /bin]:WHICH:(default none)' \
        '1:VM: '
}
_torpor_vm_rm() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '(-y --yes -f --force)-y[do it without asking]' \
        '(-y --yes -f --force)--yes[do it without asking]' \
        '(-y --yes -f --force)-f[do it without asking]' \
        '(-y --yes -f --force)--force[do it without asking]' \
        '*:VM: '
}
_torpor_vm_sleep() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--force[cancel turns that run instead of waiting for them]' \
        '--grace=[how long to wait for turns that run]:SECONDS: ' \
        '1:VM: '
}
_torpor_vm_wake() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:VM: '
}
_torpor_vm_stats() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:VM: '
}
_torpor_vm_prune() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--older-than=[last used so long ago, as 30d, 12h or 90min (default\: 30d)]:AGE: ' \
        '--dry-run[list what would be removed, and remove nothing]' \
        '(-y --yes -f --force)-y[do it without asking]' \
        '(-y --yes -f --force)--yes[do it without asking]' \
        '(-y --yes -f --force)-f[do it without asking]' \
        '(-y --yes -f --force)--force[do it without asking]'
}
_torpor_vm_fork() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--at=[begin after this event of a session (default\: as everything is now)]:SESSION@SEQ: ' \
        '1:VM: ' \
        '2:NAME: '
}
_torpor_vm_export() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:VM: ' \
        '2:PATH:_files'
}
_torpor_vm_import() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM'\''s name (default\: the one in the file)]:NAME: ' \
        '--trust[take over hosts, policies and cron jobs as well]' \
        '1:PATH:_files'
}
_torpor_session() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'ls:list sessions, those of VMs that sleep as well, with their tokens and cost'
                'show:describe a session: its agent, settings, and what waits for an answer'
                'rm:remove a session with its transcript; its VM'\''s files stay'
                'close:end a session: its agent leaves memory, the transcript stays'
                'resume:bring a session back that was closed or suspended'
                'cancel:end the turn that a session is in'
                'fork:make a session with the history of another, in its VM or in a fork of the VM'
                'set:set a session'\''s model, mode, thinking or another option; without a value, list what can be set'
                'send:send an agent a request of ACP, or one of its own, and print what it answers'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                ls) _torpor_session_ls ;;
                show) _torpor_session_show ;;
                rm) _torpor_session_rm ;;
                close) _torpor_session_close ;;
                resume) _torpor_session_resume ;;
                cancel) _torpor_session_cancel ;;
                fork) _torpor_session_fork ;;
                set) _torpor_session_set ;;
                send) _torpor_session_send ;;
            esac ;;
    esac
}
_torpor_session_ls() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: all); parts of a name joined with /]:NAME: ' \
        '--live[only those whose agent is in memory]'
}
_torpor_session_show() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '1:SESSION: '
}
_torpor_session_rm() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '(-y --yes -f --force)-y[do it without asking]' \
        '(-y --yes -f --force)--yes[do it without asking]' \
        '(-y --yes -f --force)-f[do it without asking]' \
        '(-y --yes -f --force)--force[do it without asking]' \
        '1:SESSION: '
}
_torpor_session_close() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '1:SESSION: '
}
_torpor_session_resume() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '*--env=[a variable that it asks for again; K alone takes the value from your environment (repeatable)]:K=V: ' \
        '1:SESSION: '
}
_torpor_session_cancel() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '--grace=[how long the agent has for it (default\: 5)]:SECONDS: ' \
        '1:SESSION: '
}
_torpor_session_fork() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '--at=[the last event to keep (default\: all)]:SEQ: ' \
        '--to=[fork the VM to this name, too\: with the files of that moment]:NAME: ' \
        '1:SESSION: '
}
_torpor_session_set() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '1:SESSION: ' \
        '2:NAME: ' \
        '3:VALUE: '
}
_torpor_session_send() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '1:SESSION: ' \
        '2:METHOD: ' \
        '3:JSON: '
}
_torpor_permission() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'ls:list the requests that wait for an answer, in all VMs'
                'allow:allow what an agent asks for'
                'deny:refuse what an agent asks for'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                ls) _torpor_permission_ls ;;
                allow) _torpor_permission_allow ;;
                deny) _torpor_permission_deny ;;
            esac ;;
    esac
}
_torpor_permission_ls() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: all); parts of a name joined with /]:NAME: '
}
_torpor_permission_allow() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: all); parts of a name joined with /]:NAME: ' \
        '--always[and the like of it for the rest of the session]' \
        '--option=[by one of the options that the agent offers]:ID: ' \
        '1:REQUEST: '
}
_torpor_permission_deny() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: all); parts of a name joined with /]:NAME: ' \
        '1:REQUEST: '
}
_torpor_agents() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: '
}
_torpor_vms() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: '
}
_torpor_sessions() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: all); parts of a name joined with /]:NAME: '
}
_torpor_events() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '--after=[only what came after this event]:SEQ: ' \
        '--limit=[at most so many]:N: ' \
        '*--type=[only this type (repeatable)]:TYPE: ' \
        '--follow[go on with what comes, until interrupted]' \
        '1:SESSION: '
}
_torpor_log() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '--follow[go on with what comes, until interrupted]' \
        '--whole[leave out nothing of thoughts, output and diffs]' \
        '1:SESSION: '
}
_torpor_agent() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'add:add an agent for all VMs, from a component or a folder'
                'check:tell what an agent is, and whether it can be run'
                'new:write an agent that runs as it is, to be edited'
                'dev:prompt an agent anew at each edit of its folder'
                'list:list the agents that can be run'
                'ls:list the agents that can be run'
                'remove:remove an agent that was added'
                'rm:remove an agent that was added'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                add) _torpor_agent_add ;;
                check) _torpor_agent_check ;;
                new) _torpor_agent_new ;;
                dev) _torpor_agent_dev ;;
                list) _torpor_agent_list ;;
                ls) _torpor_agent_ls ;;
                remove) _torpor_agent_remove ;;
                rm) _torpor_agent_rm ;;
            esac ;;
    esac
}
_torpor_agent_add() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--name=[the agent'\''s id (default\: the manifest'\''s, or the file'\''s name)]:ID: ' \
        '--index-url=[where the dependencies of an agent without a build are installed from (default\: PyPI, or npm'\''s registry)]:URL: ' \
        '1:PATH:_files'
}
_torpor_agent_check() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:PATH:_files'
}
_torpor_agent_new() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--lang=[the language (default\: python)]:lang:(python javascript)' \
        '--dir=[the folder to make (default\: the id)]:DIR:_files -/' \
        '1:ID: '
}
_torpor_agent_dev() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '*--env=[a variable for the agent; K alone takes the value from your environment (repeatable)]:K=V: ' \
        '*--allow=[a host (or host\:port, or *.domain) that the VM may reach, when the VM is created (repeatable)]:HOST: ' \
        '*--mount=[a directory of this machine for the VM, at its own path or at PATH, to be changed or only read (repeatable)]:HOST\[\:PATH\]\[\:ro\]: ' \
        '--base=[default or none\: whether the VM has Torpor'\''s commands in /bin, when the VM is created]:WHICH:(default none)' \
        '--state=[the state file of a daemon that is started]:FILE:_files' \
        '--cwd=[the agent'\''s working directory in the VM (default\: /home/user)]:DIR: ' \
        '--auth-method=[how the agent is to be authenticated, of the ways that it offers]:ID: ' \
        '--yes[allow whatever the agent asks permission for]' \
        '--index-url=[where the dependencies of an agent without a build are installed from (default\: PyPI, or npm'\''s registry)]:URL: ' \
        '1:DIR:_files -/' \
        '2:PROMPT: '
}
_torpor_agent_list() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: '
}
_torpor_agent_ls() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: '
}
_torpor_agent_remove() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:ID: '
}
_torpor_agent_rm() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:ID: '
}
_torpor_exec() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '*--env=[a variable for the command; K alone takes the value from your environment (repeatable)]:K=V: ' \
        '--cwd=[the working directory in the VM (default\: /home/user)]:DIR: ' \
        '--timeout=[kill the command when it takes longer]:SECONDS: ' \
        '(-c --command)-c[a line for the VM'\''s /bin/sh, instead of ARGV; without a shell it may only have words]:LINE: ' \
        '(-c --command)--command=[a line for the VM'\''s /bin/sh, instead of ARGV; without a shell it may only have words]:LINE: ' \
        '*:ARGV: '
}
_torpor_ps() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: all); parts of a name joined with /]:NAME: ' \
        '(-a --all)-a[with commands that have ended lately]' \
        '(-a --all)--all[with commands that have ended lately]'
}
_torpor_kill() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '--grace=[ask it to end, and wait so long]:SECONDS: ' \
        '1:PID: '
}
_torpor_wait() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '1:PID: '
}
_torpor_shell() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '*--env=[a variable for the shell; K alone takes the value from your environment (repeatable)]:K=V: ' \
        '--cwd=[the working directory in the VM (default\: /home/user)]:DIR: ' \
        '1:VM: ' \
        '*:COMMAND: '
}
_torpor_bin() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'add:add a command to /bin of all VMs'
                'list:list the commands that VMs have in /bin'
                'ls:list the commands that VMs have in /bin'
                'remove:remove a command that was added'
                'rm:remove a command that was added'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                add) _torpor_bin_add ;;
                list) _torpor_bin_list ;;
                ls) _torpor_bin_ls ;;
                remove) _torpor_bin_remove ;;
                rm) _torpor_bin_rm ;;
            esac ;;
    esac
}
_torpor_bin_add() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--name=[the command'\''s name (default\: that of the file, without .wasm)]:NAME: ' \
        '1:FILE:_files'
}
_torpor_bin_list() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: '
}
_torpor_bin_ls() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: '
}
_torpor_bin_remove() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:NAME: '
}
_torpor_bin_rm() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:NAME: '
}
_torpor_fs() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'ls:list a directory of the VM'
                'cat:write a file of the VM to stdout'
                'put:copy a local file into the VM'
                'rm:remove a file from the VM'
                'cp:copy files into the VM, out of it, or within it'
                'mv:rename a file or directory of the VM'
                'tree:list everything below a directory of the VM'
                'get:copy a file or directory of the VM to this machine'
                'mkdir:make a directory in the VM'
                'stat:describe a file of the VM, a link itself'
                'find:list what has a name like a pattern, below a directory of the VM'
                'ln:make a symbolic link in the VM'
                'chmod:set the permission bits of a file of the VM'
                'truncate:cut a file of the VM off, or extend it by zeros'
                'snapshot:keep the VM'\''s files as they are, under a name'
                'snapshots:list snapshots of the VM'\''s files'
                'drop:delete a snapshot, with what only it has kept'
                'diff:tell what is different in the VM'\''s files'
                'restore:put the VM to sleep and make its files what they were'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                ls) _torpor_fs_ls ;;
                cat) _torpor_fs_cat ;;
                put) _torpor_fs_put ;;
                rm) _torpor_fs_rm ;;
                cp) _torpor_fs_cp ;;
                mv) _torpor_fs_mv ;;
                tree) _torpor_fs_tree ;;
                get) _torpor_fs_get ;;
                mkdir) _torpor_fs_mkdir ;;
                stat) _torpor_fs_stat ;;
                find) _torpor_fs_find ;;
                ln) _torpor_fs_ln ;;
                chmod) _torpor_fs_chmod ;;
                truncate) _torpor_fs_truncate ;;
                snapshot) _torpor_fs_snapshot ;;
                snapshots) _torpor_fs_snapshots ;;
                drop) _torpor_fs_drop ;;
                diff) _torpor_fs_diff ;;
                restore) _torpor_fs_restore ;;
            esac ;;
    esac
}
_torpor_fs_ls() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '(-l --long)-l[with type, mode, size and time]' \
        '(-l --long)--long[with type, mode, size and time]' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:PATH: '
}
_torpor_fs_cat() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:PATH: '
}
_torpor_fs_put() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:LOCAL:_files' \
        '2:PATH: '
}
_torpor_fs_rm() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '(-r --recursive)-r[remove directories with what they hold]' \
        '(-r --recursive)--recursive[remove directories with what they hold]' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:PATH: '
}
_torpor_fs_cp() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '(-r --recursive)-r[copy directories with what they hold]' \
        '(-r --recursive)--recursive[copy directories with what they hold]' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:SOURCE: ' \
        '2:TARGET: '
}
_torpor_fs_mv() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:FROM: ' \
        '2:TO: '
}
_torpor_fs_tree() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--depth=[how deep; 1\: the directory'\''s own entries]:N: ' \
        '*--exclude=[leave out what has such a name, or with a slash such a path, and all below it (repeatable)]:GLOB: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:PATH: '
}
_torpor_fs_get() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:PATH: ' \
        '2:LOCAL:_files'
}
_torpor_fs_mkdir() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '(-p --parents)-p[with what is missing above it; none may be there]' \
        '(-p --parents)--parents[with what is missing above it; none may be there]' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:PATH: '
}
_torpor_fs_stat() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:PATH: '
}
_torpor_fs_find() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:GLOB: ' \
        '2:PATH: '
}
_torpor_fs_ln() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:TARGET: ' \
        '2:PATH: '
}
_torpor_fs_chmod() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:MODE: ' \
        '2:PATH: '
}
_torpor_fs_truncate() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:PATH: ' \
        '2:BYTES: '
}
_torpor_fs_snapshot() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:NAME: '
}
_torpor_fs_snapshots() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--session=[those that the turns of a session have left]:ID: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: '
}
_torpor_fs_drop() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:NAME: '
}
_torpor_fs_diff() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--path=[only what is at this path or below it]:PATH:_files' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:FROM: ' \
        '2:TO: '
}
_torpor_fs_restore() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--force[cancel turns and processes instead of waiting for them]' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:POINT: '
}
_torpor_snapshot() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'new:keep the VM'\''s files as they are, under a name'
                'ls:list snapshots of the VM'\''s files'
                'rm:delete a snapshot, with what only it has kept'
                'diff:tell what is different in the VM'\''s files'
                'restore:put the VM to sleep and make its files what they were'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                new) _torpor_snapshot_new ;;
                ls) _torpor_snapshot_ls ;;
                rm) _torpor_snapshot_rm ;;
                diff) _torpor_snapshot_diff ;;
                restore) _torpor_snapshot_restore ;;
            esac ;;
    esac
}
_torpor_snapshot_new() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:NAME: '
}
_torpor_snapshot_ls() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--session=[those that the turns of a session have left]:ID: ' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: '
}
_torpor_snapshot_rm() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '(-y --yes -f --force)-y[do it without asking]' \
        '(-y --yes -f --force)--yes[do it without asking]' \
        '(-y --yes -f --force)-f[do it without asking]' \
        '(-y --yes -f --force)--force[do it without asking]' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:NAME: '
}
_torpor_snapshot_diff() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--path=[only what is at this path or below it]:PATH:_files' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:FROM: ' \
        '2:TO: '
}
_torpor_snapshot_restore() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--force[cancel turns and processes instead of waiting for them]' \
        '--vm=[the VM (default\: default); parts of a name joined with /]:NAME: ' \
        '1:POINT: '
}
_torpor_fork() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--at=[begin after this event of a session (default\: as everything is now)]:SESSION@SEQ: ' \
        '1:VM: ' \
        '2:NAME: '
}
_torpor_fork-session() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM that it is in (default\: it is looked for in all)]:NAME: ' \
        '--at=[the last event to keep (default\: all)]:SEQ: ' \
        '--to=[fork the VM to this name, too\: with the files of that moment]:NAME: ' \
        '1:SESSION: '
}
_torpor_export() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:VM: ' \
        '2:PATH:_files'
}
_torpor_import() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--vm=[the VM'\''s name (default\: the one in the file)]:NAME: ' \
        '--trust[take over hosts, policies and cron jobs as well]' \
        '1:PATH:_files'
}
_torpor_api() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '1:METHOD: ' \
        '2:JSON: '
}
_torpor_context() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '1:command:->command' \
        '*::argument:->argument'
    case $state in
        command)
            local -a commands=(
                'add:name a daemon elsewhere'
                'ls:list the contexts; * is the one in use'
                'use:have commands work with a context; without a name, with this machine'
                'rm:forget a context; the daemon stays'
            )
            _describe -t commands command commands ;;
        argument)
            case $line[1] in
                add) _torpor_context_add ;;
                ls) _torpor_context_ls ;;
                use) _torpor_context_use ;;
                rm) _torpor_context_rm ;;
            esac ;;
    esac
}
_torpor_context_add() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--token-file=[where the token of an https address lies]:FILE:_files' \
        '1:NAME: ' \
        '2:ADDRESS: '
}
_torpor_context_ls() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]'
}
_torpor_context_use() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '1:NAME: '
}
_torpor_context_rm() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '1:NAME: '
}
_torpor_relay() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: '
}
_torpor_inspect() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--no-start[start no daemon when none answers]' \
        '--host=[a daemon elsewhere\: ssh\://HOST, https\://HOST, or a context]:ADDRESS: ' \
        '--port=[the port (default\: any that is free)]:N: ' \
        '--no-browser[open no browser, print the address alone]'
}
_torpor_test() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--format=[what is printed without --json]:format:(pretty tap junit)' \
        '--junit=[write JUnit'\''s XML to a file as well]:FILE:_files' \
        '--name=[only tests with this text in their names]:TEXT: ' \
        '--executable=[run agents in a daemon started from this executable]:FILE:_files' \
        '--update[write golden transcripts instead of comparing them]' \
        '--report=[where transcripts and states of failing tests are put (default\: torpor-report); empty\: nowhere]:DIR:_files -/' \
        '*:FILE:_files'
}
_torpor_sdk() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--lang=[after the word `client`\: of which client]:lang:(python typescript)' \
        '*:DIR:_files -/'
}
_torpor_doctor() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--state=[the state file (default\: that of the daemon that answers)]:FILE:_files' \
        '--full[read all of the state file, indexes included\: may take minutes]'
}
_torpor_salvage() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--output=[where to; it is made if need be]:FOLDER: ' \
        '1:FILE:_files'
}
_torpor_compile() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '*:AGENT: '
}
_torpor_completions() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '1:SHELL:(bash zsh fish)'
}
_torpor_systemd() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '--directory=[where to (default\: ~/.config/systemd/user)]:DIR:_files -/'
}
_torpor_licenses() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]'
}
_torpor_help() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '*:COMMAND: '
}
_torpor_version() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]'
}
_torpor_man() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]'
}
_torpor_open() {
    local context state state_descr line
    typeset -A opt_args
    _arguments -s -S -C \
        '(-h --help)-h[show this help message and exit]' \
        '(-h --help)--help[show this help message and exit]' \
        '--socket=[the daemon'\''s socket]:PATH:_files' \
        '--json[print JSON, one object a line]' \
        '1:FILE:_files' \
        '*:COMMAND: '
}
if [[ $funcstack[1] == _torpor ]]; then _torpor "$@"; else compdef _torpor torpor; fi
