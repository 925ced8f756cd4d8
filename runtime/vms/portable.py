"""Which parts of a foreign file an import believes (`vm.import`).

A file from elsewhere may say anything. Its parts that reach beyond the new VM are taken over only if the caller trusts the
file: which hosts it may reach, policies that answer permission requests, cron jobs, and
secrets that are looked up in this daemon's environment (their names stay, and a resume asks for them). `vm.configure` gives
the VM hosts afterwards, and host directories, which are never taken over.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import attrs
import msgspec

from runtime.acp.session_state import STATE_TYPES, SessionState, event_type
from runtime.api import vms as api
from runtime.api.errors import ApiError, ErrorCode
from runtime.api.names import is_session_id, is_variable, is_vm_name
from runtime.sessions.options.options import NO_VARIABLES, SessionOptions
from runtime.store.foreign import check_json, damaged, json_object
from runtime.store.sessions import SessionRecord
from runtime.store.sql import json_text
from runtime.vms.options import VmOptions, check_size

_OBJECTS: Final = ("capabilities", "agent_info", "modes")


def host_path(path: str) -> Path:
    """The path of a file on the daemon's machine. Raises `ApiError` INVALID_ARGUMENT for one that is not absolute."""
    if not path.startswith("/") or "\0" in path or path.endswith("/"):
        message = "path must be the absolute path of a file on the daemon's machine"
        raise ApiError(ErrorCode.INVALID_ARGUMENT, message, pointer="/path")
    return Path(path)


@attrs.define
class FileJudge:
    """Implements `runtime.store.importing.Judge`."""

    name: str | None
    """The name for the VM; None: the one that the file says."""
    trust: bool
    """Take over the parts that reach beyond the VM, too."""

    def vm(self, name: str, options: dict[str, Any]) -> tuple[str, str]:
        """The VM's name and options."""
        name = name if self.name is None else self.name
        if not is_vm_name(name):
            damaged("the VM's name is none; give another one")
        accepted = dict(options) if self.trust else _harmless(options)
        accepted.pop("mounts", None)  # paths of another machine
        try:
            msgspec.convert(accepted, api.VmOptions)
            VmOptions.parse(accepted)
            check_size(accepted)
        except (TypeError, ValueError, AttributeError, KeyError):
            damaged("the VM's options are not such")
        return name, json_text(accepted)

    def session(self, columns: dict[str, Any]) -> dict[str, Any]:
        """A session's row as it is stored: asleep, and without the parts that reach beyond the VM."""
        if not is_session_id(columns["session_id"]):
            damaged("a session's id is none")
        options = json_object(columns["options"], "a session's options")
        names = _names(columns["env_names"])
        _check_session(options, columns, names)
        if not self.trust:
            options.pop("permissionPolicy", None)
            options["secrets"] = {name: _by_value(stored) for name, stored in options.get("secrets", {}).items()}
        if columns["status"] == "idle":
            columns["status"] = "suspended"
        return {**columns, "options": json_text(options)}

    def event(self, type_: str, body: dict[str, Any]) -> None:
        """Refuse an event that Torpor would not have written, or that a reader of the transcript could not read."""
        method, params = body.get("method"), body.get("params")
        if body.get("jsonrpc") != "2.0" or not isinstance(method, str) or not isinstance(params, dict):
            damaged("an event is no notification")
        try:
            if event_type(method, params) != type_:
                damaged("an event is not of the type that it is filed under")
            if type_ in STATE_TYPES:
                SessionState().fold(type_, params)
        except (TypeError, ValueError, AttributeError, KeyError):
            damaged("an event of a session's life is not what it should be")


def _harmless(options: dict[str, Any]) -> dict[str, Any]:
    return {
        name: options[name] for name in ("limits", "labels", "idleTimeoutMs", "base") if options.get(name) is not None
    }


def _names(text: str) -> tuple[str, ...]:
    try:
        names = msgspec.json.decode(text, type=tuple[str, ...])
    except msgspec.DecodeError:
        damaged("the names of a session's variables are not such")
    if any(not is_variable(name) and name not in NO_VARIABLES for name in names):
        damaged("the names of a session's variables are not such")
    return names


def _by_value(stored: Any) -> Any:
    """A secret as if its value had been given: no file may choose which of the daemon's variables is read."""
    return {**stored, "fromHostEnv": None} if isinstance(stored, dict) else None


def _check_session(options: dict[str, Any], columns: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in _OBJECTS:
        if columns[name] is not None:
            json_object(columns[name], f"a session's {name}")
    check_json(columns["config_options"], "a session's configuration")
    if not columns["cwd"].startswith("/") or "\0" in columns["cwd"]:
        damaged("a session's working directory is no path")
    try:
        parsed = SessionOptions.restore(_record(options, columns), dict.fromkeys(set(names) - NO_VARIABLES, ""))
        directories = parsed.additional_directories
        paths = all(each.startswith("/") and "\0" not in each for each in (parsed.cwd, *directories))
        texts = [
            part for each in parsed.secrets.values() for part in (each.source or "", each.token, *(each.hosts or ()))
        ]
        if not (paths and all(isinstance(text, str) for text in texts)):
            damaged("a session's directories or secrets are not such")
    except (ApiError, TypeError, ValueError, AttributeError, KeyError):
        damaged("a session's options are not such")


def _record(options: dict[str, Any], columns: dict[str, Any]) -> SessionRecord:
    """The record that will be read back, as far as options depend on it."""
    unread: dict[str, Any] = dict.fromkeys(("modes", "config_options", "capabilities", "agent_info", "usage"))
    row = {name: columns[name] for name in ("session_id", "agent_type", "agent_session_id", "status", "cwd", "title")}
    times = {"created_at": columns["created_at"], "updated_at": columns["updated_at"]}
    return SessionRecord(row=0, vm=0, options=options, env_names=(), last_seq=-1, **unread, **row, **times)
