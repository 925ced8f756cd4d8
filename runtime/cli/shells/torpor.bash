# Written by build/completions.py from the command line's table.
# Needs no bash-completion: source it, or put it where bash looks for completions, as `torpor`.
_torpor() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= given=0 skip= i word
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $skip ]]; then skip=; continue; fi
        case "${command:+$command }$word" in
            'run' | 'acp' | 'serve' | 'status' | 'stop' | 'restart' | 'logs' | 'sleep' | 'keys' | 'keys rotate' | 'agents' | 'vms' | 'sessions' | 'events' | 'agent' | 'agent add' | 'agent check' | 'agent new' | 'agent dev' | 'agent list' | 'agent remove' | 'exec' | 'ps' | 'shell' | 'bin' | 'bin add' | 'bin list' | 'bin remove' | 'fs' | 'fs ls' | 'fs cat' | 'fs put' | 'fs rm' | 'fs cp' | 'fs mv' | 'fs tree' | 'fs snapshot' | 'fs snapshots' | 'fs drop' | 'fs diff' | 'fs restore' | 'fork' | 'fork-session' | 'export' | 'import' | 'test' | 'sdk' | 'doctor' | 'salvage' | 'compile' | 'completions' | 'systemd' | 'licenses') command="${command:+$command }$word"; given=0; continue ;;
        esac
        case "$command:$word" in
            'run:--socket' | 'run:--vm' | 'run:--env' | 'run:--allow' | 'run:--mount' | 'run:--base' | 'run:--state' | 'run:--cwd' | 'run:--auth-method' | 'run:--session' | 'acp:--socket' | 'acp:--vm' | 'acp:--env' | 'acp:--allow' | 'acp:--mount' | 'acp:--base' | 'acp:--state' | 'serve:--socket' | 'serve:--state' | 'serve:--idle-exit' | 'serve:--durability' | 'serve:--max-memory' | 'serve:--log-level' | 'serve:--http' | 'serve:--http-token' | 'serve:--http-origin' | 'status:--socket' | 'stop:--socket' | 'stop:--timeout' | 'restart:--socket' | 'restart:--timeout' | 'logs:--socket' | 'logs:-n' | 'logs:--lines' | 'logs:--state' | 'sleep:--socket' | 'sleep:--grace' | 'keys rotate:--socket' | 'agents:--socket' | 'vms:--socket' | 'sessions:--socket' | 'sessions:--vm' | 'events:--socket' | 'events:--vm' | 'events:--after' | 'events:--limit' | 'events:--type' | 'agent add:--socket' | 'agent add:--name' | 'agent add:--index-url' | 'agent check:--socket' | 'agent new:--socket' | 'agent new:--lang' | 'agent new:--dir' | 'agent dev:--socket' | 'agent dev:--vm' | 'agent dev:--env' | 'agent dev:--allow' | 'agent dev:--mount' | 'agent dev:--base' | 'agent dev:--state' | 'agent dev:--cwd' | 'agent dev:--auth-method' | 'agent dev:--index-url' | 'agent list:--socket' | 'agent remove:--socket' | 'exec:--socket' | 'exec:--vm' | 'exec:--env' | 'exec:--cwd' | 'exec:--timeout' | 'exec:-c' | 'exec:--command' | 'ps:--socket' | 'ps:--vm' | 'shell:--socket' | 'shell:--env' | 'shell:--cwd' | 'bin add:--socket' | 'bin add:--name' | 'bin list:--socket' | 'bin remove:--socket' | 'fs ls:--socket' | 'fs ls:--vm' | 'fs cat:--socket' | 'fs cat:--vm' | 'fs put:--socket' | 'fs put:--vm' | 'fs rm:--socket' | 'fs rm:--vm' | 'fs cp:--socket' | 'fs cp:--vm' | 'fs mv:--socket' | 'fs mv:--vm' | 'fs tree:--socket' | 'fs tree:--depth' | 'fs tree:--exclude' | 'fs tree:--vm' | 'fs snapshot:--socket' | 'fs snapshot:--vm' | 'fs snapshots:--socket' | 'fs snapshots:--session' | 'fs snapshots:--vm' | 'fs drop:--socket' | 'fs drop:--vm' | 'fs diff:--socket' | 'fs diff:--path' | 'fs diff:--vm' | 'fs restore:--socket' | 'fs restore:--vm' | 'fork:--socket' | 'fork:--at' | 'fork-session:--socket' | 'fork-session:--vm' | 'fork-session:--at' | 'fork-session:--to' | 'export:--socket' | 'import:--socket' | 'import:--vm' | 'test:--socket' | 'test:--format' | 'test:--junit' | 'test:--name' | 'test:--executable' | 'test:--report' | 'sdk:--socket' | 'doctor:--socket' | 'doctor:--state' | 'salvage:--socket' | 'salvage:--output' | 'compile:--socket' | 'completions:--socket' | 'systemd:--socket' | 'systemd:--directory' | 'licenses:--socket') skip=1 ;;
            *:-*) ;;
            *) given=$((given + 1)) ;;
        esac
    done
    COMPREPLY=()
    if [[ $skip ]]; then
        case "$command:$previous" in
            'run:--socket' | 'run:--state' | 'acp:--socket' | 'acp:--state' | 'serve:--socket' | 'serve:--state' | 'serve:--http-token' | 'status:--socket' | 'stop:--socket' | 'restart:--socket' | 'logs:--socket' | 'logs:--state' | 'sleep:--socket' | 'keys rotate:--socket' | 'agents:--socket' | 'vms:--socket' | 'sessions:--socket' | 'events:--socket' | 'agent add:--socket' | 'agent check:--socket' | 'agent new:--socket' | 'agent dev:--socket' | 'agent dev:--state' | 'agent list:--socket' | 'agent remove:--socket' | 'exec:--socket' | 'ps:--socket' | 'shell:--socket' | 'bin add:--socket' | 'bin list:--socket' | 'bin remove:--socket' | 'fs ls:--socket' | 'fs cat:--socket' | 'fs put:--socket' | 'fs rm:--socket' | 'fs cp:--socket' | 'fs mv:--socket' | 'fs tree:--socket' | 'fs snapshot:--socket' | 'fs snapshots:--socket' | 'fs drop:--socket' | 'fs diff:--socket' | 'fs diff:--path' | 'fs restore:--socket' | 'fork:--socket' | 'fork-session:--socket' | 'export:--socket' | 'import:--socket' | 'test:--socket' | 'test:--junit' | 'test:--executable' | 'sdk:--socket' | 'doctor:--socket' | 'doctor:--state' | 'salvage:--socket' | 'compile:--socket' | 'completions:--socket' | 'systemd:--socket' | 'licenses:--socket')
                compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
            'run:--base' | 'acp:--base' | 'agent dev:--base')
                mapfile -t COMPREPLY < <(compgen -W 'default none' -- "$current") ;;
            'serve:--log-level')
                mapfile -t COMPREPLY < <(compgen -W 'debug info warning error' -- "$current") ;;
            'agent new:--lang')
                mapfile -t COMPREPLY < <(compgen -W 'python' -- "$current") ;;
            'agent new:--dir' | 'test:--report' | 'systemd:--directory')
                compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
            'test:--format')
                mapfile -t COMPREPLY < <(compgen -W 'pretty tap junit' -- "$current") ;;
        esac
        return
    fi
    case "$command" in
        '')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --version' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'run acp serve status stop restart logs sleep keys agents vms sessions events agent exec ps shell bin fs fork fork-session export import test sdk doctor salvage compile completions systemd licenses' -- "$current")
            fi ;;
        'run')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm --env --allow --mount --base --state --cwd --auth-method --yes --session' -- "$current")
            fi ;;
        'acp')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm --workspace --env --allow --mount --base --state' -- "$current")
            fi ;;
        'serve')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --state --idle-exit --durability --max-memory --log-level --supervise --background --http --http-token --http-public --http-origin' -- "$current")
            fi ;;
        'status')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'stop')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --timeout' -- "$current")
            fi ;;
        'restart')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --timeout' -- "$current")
            fi ;;
        'logs')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json -n --lines -f --follow --state' -- "$current")
            fi ;;
        'sleep')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --force --grace' -- "$current")
            fi ;;
        'keys')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'rotate' -- "$current")
            fi ;;
        'keys rotate')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            fi ;;
        'agents')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            fi ;;
        'vms')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            fi ;;
        'sessions')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm' -- "$current")
            fi ;;
        'events')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm --after --limit --type --follow' -- "$current")
            fi ;;
        'agent')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'add check new dev list remove' -- "$current")
            fi ;;
        'agent add')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --name --index-url' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'agent check')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'agent new')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --lang --dir' -- "$current")
            fi ;;
        'agent dev')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm --env --allow --mount --base --state --cwd --auth-method --yes --index-url' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current")
            fi ;;
        'agent list')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            fi ;;
        'agent remove')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            fi ;;
        'exec')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm --env --cwd --timeout -c --command' -- "$current")
            fi ;;
        'ps')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm -a --all' -- "$current")
            fi ;;
        'shell')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --env --cwd' -- "$current")
            fi ;;
        'bin')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'add list remove' -- "$current")
            fi ;;
        'bin add')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --name' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'bin list')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            fi ;;
        'bin remove')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            fi ;;
        'fs')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'ls cat put rm cp mv tree snapshot snapshots drop diff restore' -- "$current")
            fi ;;
        'fs ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start -l --long --vm' -- "$current")
            fi ;;
        'fs cat')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm' -- "$current")
            fi ;;
        'fs put')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'fs rm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start -r --recursive --vm' -- "$current")
            fi ;;
        'fs cp')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start -r --recursive --vm' -- "$current")
            fi ;;
        'fs mv')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm' -- "$current")
            fi ;;
        'fs tree')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --depth --exclude --vm' -- "$current")
            fi ;;
        'fs snapshot')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm' -- "$current")
            fi ;;
        'fs snapshots')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --session --vm' -- "$current")
            fi ;;
        'fs drop')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm' -- "$current")
            fi ;;
        'fs diff')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --path --vm' -- "$current")
            fi ;;
        'fs restore')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --force --vm' -- "$current")
            fi ;;
        'fork')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --at' -- "$current")
            fi ;;
        'fork-session')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm --at --to' -- "$current")
            fi ;;
        'export')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start' -- "$current")
            elif [[ $given -eq 1 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'import')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --vm --trust' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'test')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --format --junit --name --executable --update --report' -- "$current")
            elif [[ $given -ge 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'sdk')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current")
            fi ;;
        'doctor')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --state --full' -- "$current")
            fi ;;
        'salvage')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --output' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'compile')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'completions')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            elif [[ $given -eq 0 ]]; then mapfile -t COMPREPLY < <(compgen -W 'bash zsh fish' -- "$current")
            fi ;;
        'systemd')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --directory' -- "$current")
            fi ;;
        'licenses')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
    esac
}
complete -F _torpor torpor
