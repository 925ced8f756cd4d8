"""
Runs the tests again and again, and says which of them do not always pass.

    python build/flaky.py [--times N] [--busy N] [PATH ...]

N rounds on a machine at rest (5), then N more beside a process on each core that never waits (2). Without paths it runs all
tests. Exit code 1 if anything failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
SPIN: Final = [sys.executable, "-c", "while True: pass"]


def run(paths: list[str]) -> list[str]:
    """Run these tests once; those that failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", "auto", "--dist", "worksteal", *paths]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    failed = [line.partition(" - ")[0] for line in done.stdout.splitlines() if line.startswith(("FAILED ", "ERROR "))]
    print(done.stdout if done.returncode else done.stdout.splitlines()[-1], flush=True)
    return failed or ["the run itself"] * (done.returncode != 0)


def main(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    parser = argparse.ArgumentParser(description="Runs the tests again and again, and says which do not always pass.")
    parser.add_argument("--times", type=int, default=5, help="rounds on a machine at rest")
    parser.add_argument("--busy", type=int, default=2, help="rounds beside a process on each core that never waits")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="tests to run (default: all)")
    options = parser.parse_args(arguments)
    failures: Counter[str] = Counter()
    with ExitStack() as busy:
        for number in range(options.times + options.busy):
            if number == options.times:
                for _ in range(os.cpu_count() or 1):
                    busy.callback(busy.enter_context(subprocess.Popen(SPIN)).kill)
            print(f"round {number + 1}{', busy' if number >= options.times else ''}", flush=True)
            failures.update(run(options.paths))
    for test, count in failures.most_common():
        print(f"{count} of {options.times + options.busy} rounds: {test}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
