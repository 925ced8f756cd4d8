# Written by build/completions.py from the command line's table.
# Needs no bash-completion: source it, or put it where bash looks for completions, as `torpor`.
_torpor() {
    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} command= given=0 skip= i word
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $skip ]]; then skip=; continue; fi
        case "${command:+$command }$word" in
            'chat' | 'run' | 'acp' | 'serve' | 'status' | 'start' | 'stop' | 'restart' | 'logs' | 'sleep' | 'keys' | 'keys rotate' | 'vm' | 'vm ls' | 'vm show' | 'vm new' | 'vm configure' | 'vm rm' | 'vm sleep' | 'vm wake' | 'vm stats' | 'vm prune' | 'vm fork' | 'vm export' | 'vm import' | 'session' | 'session ls' | 'session show' | 'session rm' | 'session close' | 'session resume' | 'session cancel' | 'session fork' | 'session set' | 'session send' | 'permission' | 'permission ls' | 'permission allow' | 'permission deny' | 'agents' | 'vms' | 'sessions' | 'events' | 'log' | 'agent' | 'agent add' | 'agent check' | 'agent new' | 'agent dev' | 'agent list' | 'agent ls' | 'agent remove' | 'agent rm' | 'exec' | 'ps' | 'kill' | 'wait' | 'shell' | 'bin' | 'bin add' | 'bin list' | 'bin ls' | 'bin remove' | 'bin rm' | 'fs' | 'fs ls' | 'fs cat' | 'fs put' | 'fs rm' | 'fs cp' | 'fs mv' | 'fs tree' | 'fs get' | 'fs mkdir' | 'fs stat' | 'fs find' | 'fs ln' | 'fs chmod' | 'fs truncate' | 'fs snapshot' | 'fs snapshots' | 'fs drop' | 'fs diff' | 'fs restore' | 'snapshot' | 'snapshot new' | 'snapshot ls' | 'snapshot rm' | 'snapshot diff' | 'snapshot restore' | 'fork' | 'fork-session' | 'export' | 'import' | 'api' | 'context' | 'context add' | 'context ls' | 'context use' | 'context rm' | 'relay' | 'inspect' | 'test' | 'sdk' | 'doctor' | 'salvage' | 'compile' | 'completions' | 'systemd' | 'licenses' | 'help' | 'version' | 'man' | 'open') command="${command:+$command }$word"; given=0; continue ;;
        esac
        case "$command:$word" in
            'chat:--socket' | 'chat:--host' | 'chat:--vm' | 'chat:--env' | 'chat:--allow' | 'chat:--mount' | 'chat:--base' | 'chat:--state' | 'chat:--cwd' | 'chat:--auth-method' | 'chat:--session' | 'chat:--model' | 'chat:--mode' | 'run:--socket' | 'run:--host' | 'run:--vm' | 'run:--env' | 'run:--allow' | 'run:--mount' | 'run:--base' | 'run:--state' | 'run:--cwd' | 'run:--auth-method' | 'run:--session' | 'run:--new' | 'run:--model' | 'run:--mode' | 'acp:--socket' | 'acp:--host' | 'acp:--vm' | 'acp:--env' | 'acp:--allow' | 'acp:--mount' | 'acp:--base' | 'acp:--state' | 'acp:--http' | 'acp:--http-token' | 'acp:--http-origin' | 'serve:--socket' | 'serve:--state' | 'serve:--idle-exit' | 'serve:--durability' | 'serve:--max-memory' | 'serve:--log-level' | 'serve:--http' | 'serve:--http-token' | 'serve:--http-origin' | 'status:--socket' | 'start:--socket' | 'stop:--socket' | 'stop:--timeout' | 'restart:--socket' | 'restart:--timeout' | 'logs:--socket' | 'logs:-n' | 'logs:--lines' | 'logs:--state' | 'sleep:--socket' | 'sleep:--host' | 'sleep:--grace' | 'keys rotate:--socket' | 'keys rotate:--host' | 'vm ls:--socket' | 'vm ls:--host' | 'vm ls:--label' | 'vm show:--socket' | 'vm show:--host' | 'vm new:--socket' | 'vm new:--host' | 'vm new:--allow' | 'vm new:--mount' | 'vm new:--label' | 'vm new:--limit' | 'vm new:--idle' | 'vm new:--base' | 'vm configure:--socket' | 'vm configure:--host' | 'vm configure:--allow' | 'vm configure:--mount' | 'vm configure:--label' | 'vm configure:--limit' | 'vm configure:--idle' | 'vm configure:--base' | 'vm rm:--socket' | 'vm rm:--host' | 'vm sleep:--socket' | 'vm sleep:--host' | 'vm sleep:--grace' | 'vm wake:--socket' | 'vm wake:--host' | 'vm stats:--socket' | 'vm stats:--host' | 'vm prune:--socket' | 'vm prune:--host' | 'vm prune:--older-than' | 'vm fork:--socket' | 'vm fork:--host' | 'vm fork:--at' | 'vm export:--socket' | 'vm export:--host' | 'vm import:--socket' | 'vm import:--host' | 'vm import:--vm' | 'session ls:--socket' | 'session ls:--host' | 'session ls:--vm' | 'session show:--socket' | 'session show:--host' | 'session show:--vm' | 'session rm:--socket' | 'session rm:--host' | 'session rm:--vm' | 'session close:--socket' | 'session close:--host' | 'session close:--vm' | 'session resume:--socket' | 'session resume:--host' | 'session resume:--vm' | 'session resume:--env' | 'session cancel:--socket' | 'session cancel:--host' | 'session cancel:--vm' | 'session cancel:--grace' | 'session fork:--socket' | 'session fork:--host' | 'session fork:--vm' | 'session fork:--at' | 'session fork:--to' | 'session set:--socket' | 'session set:--host' | 'session set:--vm' | 'session send:--socket' | 'session send:--host' | 'session send:--vm' | 'permission ls:--socket' | 'permission ls:--host' | 'permission ls:--vm' | 'permission allow:--socket' | 'permission allow:--host' | 'permission allow:--vm' | 'permission allow:--option' | 'permission deny:--socket' | 'permission deny:--host' | 'permission deny:--vm' | 'agents:--socket' | 'agents:--host' | 'vms:--socket' | 'vms:--host' | 'sessions:--socket' | 'sessions:--host' | 'sessions:--vm' | 'events:--socket' | 'events:--host' | 'events:--vm' | 'events:--after' | 'events:--limit' | 'events:--type' | 'log:--socket' | 'log:--host' | 'log:--vm' | 'agent add:--socket' | 'agent add:--host' | 'agent add:--name' | 'agent add:--index-url' | 'agent check:--socket' | 'agent check:--host' | 'agent new:--socket' | 'agent new:--lang' | 'agent new:--dir' | 'agent dev:--socket' | 'agent dev:--host' | 'agent dev:--vm' | 'agent dev:--env' | 'agent dev:--allow' | 'agent dev:--mount' | 'agent dev:--base' | 'agent dev:--state' | 'agent dev:--cwd' | 'agent dev:--auth-method' | 'agent dev:--index-url' | 'agent list:--socket' | 'agent list:--host' | 'agent ls:--socket' | 'agent ls:--host' | 'agent remove:--socket' | 'agent remove:--host' | 'agent rm:--socket' | 'agent rm:--host' | 'exec:--socket' | 'exec:--host' | 'exec:--vm' | 'exec:--env' | 'exec:--cwd' | 'exec:--timeout' | 'exec:-c' | 'exec:--command' | 'ps:--socket' | 'ps:--host' | 'ps:--vm' | 'kill:--socket' | 'kill:--host' | 'kill:--vm' | 'kill:--grace' | 'wait:--socket' | 'wait:--host' | 'wait:--vm' | 'shell:--socket' | 'shell:--host' | 'shell:--env' | 'shell:--cwd' | 'bin add:--socket' | 'bin add:--host' | 'bin add:--name' | 'bin list:--socket' | 'bin list:--host' | 'bin ls:--socket' | 'bin ls:--host' | 'bin remove:--socket' | 'bin remove:--host' | 'bin rm:--socket' | 'bin rm:--host' | 'fs ls:--socket' | 'fs ls:--host' | 'fs ls:--vm' | 'fs cat:--socket' | 'fs cat:--host' | 'fs cat:--vm' | 'fs put:--socket' | 'fs put:--host' | 'fs put:--vm' | 'fs rm:--socket' | 'fs rm:--host' | 'fs rm:--vm' | 'fs cp:--socket' | 'fs cp:--host' | 'fs cp:--vm' | 'fs mv:--socket' | 'fs mv:--host' | 'fs mv:--vm' | 'fs tree:--socket' | 'fs tree:--host' | 'fs tree:--depth' | 'fs tree:--exclude' | 'fs tree:--vm' | 'fs get:--socket' | 'fs get:--host' | 'fs get:--vm' | 'fs mkdir:--socket' | 'fs mkdir:--host' | 'fs mkdir:--vm' | 'fs stat:--socket' | 'fs stat:--host' | 'fs stat:--vm' | 'fs find:--socket' | 'fs find:--host' | 'fs find:--vm' | 'fs ln:--socket' | 'fs ln:--host' | 'fs ln:--vm' | 'fs chmod:--socket' | 'fs chmod:--host' | 'fs chmod:--vm' | 'fs truncate:--socket' | 'fs truncate:--host' | 'fs truncate:--vm' | 'fs snapshot:--socket' | 'fs snapshot:--host' | 'fs snapshot:--vm' | 'fs snapshots:--socket' | 'fs snapshots:--host' | 'fs snapshots:--session' | 'fs snapshots:--vm' | 'fs drop:--socket' | 'fs drop:--host' | 'fs drop:--vm' | 'fs diff:--socket' | 'fs diff:--host' | 'fs diff:--path' | 'fs diff:--vm' | 'fs restore:--socket' | 'fs restore:--host' | 'fs restore:--vm' | 'snapshot new:--socket' | 'snapshot new:--host' | 'snapshot new:--vm' | 'snapshot ls:--socket' | 'snapshot ls:--host' | 'snapshot ls:--session' | 'snapshot ls:--vm' | 'snapshot rm:--socket' | 'snapshot rm:--host' | 'snapshot rm:--vm' | 'snapshot diff:--socket' | 'snapshot diff:--host' | 'snapshot diff:--path' | 'snapshot diff:--vm' | 'snapshot restore:--socket' | 'snapshot restore:--host' | 'snapshot restore:--vm' | 'fork:--socket' | 'fork:--host' | 'fork:--at' | 'fork-session:--socket' | 'fork-session:--host' | 'fork-session:--vm' | 'fork-session:--at' | 'fork-session:--to' | 'export:--socket' | 'export:--host' | 'import:--socket' | 'import:--host' | 'import:--vm' | 'api:--socket' | 'api:--host' | 'context add:--socket' | 'context add:--token-file' | 'context ls:--socket' | 'context use:--socket' | 'context rm:--socket' | 'relay:--socket' | 'relay:--host' | 'inspect:--socket' | 'inspect:--host' | 'inspect:--port' | 'test:--socket' | 'test:--format' | 'test:--junit' | 'test:--name' | 'test:--executable' | 'test:--report' | 'sdk:--socket' | 'sdk:--lang' | 'doctor:--socket' | 'doctor:--state' | 'salvage:--socket' | 'salvage:--output' | 'compile:--socket' | 'completions:--socket' | 'systemd:--socket' | 'systemd:--directory' | 'licenses:--socket' | 'help:--socket' | 'version:--socket' | 'man:--socket' | 'open:--socket') skip=1 ;;
            *:-*) ;;
            *) given=$((given + 1)) ;;
        esac
    done
    COMPREPLY=()
    if [[ $skip ]]; then
        case "$command:$previous" in
            'chat:--socket' | 'chat:--state' | 'run:--socket' | 'run:--state' | 'acp:--socket' | 'acp:--state' | 'acp:--http-token' | 'serve:--socket' | 'serve:--state' | 'serve:--http-token' | 'status:--socket' | 'start:--socket' | 'stop:--socket' | 'restart:--socket' | 'logs:--socket' | 'logs:--state' | 'sleep:--socket' | 'keys rotate:--socket' | 'vm ls:--socket' | 'vm show:--socket' | 'vm new:--socket' | 'vm configure:--socket' | 'vm rm:--socket' | 'vm sleep:--socket' | 'vm wake:--socket' | 'vm stats:--socket' | 'vm prune:--socket' | 'vm fork:--socket' | 'vm export:--socket' | 'vm import:--socket' | 'session ls:--socket' | 'session show:--socket' | 'session rm:--socket' | 'session close:--socket' | 'session resume:--socket' | 'session cancel:--socket' | 'session fork:--socket' | 'session set:--socket' | 'session send:--socket' | 'permission ls:--socket' | 'permission allow:--socket' | 'permission deny:--socket' | 'agents:--socket' | 'vms:--socket' | 'sessions:--socket' | 'events:--socket' | 'log:--socket' | 'agent add:--socket' | 'agent check:--socket' | 'agent new:--socket' | 'agent dev:--socket' | 'agent dev:--state' | 'agent list:--socket' | 'agent ls:--socket' | 'agent remove:--socket' | 'agent rm:--socket' | 'exec:--socket' | 'ps:--socket' | 'kill:--socket' | 'wait:--socket' | 'shell:--socket' | 'bin add:--socket' | 'bin list:--socket' | 'bin ls:--socket' | 'bin remove:--socket' | 'bin rm:--socket' | 'fs ls:--socket' | 'fs cat:--socket' | 'fs put:--socket' | 'fs rm:--socket' | 'fs cp:--socket' | 'fs mv:--socket' | 'fs tree:--socket' | 'fs get:--socket' | 'fs mkdir:--socket' | 'fs stat:--socket' | 'fs find:--socket' | 'fs ln:--socket' | 'fs chmod:--socket' | 'fs truncate:--socket' | 'fs snapshot:--socket' | 'fs snapshots:--socket' | 'fs drop:--socket' | 'fs diff:--socket' | 'fs diff:--path' | 'fs restore:--socket' | 'snapshot new:--socket' | 'snapshot ls:--socket' | 'snapshot rm:--socket' | 'snapshot diff:--socket' | 'snapshot diff:--path' | 'snapshot restore:--socket' | 'fork:--socket' | 'fork-session:--socket' | 'export:--socket' | 'import:--socket' | 'api:--socket' | 'context add:--socket' | 'context add:--token-file' | 'context ls:--socket' | 'context use:--socket' | 'context rm:--socket' | 'relay:--socket' | 'inspect:--socket' | 'test:--socket' | 'test:--junit' | 'test:--executable' | 'sdk:--socket' | 'doctor:--socket' | 'doctor:--state' | 'salvage:--socket' | 'compile:--socket' | 'completions:--socket' | 'systemd:--socket' | 'licenses:--socket' | 'help:--socket' | 'version:--socket' | 'man:--socket' | 'open:--socket')
                compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
            'chat:--base' | 'run:--base' | 'acp:--base' | 'vm new:--base' | 'vm configure:--base' | 'agent dev:--base')
                mapfile -t COMPREPLY < <(compgen -W 'default none' -- "$current") ;;
            'serve:--log-level')
                mapfile -t COMPREPLY < <(compgen -W 'debug info warning error' -- "$current") ;;
            'agent new:--lang')
                mapfile -t COMPREPLY < <(compgen -W 'python javascript' -- "$current") ;;
            'agent new:--dir' | 'test:--report' | 'systemd:--directory')
                compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
            'test:--format')
                mapfile -t COMPREPLY < <(compgen -W 'pretty tap junit' -- "$current") ;;
            'sdk:--lang')
                mapfile -t COMPREPLY < <(compgen -W 'python typescript' -- "$current") ;;
        esac
        return
    fi
    case "$command" in
        '')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help -V --version' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'chat run acp serve status start stop restart logs sleep keys vm session permission agents vms sessions events log agent exec ps kill wait shell bin fs snapshot fork fork-session export import api context relay inspect test sdk doctor salvage compile completions systemd licenses help version man open' -- "$current")
            fi ;;
        'chat')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --env --allow --mount --base --state --cwd --auth-method --yes --session --continue --model --mode' -- "$current")
            fi ;;
        'run')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --env --allow --mount --base --state --cwd --auth-method --yes --session --new --continue --model --mode --keep' -- "$current")
            fi ;;
        'acp')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --workspace --env --allow --mount --base --state --http --http-token --http-public --http-origin' -- "$current")
            fi ;;
        'serve')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --state --idle-exit --durability --max-memory --log-level --supervise --background --http --http-token --http-public --http-origin' -- "$current")
            fi ;;
        'status')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'start')
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
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --force --grace' -- "$current")
            fi ;;
        'keys')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'rotate' -- "$current")
            fi ;;
        'keys rotate')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'vm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'ls show new configure rm sleep wake stats prune fork export import' -- "$current")
            fi ;;
        'vm ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host -q --quiet --label' -- "$current")
            fi ;;
        'vm show')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'vm new')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --allow --mount --label --limit --idle --base' -- "$current")
            fi ;;
        'vm configure')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --allow --mount --label --limit --idle --base' -- "$current")
            fi ;;
        'vm rm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host -y --yes -f --force' -- "$current")
            fi ;;
        'vm sleep')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --force --grace' -- "$current")
            fi ;;
        'vm wake')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'vm stats')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'vm prune')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --older-than --dry-run -y --yes -f --force' -- "$current")
            fi ;;
        'vm fork')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --at' -- "$current")
            fi ;;
        'vm export')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            elif [[ $given -eq 1 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'vm import')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --trust' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'session')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'ls show rm close resume cancel fork set send' -- "$current")
            fi ;;
        'session ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --live' -- "$current")
            fi ;;
        'session show')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'session rm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm -y --yes -f --force' -- "$current")
            fi ;;
        'session close')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'session resume')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --env' -- "$current")
            fi ;;
        'session cancel')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --grace' -- "$current")
            fi ;;
        'session fork')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --at --to' -- "$current")
            fi ;;
        'session set')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'session send')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'permission')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'ls allow deny' -- "$current")
            fi ;;
        'permission ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'permission allow')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --always --option' -- "$current")
            fi ;;
        'permission deny')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'agents')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'vms')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'sessions')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'events')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --after --limit --type --follow' -- "$current")
            fi ;;
        'log')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --follow --whole' -- "$current")
            fi ;;
        'agent')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'add check new dev list ls remove rm' -- "$current")
            fi ;;
        'agent add')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --name --index-url' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'agent check')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'agent new')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --lang --dir' -- "$current")
            fi ;;
        'agent dev')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --env --allow --mount --base --state --cwd --auth-method --yes --index-url' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current")
            fi ;;
        'agent list')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'agent ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'agent remove')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'agent rm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'exec')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --env --cwd --timeout -c --command' -- "$current")
            fi ;;
        'ps')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm -a --all' -- "$current")
            fi ;;
        'kill')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --grace' -- "$current")
            fi ;;
        'wait')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'shell')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --env --cwd' -- "$current")
            fi ;;
        'bin')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'add list ls remove rm' -- "$current")
            fi ;;
        'bin add')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --name' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'bin list')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'bin ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'bin remove')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'bin rm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'fs')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'ls cat put rm cp mv tree get mkdir stat find ln chmod truncate snapshot snapshots drop diff restore' -- "$current")
            fi ;;
        'fs ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host -l --long --vm' -- "$current")
            fi ;;
        'fs cat')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs put')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'fs rm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host -r --recursive --vm' -- "$current")
            fi ;;
        'fs cp')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host -r --recursive --vm' -- "$current")
            fi ;;
        'fs mv')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs tree')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --depth --exclude --vm' -- "$current")
            fi ;;
        'fs get')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            elif [[ $given -eq 1 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'fs mkdir')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host -p --parents --vm' -- "$current")
            fi ;;
        'fs stat')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs find')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs ln')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs chmod')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs truncate')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs snapshot')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs snapshots')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --session --vm' -- "$current")
            fi ;;
        'fs drop')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'fs diff')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --path --vm' -- "$current")
            fi ;;
        'fs restore')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --force --vm' -- "$current")
            fi ;;
        'snapshot')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'new ls rm diff restore' -- "$current")
            fi ;;
        'snapshot new')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm' -- "$current")
            fi ;;
        'snapshot ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --session --vm' -- "$current")
            fi ;;
        'snapshot rm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host -y --yes -f --force --vm' -- "$current")
            fi ;;
        'snapshot diff')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --path --vm' -- "$current")
            fi ;;
        'snapshot restore')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --force --vm' -- "$current")
            fi ;;
        'fork')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --at' -- "$current")
            fi ;;
        'fork-session')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --at --to' -- "$current")
            fi ;;
        'export')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            elif [[ $given -eq 1 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'import')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --vm --trust' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'api')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'context')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help' -- "$current")
            else mapfile -t COMPREPLY < <(compgen -W 'add ls use rm' -- "$current")
            fi ;;
        'context add')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --token-file' -- "$current")
            fi ;;
        'context ls')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'context use')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'context rm')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'relay')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host' -- "$current")
            fi ;;
        'inspect')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --no-start --host --port --no-browser' -- "$current")
            fi ;;
        'test')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --format --junit --name --executable --update --report' -- "$current")
            elif [[ $given -ge 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
        'sdk')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json --lang' -- "$current")
            elif [[ $given -ge 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current")
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
        'help')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'version')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'man')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            fi ;;
        'open')
            if [[ $current == -* ]]; then mapfile -t COMPREPLY < <(compgen -W '-h --help --socket --json' -- "$current")
            elif [[ $given -eq 0 ]]; then compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")
            fi ;;
    esac
}
complete -F _torpor torpor
