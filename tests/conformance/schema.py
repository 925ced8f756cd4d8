"""The official schema of ACP v1, as the models of the `agent-client-protocol` package, applied to frames.

The models are lenient: they pass over members that they do not know and put defaults in place of what is malformed. So a
frame is valid here only if what the model has understood, written out again, is the frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from acp import schema

if TYPE_CHECKING:
    from pydantic import BaseModel

TO_AGENT: Final[dict[str, type[BaseModel]]] = {
    "authenticate": schema.AuthenticateRequest,
    "session/new": schema.NewSessionRequest,
    "session/load": schema.LoadSessionRequest,
    "session/resume": schema.ResumeSessionRequest,
    "session/close": schema.CloseSessionRequest,
    "session/prompt": schema.PromptRequest,
    "session/cancel": schema.CancelNotification,
    "session/set_mode": schema.SetSessionModeRequest,
    "$/cancel_request": schema.CancelRequestNotification,
}
"""What a client asks an agent; `initialize` and `session/set_config_option` are looked at apart."""

FROM_AGENT: Final[dict[str, type[BaseModel]]] = {
    "session/update": schema.SessionNotification,
    "session/request_permission": schema.RequestPermissionRequest,
    "fs/read_text_file": schema.ReadTextFileRequest,
    "fs/write_text_file": schema.WriteTextFileRequest,
    "$/cancel_request": schema.CancelRequestNotification,
}

CLIENT_RESULTS: Final[dict[str, type[BaseModel]]] = {
    "session/request_permission": schema.RequestPermissionResponse,
    "fs/read_text_file": schema.ReadTextFileResponse,
    "fs/write_text_file": schema.WriteTextFileResponse,
    "terminal/create": schema.CreateTerminalResponse,
    "terminal/output": schema.TerminalOutputResponse,
    "terminal/wait_for_exit": schema.WaitForTerminalExitResponse,
    "terminal/kill": schema.KillTerminalResponse,
    "terminal/release": schema.ReleaseTerminalResponse,
}
"""What a client answers."""

AGENT_RESULTS: Final[dict[str, type[BaseModel]]] = {
    "initialize": schema.InitializeResponse,
    "session/new": schema.NewSessionResponse,
    "session/load": schema.LoadSessionResponse,
    "session/resume": schema.ResumeSessionResponse,
    "session/fork": schema.ForkSessionResponse,
    "session/list": schema.ListSessionsResponse,
    "session/close": schema.CloseSessionResponse,
    "session/delete": schema.DeleteSessionResponse,
    "session/prompt": schema.PromptResponse,
    "session/set_mode": schema.SetSessionModeResponse,
    "session/set_config_option": schema.SetSessionConfigOptionResponse,
}
"""What an agent answers."""

OURS: Final = ("permissionId",)
"""What the transcript adds to the params of an agent's permission request."""


NEWER: Final = ("notices", "compaction")
"""Members of the client's `session` capabilities that ACP has had since schema 1.20; the models are of 1.19."""


def check_request(frame: dict[str, Any]) -> None:
    """A request or notification to an agent."""
    check_envelope(frame)
    method, params = frame["method"], frame["params"]
    if method == "session/set_config_option":
        boolean = params.get("type") == "boolean"
        model = schema.SetSessionConfigOptionBooleanRequest if boolean else schema.SetSessionConfigOptionSelectRequest
        check(model, params)
    elif method == "initialize":
        capabilities = params["clientCapabilities"]
        session = {name: value for name, value in capabilities["session"].items() if name not in NEWER}
        check(schema.InitializeRequest, {**params, "clientCapabilities": {**capabilities, "session": session}})
    elif not method.startswith("_"):
        check(TO_AGENT[method], params)


def check_event(frame: dict[str, Any]) -> None:
    """An event of a transcript, or what an agent sends a client: as ACP has it, or an extension by its name."""
    check_envelope(frame)
    if not frame["method"].startswith("_"):
        check(FROM_AGENT[frame["method"]], {k: v for k, v in frame["params"].items() if k not in OURS})


def check_answer(frame: dict[str, Any], method: str, results: dict[str, type[BaseModel]]) -> None:
    """An answer to a request `method`."""
    check_envelope(frame)
    if "error" in frame:
        check(schema.Error, frame["error"])
    elif not method.startswith("_"):
        check(results[method], frame["result"])


def check_envelope(frame: dict[str, Any]) -> None:
    """JSON-RPC 2.0, and nothing beside it."""
    assert frame["jsonrpc"] == "2.0"
    if "method" in frame:
        assert set(frame) - {"id"} == {"jsonrpc", "method", "params"}
    else:
        assert set(frame) in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})


def check(model: type[BaseModel], value: Any) -> None:
    """The value is what the model makes of it."""
    understood = model.model_validate(value).model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert understood == value, f"{model.__name__} understands {understood!r} of {value!r}"
