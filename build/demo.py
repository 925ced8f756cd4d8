"""`make demo`: the main job, visibly. A VM, the pi agent on a real prompt, its file, its transcript, a script that it tests in
the VM's shell and commits, sleep, wake, and again.

With ANTHROPIC_API_KEY in the environment the real API answers; without it, a scripted model on the loopback interface.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runtime.client.sync import Client, ConnectError, connect

if TYPE_CHECKING:
    from collections.abc import Iterator

VM = "demo"
PROMPT = (
    'Write "A sleeping machine / loses nothing but the time / it had none to spend." to the file /home/user/haiku.txt'
)
SCRIPT = (
    "Write count.sh, a shell script that prints how many lines of its input have the word that it is given, and test.sh, a "
    "test with a line in which the word is but a part of another. Run the test, and mend what fails."
)
COMMIT = "Commit both once the test has passed."
AGAIN = "What did I ask you to write before?"
START_SECONDS = 60.0

HEADING = "\033[1m" if sys.stdout.isatty() else ""
FAINT = "\033[2m" if sys.stdout.isatty() else ""
PLAIN = "\033[0m" if sys.stdout.isatty() else ""


def main() -> int:
    """Run it all on a state file that is thrown away afterwards."""
    with tempfile.TemporaryDirectory(prefix="torpor-demo-") as directory, _model() as (env, allow):
        socket = Path(directory) / "run" / "torpor.sock"
        with _daemon(socket, Path(directory) / "state" / "torpor.db"), connect(socket) as client:
            _show(client, env, allow)
    _heading("And now")
    torpor = os.path.relpath(Path(sys.executable).with_name("torpor"))
    print(f"{torpor} shell   opens a shell in a VM of your own")
    print("make commands            builds the commands of VMs that were not needed here: sed, find, tar, awk, ...")
    return 0


def _show(client: Client, env: dict[str, str], allow: list[str]) -> None:
    _heading("A VM")
    client.call("vm.getOrCreate", vm=VM, options={"network": {"allow": allow}})
    session, taken = _timed(lambda: client.call("createSession", vm=VM, agentType="pi", options={"env": env}))
    _note(f"VM {VM!r} and a session of {session['agentInfo']['title']}, ready in {taken:.0f} ms")

    _heading(f"> {PROMPT}")
    client.call("subscribe", vm=VM, sessionId=session["sessionId"])
    _prompt(client, session["sessionId"], PROMPT)

    _heading("The file that it wrote")
    print(client.call("readFile", vm=VM, path="/home/user/haiku.txt")["content"].rstrip())

    _heading("The transcript")
    for event in client.call("getSessionEvents", vm=VM, sessionId=session["sessionId"]):
        _note(f"{event['seq']:>4}  {_summary(event['event'])}")

    commands = client.call("readdir", vm=VM, path="/bin")
    if "bash" in commands:
        asked = f"{SCRIPT} {COMMIT}" if "git" in commands else SCRIPT
        _heading(f"> {asked}")
        _prompt(client, session["sessionId"], asked)
    else:
        _note(
            "\nNo script is written and tested here: this VM has no shell, because the commands of VMs are not built."
        )

    _heading("Sleep, wake, and again")
    _, taken = _timed(lambda: client.call("vm.sleep", vm=VM))
    _note(f"asleep after {taken:.0f} ms: no guest in memory, state: {client.call('vm.get', vm=VM)['state']}")
    print(f"\n{HEADING}> {AGAIN}{PLAIN}")
    _, taken = _timed(lambda: _prompt(client, session["sessionId"], AGAIN))
    _note(f"woken, resumed and answered in {taken:.0f} ms")


def _prompt(client: Client, session: str, text: str) -> None:
    turn = client.start("sendPrompt", vm=VM, sessionId=session, prompt=text)
    for notification in client.notifications(until=turn):
        if notification.method != "sessionEvent":
            continue
        update = notification.params["event"].get("params", {}).get("update", {})
        kind = update.get("sessionUpdate")
        if kind == "agent_message_chunk":
            print(update["content"].get("text", ""), end="", flush=True)
        elif kind == "tool_call_update" and "title" in update:
            _note(f"[tool] {update['title']}")
        elif kind == "tool_call_update" and update.get("status") in {"completed", "failed"}:
            for item in update.get("content", []):
                if item["type"] == "content":
                    _note(f"[{update['status']}] {item['content'].get('text', '').rstrip()}")
    print()
    turn.result()


def _summary(event: dict[str, Any]) -> str:
    update = event.get("params", {}).get("update")
    if update is None:
        return str(event["method"])
    text = update.get("content", {}).get("text") if isinstance(update.get("content"), dict) else update.get("title")
    return f"{update['sessionUpdate']:<22} {str(text or '')[:70]!r}"


@contextlib.contextmanager
def _model() -> Iterator[tuple[dict[str, str], list[str]]]:
    """What the session needs to reach a model: its environment, and the hosts to allow."""
    if key := os.environ.get("ANTHROPIC_API_KEY"):
        print("Model: Anthropic's API, with the key in ANTHROPIC_API_KEY")
        names = ("ANTHROPIC_BASE_URL", "PI_MODEL")
        yield {"ANTHROPIC_API_KEY": key, **{name: os.environ[name] for name in names if name in os.environ}}, []
        return
    print("Model: SCRIPTED, on the loopback interface (set ANTHROPIC_API_KEY for the real one)")
    process = subprocess.Popen(
        [sys.executable, "-m", "runtime.testing.scripted_model", "--delay", "0.05"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().split()[-1]
        yield {"ANTHROPIC_API_KEY": "scripted", "ANTHROPIC_BASE_URL": url}, [url.removeprefix("http://")]
    finally:
        process.terminate()
        process.wait()


@contextlib.contextmanager
def _daemon(socket: Path, state: Path) -> Iterator[None]:
    command = [str(Path(sys.executable).with_name("torpor")), "serve", "--socket", str(socket), "--state", str(state)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                connect(socket, autostart=False).close()
                break
            except ConnectError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def _timed(function: Any) -> tuple[Any, float]:
    started = time.perf_counter()
    value = function()
    return value, (time.perf_counter() - started) * 1000


def _heading(text: str) -> None:
    print(f"\n{HEADING}{text}{PLAIN}")


def _note(text: str) -> None:
    print(f"{FAINT}{text}{PLAIN}")


if __name__ == "__main__":
    sys.exit(main())
