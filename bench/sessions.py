"""Sessions: start, prompt, first event, memory, turns per second."""

from __future__ import annotations

import functools
import threading
import time
from typing import TYPE_CHECKING, Any

from bench.harness import Daemon, Figure, daemon, model, pi_options, pi_vm, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client

RUNS = 30


def start_and_prompt() -> Iterator[Figure]:
    """createSession on a warm daemon, prompt round trip and time to the first event, for echo and pi."""
    with daemon() as running, model() as url, running.client() as client:
        client.call("vm.getOrCreate", vm="echo")
        pi_vm(client, "pi", url)
        for vm, options in (("echo", {}), ("pi", pi_options(url))):
            yield Figure(
                f"createSession {vm}, same VM",
                timed(functools.partial(create, client, vm, vm, options), RUNS),
                "ms",
            )
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
    """Turns per second with 1, 10 and 50 sessions, one connection each."""
    with daemon() as running, model() as url:
        for agent, counts, options in (("echo", (1, 10, 50), {}), ("pi", (1, 10, 50), pi_options(url))):
            with running.client() as client:
                vm = pi_vm(client, f"turns-{agent}", url)
                ids = [create(client, vm, agent, options) for _ in range(max(counts))]
            for count in counts:
                yield Figure(f"turns per second, {count} {agent} sessions", [_rate(running, vm, ids[:count])], "/s")


def _rate(running: Daemon, vm: str, ids: list[str], seconds: float = 3.0) -> float:
    done: list[int] = []
    deadline = time.perf_counter() + seconds

    def work(session: str) -> None:
        turns = 0
        with running.client() as client:
            while time.perf_counter() < deadline:
                client.call("sendPrompt", vm=vm, sessionId=session, prompt="hello")
                turns += 1
        done.append(turns)

    threads = [threading.Thread(target=work, args=(session,)) for session in ids]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)
