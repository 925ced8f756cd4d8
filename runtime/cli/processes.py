"""Commands in VMs: `exec`, `ps` and `shell`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from runtime.api.defaults import HOME
from runtime.api.events import PROCESS_EXIT, PROCESS_OUTPUT
from runtime.cli import exits, output
from runtime.cli.connecting import connect_to, vm_name
from runtime.cli.table import add_vm, environment

if TYPE_CHECKING:
    from runtime.cli.table import Table


def register(table: Table) -> None:
    """Enter the commands."""
    command = table.command(
        "exec",
        execute,
        "run a command in a VM, with this program's stdin, stdout and stderr",
        epilog="Commands are components in the VM's /bin, or paths. The exit code is the command's own; 134 when it crashed, "
        "124 when it took too long, 137 when it was killed. Nothing is inherited from your environment but what --env names. "
        "Ctrl-C kills the command. A command whose output nobody reads any more is killed, too.",
    )
    add_vm(command)
    _add_surroundings(command, "command")
    command.add_argument("--timeout", metavar="SECONDS", type=float, help="kill the command when it takes longer")
    command.add_argument(
        "-c",
        "--command",
        metavar="LINE",
        help="a line for the VM's /bin/sh, instead of ARGV; without a shell it may only have words",
    )
    command.add_argument(
        "argv", metavar="ARGV", nargs=argparse.REMAINDER, help="the command and its arguments, after --"
    )
    command = table.command("ps", ps, "list the processes of VMs that are awake")
    add_vm(command, default=None)
    command.add_argument("-a", "--all", action="store_true", help="with commands that have ended lately")
    command = table.command(
        "kill",
        kill,
        "end a command that runs in a VM",
        epilog="With --grace it is asked first, by the end of its stdin, and killed when it has not ended by then. An agent is "
        "none: `torpor session close` ends it.",
    )
    _add_process(command)
    command.add_argument("--grace", metavar="SECONDS", type=float, help="ask it to end, and wait so long")
    command = table.command(
        "wait",
        wait,
        "wait until a command of a VM has ended, and exit with its exit code",
        epilog="Its output is printed.",
    )
    _add_process(command)
    command = table.command(
        "shell",
        shell,
        "open a shell in a VM, at this terminal",
        epilog="Without a command it is the VM's /bin/bash, or /bin/sh. All keys go to the shell, Ctrl-C and Ctrl-Z as well; "
        "its exit code is that of this command. Closing the terminal hangs up the shell. Nothing is inherited from your "
        "environment but TERM and what --env names.",
    )
    command.add_argument("vm", metavar="VM", nargs="?", default="default", help="the VM (default: default)")
    _add_surroundings(command, "shell")
    command.add_argument("argv", metavar="COMMAND", nargs="*", help="what to run instead of a shell, after --")


def _add_process(command: argparse.ArgumentParser) -> None:
    command.add_argument("pid", metavar="PID", type=int, help="the process, as `torpor ps` lists it")
    command.add_argument("--vm", metavar="NAME", help="the VM that it is in (default: it is looked for in all)")


def _add_surroundings(command: argparse.ArgumentParser, what: str) -> None:
    command.add_argument(
        "--env",
        metavar="K=V",
        action="append",
        default=[],
        help=f"a variable for the {what}; K alone takes the value from your environment (repeatable)",
    )
    command.add_argument("--cwd", metavar="DIR", help=f"the working directory in the VM (default: {HOME})")


def execute(args: argparse.Namespace) -> int:
    """Run a command; return its exit code."""
    from runtime.cli.attached import Attached

    argv = args.argv[1:] if args.argv[:1] == ["--"] else args.argv
    if bool(argv) == bool(args.command):
        output.say("exec takes a command after --, or -c LINE")
        return exits.USAGE
    env = environment(args.env)
    words = {"command": args.command} if args.command else {"argv": argv}
    timeout = None if args.timeout is None else round(args.timeout * 1000)
    with connect_to(args) as client:
        vm = vm_name(args.vm)
        client.call("subscribe", vm=vm, types=[PROCESS_OUTPUT, PROCESS_EXIT])
        pid = client.call("spawn", vm=vm, **words, env=env or None, cwd=args.cwd, timeoutMs=timeout)["pid"]
        return Attached(client, vm, pid, as_json=args.json).run()


def ps(args: argparse.Namespace) -> int:
    """List processes; wakes nothing."""
    rows: list[dict[str, Any]] = []
    with connect_to(args) as client:
        vms = [vm_name(args.vm)] if args.vm else [vm["vm"] for vm in client.call("vm.list") if vm["state"] == "awake"]
        for vm in vms:
            found = client.call("listProcesses", vm=vm)
            rows += [{"vm": vm, **each} for each in found if args.all or each["state"] == "running"]
    if args.json:
        for row in rows:
            output.write_json(row)
    else:
        header = ("PID", "VM", "KIND", "STATE", "STARTED", "MEM", "COMMAND")
        output.write_table(header, [_row(row) for row in rows])
    return exits.OK


def kill(args: argparse.Namespace) -> int:
    """End a process."""
    from runtime.cli.finding import find_process

    with connect_to(args) as client:
        ids = find_process(client, args.pid, args.vm)
        if args.grace is None:
            client.call("killProcess", **ids)
        else:
            client.call("stopProcess", **ids, graceMs=round(args.grace * 1000))
    if args.json:
        output.write_json({**ids, "ended": True})
    return exits.OK


def wait(args: argparse.Namespace) -> int:
    """Wait for a process; return its exit code."""
    from runtime.cli.attached import exit_code, to_bytes
    from runtime.cli.finding import find_process

    with connect_to(args) as client:
        done = client.call("waitProcess", **find_process(client, args.pid, args.vm))
    if args.json:
        output.write_json(done)
    else:
        output.write_text(to_bytes(done["stdout"]).decode(errors="replace"))
        sys.stderr.write(output.printable(to_bytes(done["stderr"]).decode(errors="replace")))
    return exit_code(done, None if args.json else "command")


def shell(args: argparse.Namespace) -> int:
    """Open a shell; return its exit code."""
    from runtime.cli.at_terminal import AtTerminal

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        output.say("shell needs a terminal; `torpor exec` runs a command without one")
        return exits.USAGE
    env = environment(args.env)
    if "TERM" in os.environ:
        env = {"TERM": os.environ["TERM"], **env}
    with connect_to(args) as client:
        return AtTerminal(client, vm_name(args.vm)).run(argv=args.argv or None, env=env, cwd=args.cwd)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    state = row["state"]
    if state == "ended":
        state = f"exit {row['exitCode']}" if row["reason"] == "exit" else row["reason"]
    started = output.local_time(row["startedAt"])
    memory = output.size(row["peakMemoryBytes"]) if "peakMemoryBytes" in row else "unknown"  # of an older daemon
    return str(row["pid"]), output.vm_label(row["vm"]), row["kind"], state, started, memory, " ".join(row["argv"])
