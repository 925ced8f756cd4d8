"""Sessions: start, prompt, first event, memory, turns per second."""

from __future__ import annotations

import functools
import statistics
import threading
import time
from typing import TYPE_CHECKING, Any

from bench.harness import Daemon, Figure, daemon, model, pi_options, pi_vm, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client

RUNS = 30
ROUNDS = 3


def start_and_prompt() -> Iterator[Figure]:
    """createSession on a warm daemon, prompt round trip and time to the first event, for echo and pi."""
    with daemon() as running, model() as url, running.client() as client:
        client.call("vm.getOrCreate", vm="echo")
        pi_vm(client, "pi", url)
        for vm, options in (("echo", {}), ("pi", pi_options(url))):
            before = running.cpu_seconds()
            walls = timed(functools.partial(create, client, vm, vm, options), RUNS, warmup=0)
            used = (running.cpu_seconds() - before) * 1000 / RUNS
            yield Figure(f"createSession {vm}, same VM", walls, "ms", f"CPU of the daemon {used:.1f} ms")
            session = create(client, vm, vm, options)
            client.call("subscribe", vm=vm, sessionId=session)
            firsts: list[float] = []
            wholes = timed(functools.partial(turn, client, vm, session, firsts), RUNS)
            yield Figure(f"prompt {vm}: first agent event", firsts[2:], "ms")
            yield Figure(f"prompt {vm}: whole", wholes, "ms")


def create(client: Client, vm: str, agent: str, options: dict[str, Any]) -> str:
    """Open a session; its id."""
    session: str = client.call("createSession", vm=vm, agentType=agent, options=options)["sessionId"]
    return session


def turn(client: Client, vm: str, session: str, firsts: list[float]) -> None:
    """A turn of a session that is subscribed to; `firsts` gets the milliseconds to the agent's first event."""
    started = time.perf_counter()
    first = 0.0
    pending = client.start("sendPrompt", vm=vm, sessionId=session, prompt="hello")
    for notification in client.notifications(until=pending):
        event = notification.params.get("event", {})
        update = event.get("params", {}).get("update", {}).get("sessionUpdate")
        if not first and update == "agent_message_chunk":
            first = (time.perf_counter() - started) * 1000
    pending.result()
    firsts.append(first)


def memory() -> Iterator[Figure]:
    """Private dirty memory per live idle session: a staircase, each step the slope from the first."""
    with model() as url:
        for agent, steps, options in (
            ("echo", (10, 50, 100, 200), {}),
            ("pi", (5, 10, 25, 50), pi_options(url)),
        ):
            with daemon() as running, running.client() as client:
                vm = pi_vm(client, agent, url)
                create(client, vm, agent, options)
                base, count = running.private_kib(), 0
                for step in steps:
                    while count < step:
                        create(client, vm, agent, options)
                        count += 1
                    each = (running.private_kib() - base) / count / 1024
                    yield Figure(f"private memory per idle {agent} session, {step} live", [each], "MiB")
                yield Figure(f"private memory of the daemon before, with one {agent} session", [base / 1024], "MiB")


def turns() -> Iterator[Figure]:
    """Turns per second with 1, 10, 20 and 50 new sessions in one VM, a connection each.

    1,000 turns of echo in all; 15 of pi for each session, since a conversation grows with each turn, and so does a turn's cost.
    """
    with daemon() as running, model() as url, running.client() as client:
        for agent, options in (("echo", {}), ("pi", pi_options(url))):
            vm = pi_vm(client, f"turns-{agent}", url)
            for count in (1, 10, 20, 50):
                rates, used, prompts = [], [], 1000 // count if agent == "echo" else 15
                for _ in range(ROUNDS):
                    ids = [create(client, vm, agent, options) for _ in range(count)]
                    before = running.cpu_seconds()
                    rates.append(rate(running, [(vm, session) for session in ids], prompts))
                    used.append((running.cpu_seconds() - before) * 1000 / (count * (prompts + 1)))
                    for session in ids:
                        client.call("closeSession", vm=vm, sessionId=session)
                cpu = f"CPU of the daemon {statistics.median(used):.1f} ms a turn"
                yield Figure(f"turns per second, {count} {agent} sessions", rates, "/s", cpu)


def rate(running: Daemon, sessions: list[tuple[str, str]], prompts: int) -> float:
    """Turns a second when so many (VM, session) are prompted at once, so often each, after one turn that does not count."""

    def work(vm: str, session: str, count: int) -> None:
        with running.client() as client:
            for _ in range(count):
                client.call("sendPrompt", vm=vm, sessionId=session, prompt="hello")

    for vm, session in sessions:
        work(vm, session, 1)
    threads = [threading.Thread(target=work, args=(vm, session, prompts)) for vm, session in sessions]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(sessions) * prompts / (time.perf_counter() - started)
