"""`python -m bench.packages [NAME ...]`: installs packages from PyPI in VMs, and tries them.

What it prints is the table of docs/python-packages.md.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from bench.harness import daemon

if TYPE_CHECKING:
    from runtime.client.sync import Client

PROGRAMS = Path(__file__).with_suffix(".toml")
HOSTS = ["pypi.org", "files.pythonhosted.org"]
URL = "https://pypi.org/simple/six/"

LONGEST_MS = 600_000

FROM_SOURCE = "markupsafe,pyyaml"
"""They have no wheel without machine code, and their builds do without a compiler. Others would look for one for minutes."""


def attempt(client: Client, name: str, program: str, hosts: list[str]) -> tuple[str, str]:
    """What became of a package: "works", "installs" or "no", and the last line that says why."""
    vm = client.vm.get_or_create(f"try-{name}")
    vm.configure({"network": {"allow": [*HOSTS, *hosts]}})
    try:
        installed = vm.exec(
            ["pip", "install", "--quiet", "--only-binary", ":all:", "--no-binary", FROM_SOURCE, name],
            timeout_ms=LONGEST_MS,
        )
        if installed.exit_code:
            return "no", _why(str(installed.stderr))
        ran = vm.exec(["python3", "-c", f"URL = {URL!r}\n{program}"], timeout_ms=LONGEST_MS)
        return ("installs", _why(str(ran.stderr))) if ran.exit_code else ("works", "")
    finally:
        vm.destroy()


def _why(errors: str) -> str:
    """What says most: a package that is none for this machine, the last error of Python's, or the last line."""
    if absent := re.search(r"satisfies the requirement ([\w.-]+)", errors) or re.search(
        r"depends on ([\w.-]+)", errors
    ):
        return f"no wheel of {absent[1]} is without machine code"
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    telling = [line for line in lines if re.match(r"(\w+\.)*\w*(Error|Exception)\b.*:", line)]
    return (telling or lines or ["it ended without a word"])[-1]


def main() -> int:
    """Print a line for each, as a table of Markdown."""
    parser = argparse.ArgumentParser(description="Tries Python packages in VMs; needs PyPI.")
    parser.add_argument("--allow", action="append", default=[], metavar="HOST:PORT", help="what VMs may reach besides")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    programs = tomllib.loads(PROGRAMS.read_text())
    with daemon() as running, running.client() as client:
        for name, program in programs.items():
            if not options.names or name in options.names:
                found, why = attempt(client, name, program, options.allow)
                print(f"| {name} | {found} | {why} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
