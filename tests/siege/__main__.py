"""The attackers, in a process of their own: each kind of attack again and again until the time is over.

Prints, as JSON, how many rounds of each kind there were, and what went wrong.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from pathlib import Path

from tests.siege.attacks import ATTACKS, Place, attack


def main(socket: str, folder: str, seconds: str, seed: str) -> None:
    deadline = time.monotonic() + float(seconds)
    rounds = dict.fromkeys(ATTACKS, 0)
    failures: list[str] = []

    def besiege(name: str) -> None:
        chance = random.Random(f"{seed} {name}")  # noqa: S311 - seeded on purpose
        while not rounds[name] or time.monotonic() < deadline:
            place = Place(socket, f"siege-{name}-{rounds[name]}".replace("_", "-"), Path(folder), chance)
            failure = attack(name, place)
            rounds[name] += 1
            if failure is not None:
                failures.append(failure)
                return

    threads = [threading.Thread(target=besiege, args=[name]) for name in ATTACKS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps({"rounds": rounds, "failures": failures}))  # noqa: T201 - what this program is for


if __name__ == "__main__":
    main(*sys.argv[1:])
