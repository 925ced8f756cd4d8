"""The completions, in the shells themselves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import WAIT

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "runtime" / "cli" / "shells"
COMMAND = [sys.executable, "-P", "-m", "runtime.cli"]

BASH = """
set -u
source "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_torpor
printf '%s\\n' "${COMPREPLY[@]}"
"""
# An interactive zsh on a terminal of its own, in which every match that the completion adds is printed as well.
ZSH_SETUP = """
PROMPT=
autoload -Uz compinit
compinit -u -D
source "$SCRIPT"
compadd() {
    local -a found
    if (( ! ${@[(I)-[OAD]*]} )); then
        builtin compadd -O found "$@"
        print -rl -- match:$^found
    fi
    builtin compadd "$@"
}
finish() { print -r -- end-of-matches; exit }
comppostfuncs=(finish)
bindkey '^I' complete-word
print -r -- set-up
"""
ZSH = """
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell "source $1"
while zpty -r shell line; do [[ $line == set-up* ]] && break; done
zpty -n -w shell "$2"$'\\t'
while zpty -r shell line; do
    print -r -- "$line"
    [[ $line == *end-of-matches* ]] && break
done
zpty -d shell
"""


def need(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed: its completions were not tested")
    return found


def bash(line: str, cwd: Path) -> list[str]:
    command = [need("bash"), "--norc", "-c", BASH, "bash", SCRIPTS / "torpor.bash", *line.split(" ")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=True, cwd=cwd)
    assert done.stderr == ""
    return [word for word in done.stdout.splitlines() if word]


def fish(line: str, cwd: Path) -> list[str]:
    script = f"source {SCRIPTS}/torpor.fish; complete -C '{line}'"
    environment = {"HOME": str(cwd), "PATH": "/usr/bin:/bin"}
    command = [need("fish"), "--no-config", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=True, cwd=cwd, env=environment)
    assert done.stderr == ""
    return [word.split("\t")[0] for word in done.stdout.splitlines()]


def zsh(line: str, cwd: Path) -> list[str]:
    shell, setup = need("zsh"), cwd / ".setup"
    setup.write_text(ZSH_SETUP)
    environment = {"HOME": str(cwd), "PATH": "/usr/bin:/bin", "TERM": "dumb", "SCRIPT": str(SCRIPTS / "torpor.zsh")}
    command = [shell, "-f", "-c", ZSH, "zsh", setup, line]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=True, cwd=cwd, env=environment)
    return [word.rpartition("match:")[2].strip() for word in done.stdout.splitlines() if "match:" in word]


@pytest.fixture(params=[bash, zsh, fish])
def complete(request, tmp_path):
    (tmp_path / "a-file.yaml").touch()
    (tmp_path / "a-directory").mkdir()
    return lambda line: set(request.param(line, tmp_path))


def test_commands(complete):
    assert {"run", "serve", "doctor", "fs", "completions"} <= complete("torpor ")
    assert complete("torpor res") == {"restart"}
    assert {"ls", "cat", "put", "rm"} <= complete("torpor fs ")
    assert complete("torpor keys r") == {"rotate"}


def test_options_of_the_command_at_hand(complete):
    found = complete("torpor serve --idle")
    assert {word.removesuffix("=") for word in found} == {"--idle-exit"}
    found = {word.removesuffix("=") for word in complete("torpor run echo hello --")}
    assert {"--session", "--yes", "--vm"} <= found
    assert "--idle-exit" not in found


def test_values(complete):
    assert complete("torpor serve --log-level ") == {"debug", "info", "warning", "error"}
    assert complete("torpor completions ") == {"bash", "zsh", "fish"}
    assert complete("torpor completions z") == {"zsh"}


def test_files(complete):
    assert "a-file.yaml" in complete("torpor test ")
    assert {word.rstrip("/") for word in complete("torpor systemd --directory a")} == {"a-directory"}
    assert "a-file.yaml" not in complete("torpor fs cat ")
    assert "a-file.yaml" not in complete("torpor agents ")


def test_a_value_is_not_taken_for_a_command(complete):
    assert complete("torpor sessions --vm fs --js") == {"--json"}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_they_are_printed(shell, torpor):
    assert torpor("completions", shell).stdout == (SCRIPTS / f"torpor.{shell}").read_text()
    assert json.loads(torpor("completions", shell, "--json").stdout)["shell"] == shell


def test_they_are_current():
    command = [sys.executable, ROOT / "build" / "completions.py", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)
    assert done.returncode == 0, done.stderr
