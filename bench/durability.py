"""The store's side: sleep and wake with many files, events through commit and delivery, history."""

from __future__ import annotations

import contextlib
import functools
import time
from typing import TYPE_CHECKING

from bench.harness import Figure, daemon, model, pi_options, pi_vm, timed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from runtime.client.sync import Client

FILES = 10_000
RUNS = 20
EVENTS = 20_000


def wake() -> Iterator[Figure]:
    """Wake of a sleeping VM with 10,000 files, of echo and of pi: to the first event read, and to the next prompt answered."""
    with daemon() as running, model() as url, running.client() as client:
        for agent, options in (("echo", {"env": {"ECHO_LOAD": "1"}}), ("pi", pi_options(url))):
            vm = pi_vm(client, f"many-{agent}", url)
            session = client.call("createSession", vm=vm, agentType=agent, options=options)["sessionId"]
            _prompt(client, vm, session)
            for number in range(FILES):
                client.call("writeFile", vm=vm, path=f"/home/user/d{number % 100}/f{number}", content="x" * 100)
            yield from _wakes(client, vm, session, agent)


def _wakes(client: Client, vm: str, session: str, agent: str) -> Iterator[Figure]:
    first, prompt, asleep = [], [], []
    for _ in range(RUNS + 2):
        asleep += timed(lambda: client.call("vm.sleep", vm=vm), 1, warmup=0)
        first += timed(lambda: client.call("getSessionEvents", vm=vm, sessionId=session, limit=1), 1, warmup=0)
        prompt += timed(lambda: _prompt(client, vm, session), 1, warmup=0)
    yield Figure(f"vm.sleep, {FILES} files, {agent}", asleep[2:], "ms")
    yield Figure(f"asleep, {FILES} files, {agent}: first event read", first[2:], "ms")
    yield Figure(f"wake, {FILES} files, {agent}: next prompt answered", prompt[2:], "ms", "session/load included")
    woken = []
    for _ in range(RUNS):
        client.call("vm.sleep", vm=vm)
        woken += timed(lambda: client.call("vm.wake", vm=vm), 1, warmup=0)
    yield Figure(f"vm.wake, {FILES} files, {agent}", woken, "ms")


def events() -> Iterator[Figure]:
    """Events per second from the agent's stdout through commit and delivery to a subscriber; then reading them back."""
    with daemon() as running, running.client() as client:
        client.call("vm.getOrCreate", vm="events")
        session = client.call("createSession", vm="events", agentType="echo")["sessionId"]
        client.call("subscribe", vm="events", sessionId=session)
        rates = []
        for _ in range(3):
            started, seen = time.perf_counter(), 0
            turn = client.start("sendPrompt", vm="events", sessionId=session, prompt=f"flood {EVENTS}")
            for _notification in client.notifications(until=turn):
                seen += 1
            assert seen >= EVENTS, f"{seen} of {EVENTS} events"
            rates.append(seen / (time.perf_counter() - started))
        yield Figure("events per second through commit and delivery", rates, "/s")
        history = timed(lambda: client.call("getSessionEvents", vm="events", sessionId=session, limit=10_000), 10)
        yield Figure("getSessionEvents of 10,000 events", history, "ms")
        replays = []
        for _ in range(5):
            with running.client() as reader:
                started, seen = time.perf_counter(), 0
                reader.call("subscribe", vm="events", sessionId=session, after=-1)
                for _notification in reader.notifications():
                    seen += 1
                    if seen == EVENTS:
                        break
                replays.append(seen / (time.perf_counter() - started))
        yield Figure("events per second, replay through subscribe", replays, "/s")


def resume() -> Iterator[Figure]:
    """resumeSession of a closed session in each tier, and the next prompt after it."""
    with daemon() as running, running.client() as client:
        client.call("vm.getOrCreate", vm="resume")
        for tier, env in (
            ("session/resume", {"ECHO_RESUME": "1"}),
            ("session/load", {"ECHO_LOAD": "1"}),
            ("continuation", {}),
        ):
            options = {"env": env}
            session = client.call("createSession", vm="resume", agentType="echo", options=options)["sessionId"]
            client.call("sendPrompt", vm="resume", sessionId=session, prompt="hello")
            resumed, prompted = [], []
            for _ in range(RUNS + 2):
                client.call("closeSession", vm="resume", sessionId=session)
                resumed += timed(
                    functools.partial(client.call, "resumeSession", vm="resume", sessionId=session), 1, warmup=0
                )
                prompted += timed(functools.partial(_prompt, client, "resume", session), 1, warmup=0)
            yield Figure(f"resumeSession by {tier}", resumed[2:], "ms")
            yield Figure(f"the prompt after it, {tier}", prompted[2:], "ms")


def promises() -> Iterator[Figure]:
    """What `power` costs beside `process`, on two daemons in turn: sessions, prompts, events, files."""
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(model())
        clients: dict[str, Client] = {}
        for word in ("process", "power"):
            clients[word] = stack.enter_context(stack.enter_context(daemon(TORPOR_DURABILITY=word)).client())
            pi_vm(clients[word], "promises", url)
        measured: dict[tuple[str, str, str], list[float]] = {}
        for agent, options in (("echo", {}), ("pi", pi_options(url))):
            for _ in range(RUNS + 2):
                for word, client in clients.items():
                    ours = {"vm": "promises", "agentType": agent, "options": options}
                    started = time.perf_counter()
                    session = client.call("createSession", **ours)["sessionId"]
                    between = time.perf_counter()
                    _prompt(client, "promises", session)
                    ended = time.perf_counter()
                    measured.setdefault((f"createSession {agent}", word, "ms"), []).append((between - started) * 1000)
                    measured.setdefault((f"prompt {agent}", word, "ms"), []).append((ended - between) * 1000)
                    client.call("closeSession", vm="promises", sessionId=session)
        for _ in range(3):
            for word, client in clients.items():
                session = client.call("createSession", vm="promises", agentType="echo")["sessionId"]
                started = time.perf_counter()
                client.call("sendPrompt", vm="promises", sessionId=session, prompt=f"flood {EVENTS}")
                rate = EVENTS / (time.perf_counter() - started)
                measured.setdefault(("events a second", word, "/s"), []).append(rate)
                pace = functools.partial(
                    client.call, "writeFile", vm="promises", path="/home/user/f", content="x" * 100
                )
                measured.setdefault(("writeFile of 100 bytes", word, "ms"), []).extend(timed(pace, 100))
        for (name, word, unit), values in measured.items():
            yield Figure(f"{name}, {word}", values[2:] if unit == "ms" else values, unit)


def _prompt(client: Client, vm: str, session: str) -> None:
    client.call("sendPrompt", vm=vm, sessionId=session, prompt="hello")
