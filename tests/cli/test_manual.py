"""The manual page: that it has all commands, and that troff takes it."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest

from runtime.cli.exits import EXITS
from runtime.cli.main import parser
from runtime.cli.manual import page
from tests.cli.test_commands import subcommands
from tests.patience import WAIT


def test_it_is_printed_and_has_every_command_option_and_exit_code(torpor: Any) -> None:
    done = torpor("man")
    assert json.loads(torpor("man", "--json").stdout) == {"page": done.stdout}
    plain = done.stdout.replace(r"\-", "-")
    for words, sub in subcommands():
        assert f".SS torpor {' '.join(words)}\n" in plain
        for action in sub._actions:
            assert all(name in plain for name in action.option_strings if name not in ("-h", "--help"))
    assert all(f"\\fB{code}\\fR" in plain for code, _ in EXITS)
    assert "TORPOR_HOST" in plain


def test_troff_has_nothing_to_say_of_it() -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("groff is not installed: the page was not set")
    done = subprocess.run(
        [groff, "-man", "-ww", "-Tutf8", "-K", "utf8"],
        input=page(parser()),
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=True,
    )
    assert done.stderr == ""
    assert "TORPOR(1)" in done.stdout
