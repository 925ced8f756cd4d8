"""bash and the GNU tools in a VM, each beside the same script in the machine's own bash."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import Figure, Skipped, daemon, timed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from runtime.client.sync import Client

RUNS = 11
WARMUP = 2
LONGEST_MS = 600_000
COMPONENT = Path(__file__).resolve().parent.parent / "commands" / "dist" / "bash.wasm"
PREPARE = """
mkdir -p many text small
for d in many/{0..99}; do mkdir -p $d; for f in {0..99}; do : > $d/$f; done; done
head -c 10485760 /dev/zero > ten
for n in {1..500}; do yes "a line of some text, number $n, of which there are many" | head -c 104857; done > text/all
split -b 104857 -a 3 text/all text/part
rm text/all
seq 2000000 | head -c 10240000 | split -b 10240 -a 3 - small/part
tar czf packed.tgz small
seq 100000 | sed 's/.*/{"id": &, "name": "no. &", "tags": ["a", "b"], "value": {"x": &.5, "ok": true, "none": null}}/' > json
{ echo 'create table t(a, b); begin;'; seq 100000 | sed "s/.*/insert into t values (&, 'name &');/"; echo 'commit;'; } > sql
"""
"""10,000 files in 100 folders, a file of 10 MiB, 50 MiB of text in 500 files, 1,000 files of 10 KiB, an archive of them,
11 MB of JSON, and 100,000 inserts."""
ROWS = {
    "echo hi": "echo hi",
    "ls / | wc -l": "ls / | wc -l",
    "a loop of 100 echoes": "for i in {1..100}; do echo $i; done",
    "100 times x=$(echo $i)": "for i in {1..100}; do x=$(echo $i); done",
    "100 execs of true in a loop": "for i in {1..100}; do /bin/true; done",
    "find . over 10,000 files": "find many | wc -l",
    "find -size +0 over 10,000 files": "find many -size +0 | wc -l",
    "grep -rn over 50 MiB in 500 files": "grep -rn 'number 77,' text | wc -l",
    "rg -n over the same": "$(type -P rg || echo grep -r) -n 'number 77,' text 2> /dev/null | wc -l",
    "cat 10 MiB into wc -c": "cat ten | wc -c",
    "tar czf of 1,000 files of 10 KiB": "tar czf small.tgz small",
    "tar xzf of them": "rm -rf new && mkdir new && tar xzf packed.tgz -C new",
    "jq over 11 MB": "jq -c 'select(.id % 1000 == 0) | .value.x' json | wc -l",
    "100,000 inserts of sqlite3 in a transaction": "rm -f db && sqlite3 db < sql",
}


def shell() -> Iterator[Figure]:
    """Scripts of bash in a VM through the daemon, warm; in turn, the machine's own bash, its start included."""
    if not COMPONENT.exists():
        raise Skipped("the commands are not built: make commands")
    native = shutil.which("bash")
    if native is None:
        raise Skipped("there is no bash to compare with")
    with daemon() as running, running.client() as client, tempfile.TemporaryDirectory(prefix="torpor-bench-") as folder:
        client.call("vm.getOrCreate", vm="shell")
        inside(client, PREPARE)
        subprocess.run([native, "-c", PREPARE], cwd=folder, check=True)
        for name, script in ROWS.items():
            yield beside(name, client, script, folder)


def beside(name: str, client: Client, script: str, folder: str, before: str = "", runs: int = RUNS) -> Figure:
    """A script of bash in the VM "shell", and the same on this machine in a folder; before each run another one, not timed.

    Raises Skipped where one fails in the VM.
    """

    def outside(words: str) -> None:
        subprocess.run(["bash", "-c", words], cwd=folder, capture_output=True, check=True)

    values = _each(partial(inside, client), script, before, runs)
    try:
        alone = statistics.median(_each(outside, script, before, runs))
    except subprocess.CalledProcessError:
        return Figure(name, values, "ms", "does not run on this machine")
    return Figure(name, values, "ms", f"natively {alone:.2f} ms: {statistics.median(values) / alone:.1f} times")


def inside(client: Client, script: str, vm: str = "shell") -> None:
    """Run a script of bash in a VM. Raises Skipped where it fails."""
    done = client.call("exec", vm=vm, argv=["bash", "-c", script], timeoutMs=LONGEST_MS)
    if done["exitCode"] != 0:
        raise Skipped(f"{script[:200]} has failed: {done['stderr'][:200]}")


def _each(run: Callable[[str], None], script: str, before: str, runs: int) -> list[float]:
    values: list[float] = []
    for _ in range(WARMUP + runs):
        if before:
            run(before)
        values += timed(partial(run, script), 1, warmup=0)
    return values[WARMUP:]
