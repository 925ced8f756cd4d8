"""What `torpor serve --http` refuses before there is a daemon."""

from __future__ import annotations

import pytest


def test_the_other_flags_need_http(torpor, tmp_path):
    state = f"--state={tmp_path / 'state.db'}"
    for flag in ("--http-public", "--http-token=x", "--http-origin=https://x"):
        done = torpor("serve", state, flag)
        assert (done.returncode, done.stdout) == (2, "")
        assert "go with --http" in done.stderr


@pytest.mark.parametrize(
    ("flags", "reason", "code"),
    [
        (["--http=0.0.0.0:0"], "--http-public", 2),
        (["--http=here"], "HOST:PORT", 2),
        (["--http=127.0.0.1:0", "--http-origin=*"], "not an origin", 2),
        (["--http=127.0.0.1:0", "--http-token=/nowhere/token"], "cannot read the token", 3),
    ],
)
def test_what_cannot_be_served(torpor, tmp_path, flags, reason, code):
    done = torpor("serve", f"--state={tmp_path / 'state.db'}", *flags)
    assert done.returncode == code
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
