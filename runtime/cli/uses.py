"""What each command calls of the API, and an example of it: the one table for helps, pages, hints and tests."""

from __future__ import annotations

from typing import Final, NamedTuple


class Use(NamedTuple):
    """An example of a command, and the methods that it calls: first the one that it is there for, by which hints name it."""

    example: str
    methods: tuple[str, ...] = ()


_AGENT: Final = (
    *("vm.getOrCreate", "createSession", "resumeSession", "getSession", "sendPrompt", "cancelPrompt", "subscribe"),
    *("respondPermission", "respondElicitation", "authenticate"),
)
"""Of who prompts an agent."""

_SETTERS: Final = ("setModel", "setThoughtLevel", "setMode")

_FIND: Final = ("vm.list", "listPersistedSessions")
"""Of who finds a VM by what people call it."""

_ID: Final = ("getSession", *_FIND)
"""Of who finds a session, in whatever VM it is."""

_PROCESS: Final = ("listProcesses", "vm.list")
"""Of who finds a process, in whatever VM it is."""

_WAITING: Final = ("getSession", "listSessions", "vm.list")
"""Of who finds what waits for an answer."""

_COPY: Final = (
    *("readFiles", "writeFiles", "readFile", "writeFile", "readdirRecursive", "stat", "exists", "mkdir", "chmod"),
    *("symlink", "readlink", "move", "deleteFile"),
)

USES: Final[dict[str, Use]] = {
    "chat": Use(
        "torpor chat pi --continue",
        (
            "sendPrompt",
            *_AGENT,
            *_SETTERS,
            "forkSession",
            "restore",
            "diff",
            "readdirEntries",
            "closeSession",
            "vm.sleep",
        ),
    ),
    "run": Use("torpor run pi 'What is in this folder?'", ("sendPrompt", *_AGENT)),
    "acp": Use("torpor acp pi --workspace", ("sendPrompt", "serveFiles", "respondFile", *_AGENT)),
    "inspect": Use("torpor inspect"),
    "serve": Use("torpor serve --http 127.0.0.1:6420"),
    "status": Use("torpor status", ("daemon.status",)),
    "start": Use("torpor start", ("daemon.status",)),
    "stop": Use("torpor stop", ("daemon.status",)),
    "restart": Use("torpor restart", ("daemon.status",)),
    "logs": Use("torpor logs --follow", ("daemon.status",)),
    "sleep": Use("torpor sleep my-project", ("vm.sleep",)),
    "keys rotate": Use("torpor keys rotate", ("daemon.rotateKey",)),
    "agents": Use("torpor agents", ("listAgents",)),
    "vms": Use("torpor vms", ("vm.list",)),
    "sessions": Use("torpor sessions --vm my-project", ("listPersistedSessions", "vm.list")),
    "log": Use("torpor log last", ("getSessionEvents", "subscribe", *_ID)),
    "events": Use("torpor events last --follow", ("getSessionEvents", "subscribe")),
    "vm ls": Use("torpor vm ls", ("vm.list", "vm.stats")),
    "vm show": Use("torpor vm show my-project", ("vm.get", "vm.stats", *_FIND)),
    "vm new": Use("torpor vm new my-project --allow api.anthropic.com", ("vm.getOrCreate",)),
    "vm configure": Use("torpor vm configure my-project --idle 3600", ("vm.configure", "vm.get", *_FIND)),
    "vm rm": Use("torpor vm rm my-project", ("vm.destroy", "vm.stats")),
    "vm sleep": Use("torpor vm sleep my-project", ("vm.sleep",)),
    "vm wake": Use("torpor vm wake my-project", ("vm.wake", *_FIND)),
    "vm stats": Use("torpor vm stats", ("vm.stats", *_FIND)),
    "vm fork": Use("torpor vm fork my-project my-fork", ("vm.fork",)),
    "vm export": Use("torpor vm export my-project my-project.torpor", ("vm.export",)),
    "vm import": Use("torpor vm import my-project.torpor --vm copy", ("vm.import",)),
    "vm prune": Use("torpor vm prune --older-than 30d --dry-run", ("vm.destroy", "vm.get", "vm.list", "vm.stats")),
    "session ls": Use("torpor session ls --live", ("listPersistedSessions", "listSessions", "vm.list")),
    "session show": Use("torpor session show last", ("getSession", *_FIND)),
    "session rm": Use("torpor session rm 0197a3", ("destroySession", *_ID)),
    "session close": Use("torpor session close last", ("closeSession", *_ID)),
    "session resume": Use("torpor session resume last", ("resumeSession", *_ID)),
    "session cancel": Use("torpor session cancel last", ("cancelPrompt", *_ID)),
    "session fork": Use("torpor session fork last --at 12", ("forkSession", *_ID)),
    "session set": Use(
        "torpor session set last mode plan",
        ("setConfigOption", "setMode", "setModel", "setThoughtLevel", "getModes", "getConfigOptions", *_ID),
    ),
    "session send": Use("torpor session send last my/method '{}'", ("rawSend", *_ID)),
    "permission ls": Use("torpor permission ls", ("getSession", "listSessions", "vm.list")),
    "permission allow": Use("torpor permission allow --always", ("respondPermission", *_WAITING)),
    "permission deny": Use("torpor permission deny", ("respondPermission", *_WAITING)),
    "agent add": Use("torpor agent add ./my-agent", ("addAgent", "vm.getOrCreate", "exec", "vm.destroy")),
    "agent check": Use("torpor agent check ./my-agent", ("checkAgent",)),
    "agent new": Use("torpor agent new my-agent"),
    "agent dev": Use("torpor agent dev ./my-agent 'Say hello'", ("addAgent", "listAgents", "closeSession", *_AGENT)),
    "agent list": Use("torpor agent list", ("listAgents",)),
    "agent ls": Use("torpor agent ls", ("listAgents",)),
    "agent rm": Use("torpor agent rm my-agent", ("removeAgent",)),
    "agent remove": Use("torpor agent remove my-agent", ("removeAgent",)),
    "exec": Use(
        "torpor exec --vm my-project -- ls -l /home/user",
        ("spawn", "writeProcessStdin", "closeProcessStdin", "killProcess", "getProcess", "subscribe"),
    ),
    "ps": Use("torpor ps --all", ("listProcesses", "vm.list")),
    "kill": Use("torpor kill 12", ("killProcess", "stopProcess", *_PROCESS)),
    "wait": Use("torpor wait 12", ("waitProcess", *_PROCESS)),
    "shell": Use(
        "torpor shell my-project",
        ("openShell", "writeShell", "resizeShell", "closeShell", "getProcess", "subscribe"),
    ),
    "bin add": Use("torpor bin add ./tool.wasm", ("addCommand",)),
    "bin list": Use("torpor bin list", ("listCommands",)),
    "bin ls": Use("torpor bin ls", ("listCommands",)),
    "bin rm": Use("torpor bin rm tool", ("removeCommand",)),
    "bin remove": Use("torpor bin remove tool", ("removeCommand",)),
    "fs ls": Use("torpor fs ls -l /home/user --vm my-project", ("readdir", "stat")),
    "fs cat": Use("torpor fs cat /home/user/notes.txt", ("readFile", "stat")),
    "fs put": Use("torpor fs put notes.txt /home/user/", ("writeFile", "move", "deleteFile")),
    "fs rm": Use("torpor fs rm -r /home/user/build", ("deleteFile",)),
    "fs cp": Use("torpor fs cp -r :/home/user/src .", _COPY),
    "fs mv": Use("torpor fs mv /home/user/a.txt /home/user/b.txt", ("move", "exists", "stat")),
    "fs tree": Use("torpor fs tree --depth 2", ("readdirRecursive",)),
    "fs get": Use("torpor fs get /home/user/src .", _COPY),
    "fs mkdir": Use("torpor fs mkdir -p /home/user/a/b", ("mkdir",)),
    "fs stat": Use("torpor fs stat /home/user/notes.txt", ("stat", "readlink")),
    "fs find": Use("torpor fs find '*.py'", ("readdirRecursive",)),
    "fs ln": Use("torpor fs ln notes.txt /home/user/link", ("symlink",)),
    "fs chmod": Use("torpor fs chmod 755 /home/user/run.sh", ("chmod",)),
    "fs truncate": Use("torpor fs truncate /home/user/log 0", ("truncate",)),
    "fs snapshot": Use("torpor fs snapshot before-update", ("snapshot",)),
    "fs snapshots": Use("torpor fs snapshots", ("listSnapshots",)),
    "fs drop": Use("torpor fs drop before-update", ("deleteSnapshot",)),
    "fs diff": Use("torpor fs diff before-update", ("diff",)),
    "fs restore": Use("torpor fs restore before-update", ("restore",)),
    "snapshot new": Use("torpor snapshot new before-update", ("snapshot",)),
    "snapshot ls": Use("torpor snapshot ls", ("listSnapshots",)),
    "snapshot rm": Use("torpor snapshot rm before-update", ("deleteSnapshot",)),
    "snapshot diff": Use("torpor snapshot diff before-update", ("diff",)),
    "snapshot restore": Use("torpor snapshot restore before-update", ("restore",)),
    "fork": Use("torpor fork my-project my-fork", ("vm.fork",)),
    "fork-session": Use("torpor fork-session SESSION --at 12", ("forkSession", *_ID)),
    "export": Use("torpor export my-project my-project.torpor", ("vm.export",)),
    "import": Use("torpor import my-project.torpor --vm copy", ("vm.import",)),
    "api": Use('torpor api vm.get \'{"vm": "my-project"}\'', ("rpc.discover",)),
    "context add": Use("torpor context add work ssh://me@work.example.com"),
    "context ls": Use("torpor context ls"),
    "context use": Use("torpor context use work"),
    "context rm": Use("torpor context rm work"),
    "relay": Use("torpor relay --no-start"),
    "test": Use("torpor test tests/"),
    "sdk": Use("torpor sdk ./sdk"),
    "doctor": Use("torpor doctor"),
    "salvage": Use("torpor salvage torpor.db --output saved"),
    "compile": Use("torpor compile pi"),
    "completions": Use("torpor completions bash"),
    "systemd": Use("torpor systemd"),
    "licenses": Use("torpor licenses"),
    "man": Use("torpor man"),
    "open": Use("torpor open backup.db session ls"),
    "help": Use("torpor help fs cp"),
    "version": Use("torpor version"),
}
"""By the command's words."""

NO_COMMAND: Final = {
    "hello": "every command begins with it",
    "unsubscribe": "a command's subscriptions end with its connection",
    "exec": "`torpor exec` starts a process whose output it shows as it comes",
    "exists": "`torpor fs stat` tells it by its exit code",
    "readdirEntries": "it is for pages of a large directory: `torpor fs ls` prints all of it",
    "waitShell": "`torpor shell` hears of the end by an event",
}
"""Methods that no command is there for, and why."""
