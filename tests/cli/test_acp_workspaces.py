"""The VMs of workspaces, and what a workspace may be."""

from __future__ import annotations

import re
from typing import Any

import pytest

from runtime import jsonrpc
from runtime.cli.acp.errors import RefusedError
from runtime.cli.acp.workspaces import LABEL, MAX_LABEL, absolute_path, workspace_labels, workspace_vm


@pytest.mark.parametrize(("cwd", "stem"), [("/home/me/my project", "my-project"), ("/", "root"), ("/ü", "root")])
def test_a_workspace_has_one_vm(cwd: str, stem: str) -> None:
    name = workspace_vm(cwd)
    assert name.startswith(f"acp-{stem}-")
    assert name == workspace_vm(cwd + "/")
    assert name != workspace_vm("/elsewhere" + cwd)


def test_the_names_of_a_workspace_are_of_a_size_that_a_vm_can_have() -> None:
    path = "/" + "a" * 2000
    assert re.fullmatch("acp-a{40}-[0-9a-f]{12}-host", workspace_vm(path, mounted=True))
    assert workspace_labels(path) == {LABEL: path[:MAX_LABEL]}


@pytest.mark.parametrize("path", [None, 5, "", "work", "/a\0b", "/" + "é" * 2048])
def test_what_is_no_absolute_path_is_refused_before_there_is_a_vm_for_it(path: Any) -> None:
    with pytest.raises(RefusedError) as caught:
        absolute_path({"cwd": path}, "cwd")
    assert caught.value.code == jsonrpc.INVALID_PARAMS
