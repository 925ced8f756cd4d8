"""Every limit of params is the named one: so much is taken, and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from runtime.api import limits
from runtime.api.daemon import Subscribe
from runtime.api.file_serving import ServeFiles
from runtime.api.past import TakeSnapshot
from runtime.api.sessions import CreateSession, RawSend
from runtime.api.shells import OpenShell, ResizeShell, WaitShell
from runtime.api.turns import SendPrompt, TraceContext
from runtime.api.vms import VmExport, VmOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from runtime.api.types import Params

VM = {"vm": "v"}
SESSION = {"vm": "v", "sessionId": "s"}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("kind", "params", "most"),
    [
        (CreateSession, lambda n: VM | {"agentType": "a" * n}, limits.MAX_AGENT_TYPE),
        (RawSend, lambda n: SESSION | {"method": "m" * n, "params": {}}, limits.MAX_METHOD),
        (SendPrompt, lambda n: SESSION | {"prompt": "", "idempotencyKey": "k" * n}, limits.MAX_KEY),
        (TraceContext, lambda n: {"traceparent": TRACE, "tracestate": "s" * n}, limits.MAX_TRACESTATE),
        (TraceContext, lambda n: {"traceparent": TRACE, "baggage": "b" * n}, limits.MAX_BAGGAGE),
        (ServeFiles, lambda n: SESSION | {"paths": ["/"] * n}, limits.MAX_MOUNTS),
        (ServeFiles, lambda n: SESSION | {"paths": ["/" * n]}, limits.MAX_PATH),
        (Subscribe, lambda n: VM | {"types": ["t"] * n}, limits.MAX_TYPES),
        (TakeSnapshot, lambda n: VM | {"name": "n" * n}, limits.MAX_SNAPSHOT_NAME),
        (WaitShell, lambda n: VM | {"shell": "s" * n}, limits.MAX_SHELL_NAME),
        (VmExport, lambda n: VM | {"path": "/" * n}, limits.MAX_PATH),
        (VmExport, lambda n: VM | {"path": "/x", "progressToken": "t" * n}, limits.MAX_PROGRESS_TOKEN),
        (VmOptions, lambda n: {"network": {"allow": ["h" * n]}}, limits.MAX_GRANT),
        (VmOptions, lambda n: {"network": {"allow": ["*"] * n}}, limits.MAX_GRANTS),
        (VmOptions, lambda n: {"mounts": [{"path": "/" * n, "host": "/x"}]}, limits.MAX_PATH),
        (VmOptions, lambda n: {"mounts": [{"path": "/x", "host": "/" * n}]}, limits.MAX_PATH),
    ],
)
def test_params_take_so_much_and_no_more(kind: type[Params], params: Callable[[int], Any], most: int) -> None:
    msgspec.convert(params(most), kind)
    with pytest.raises(msgspec.ValidationError, match=f"length <= {most} "):
        msgspec.convert(params(most + 1), kind)


@pytest.mark.parametrize("side", ["rows", "columns"])
def test_a_terminal_is_so_large(side: str) -> None:
    for kind, others in ((OpenShell, {}), (ResizeShell, {"shell": "s"})):
        size = VM | {"rows": 1, "columns": 1} | others
        msgspec.convert(size | {side: limits.MAX_SIDE}, kind)
        for beyond in (0, limits.MAX_SIDE + 1):
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert(size | {side: beyond}, kind)
