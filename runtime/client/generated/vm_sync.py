"""The methods of a VM, synchronous.

Written by build/python_clients.py from the daemon's methods (`runtime.api`). Do not edit: run it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, overload

from runtime.client.forms import command_params, files_to_write, listed, mapped, point, received, sent, some

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from runtime.api.files import FileStat
    from runtime.api.forks import SessionForked
    from runtime.api.many_files import DirEntry, FileWritten, TreeEntry
    from runtime.api.past import FilesDiff, Snapshot
    from runtime.api.sessions import SessionEvent, SessionInfo
    from runtime.api.settings import Settings
    from runtime.api.turns import PromptResult
    from runtime.client.generated.types import (
        AgentInfo,
        Exported,
        FileRead,
        ForkPoint,
        Modes,
        PermissionPolicy,
        ProcessInfo,
        ProcessResult,
        Secret,
        SessionDetails,
        SessionRow,
        Shell,
        ShellExit,
        Subscribed,
        TraceContext,
        VmChanges,
        VmForked,
        VmInfo,
        VmStats,
    )


class VmMethods:
    """The API's methods on one VM; `Vm` is what users hold."""

    def _invoke(self, method: str, params: dict[str, Any]) -> Any:
        """Call a method of the API."""
        raise NotImplementedError

    def subscribe(
        self, session_id: str | None = None, *, after: int | None = None, types: Iterable[str] | None = None
    ) -> Subscribed:
        """Hear a VM or a session: first the replay after `after`, then live, without a gap or a duplicate.

        Args:
            session_id: The session to hear; the whole VM when left out.
            after: Replay the session's events after this position first; -1 replays all. Needs `session_id`.
            types: Only events of these types: the names of ACP's updates, or of methods. All when left out.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `limit_exceeded`.
        """
        result: Subscribed = self._invoke(
            "subscribe", {"sessionId": session_id, "after": after, "types": listed(types)}
        )
        return result

    def get(self) -> VmInfo:
        """Describe a VM; never wakes it.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: VmInfo = self._invoke("vm.get", {})
        return result

    def configure(self, options: VmChanges) -> VmInfo:
        """Replace options of a VM, asleep or awake; limits of guests and of processes count from the next wake on.

        Args:
            options: The members to replace.

        Raises:
            RpcError: `vm_not_found`, `invalid_argument`.
        """
        result: VmInfo = self._invoke("vm.configure", {"options": options})
        return result

    def sleep(self, *, grace_ms: int | None = None, force: bool | None = None) -> None:
        """Hibernate the VM now: wait for running turns up to graceMs, or force.

        Args:
            grace_ms: How long to wait for turns and processes that run. Default: 30 s.
            force: Cancel turns and kill processes that run instead of waiting for them.

        Raises:
            RpcError: `vm_not_found`, `busy`.
        """
        self._invoke("vm.sleep", {"graceMs": grace_ms, "force": force})

    def wake(self) -> VmInfo:
        """Wake the VM; never needed, since calls do.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: VmInfo = self._invoke("vm.wake", {})
        return result

    def stats(self) -> VmStats:
        """Tell what the VM uses; wakes nothing.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: VmStats = self._invoke("vm.stats", {})
        return result

    def destroy(self) -> None:
        """Remove the VM with its sessions, files and everything.

        Raises:
            RpcError: `vm_not_found`.
        """
        self._invoke("vm.destroy", {})

    def export(self, path: str) -> Exported:
        """Write the VM with its files and sessions to a new file, without the values of env; wakes nothing.

        Args:
            path: The file to make: absolute, on the daemon's machine. It must not exist.

        Raises:
            RpcError: `vm_not_found`, `exists`, `not_found`, `io_error`.
        """
        result: Exported = self._invoke("vm.export", {"path": path})
        return result

    def create_session(
        self,
        agent_type: str,
        *,
        env: Mapping[str, str] | None = None,
        secrets: Mapping[str, str | Secret] | None = None,
        mcp_servers: list[dict[str, Any]] | None = None,
        auth_method: str | None = None,
        session_id: str | None = None,
        cwd: str | None = None,
        additional_instructions: str | None = None,
        skip_os_instructions: bool | None = None,
        permission_policy: Literal["allow", "ask", "deny"] | PermissionPolicy | None = None,
        additional_directories: Iterable[str] | None = None,
        elicitation: list[Literal["form", "url"]] | None = None,
    ) -> SessionInfo:
        """Start an agent in the VM, which is woken, and open a session with it. Cancelled, it leaves none.

        Args:
            agent_type: The agent's id, as `list_agents` has it.
            env: Variables of the agent's process. They are kept sealed, for later resumes.
            secrets: Variables that are never written anywhere. By value, or as a record that says where the
                value is from.
            mcp_servers: MCP servers for the agent: short forms or ACP's own, at most 64.
            auth_method: How the agent is to be authenticated at its starts: the id of one of its `authMethods`.
                It is kept sealed.
            session_id: The id that the session is to have; a fresh UUIDv7 when left out.
            cwd: The session's working directory in the VM, made if need be; `/home/user` when left out.
            additional_instructions: Text that is appended to what the agent tells its model about the machine.
            skip_os_instructions: Leave out the base text about the machine.
            permission_policy: What to do when the agent asks for permission: `ask` (the default), `allow`,
                `deny`, or rules.
            additional_directories: Further directories that the agent is told of.
            elicitation: How the agent may question a person: by forms, by pages to visit. It may not when left
                out.

        Raises:
            RpcError: `vm_not_found`, `agent_not_found`, `agent_failed`, `authentication_required`,
                `session_conflict`, `limit_exceeded`.
        """
        result: SessionInfo = self._invoke(
            "createSession",
            {
                "agentType": agent_type,
                "options": some(
                    {
                        "env": mapped(env),
                        "secrets": mapped(secrets),
                        "mcpServers": mcp_servers,
                        "authMethod": auth_method,
                        "sessionId": session_id,
                        "cwd": cwd,
                        "additionalInstructions": additional_instructions,
                        "skipOsInstructions": skip_os_instructions,
                        "permissionPolicy": permission_policy,
                        "additionalDirectories": listed(additional_directories),
                        "elicitation": elicitation,
                    }
                ),
            },
        )
        return result

    def close_session(self, session_id: str) -> None:
        """Stop the agent, keep everything; idempotent.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`.
        """
        self._invoke("closeSession", {"sessionId": session_id})

    def destroy_session(self, session_id: str) -> None:
        """Remove the session and all its events.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`.
        """
        self._invoke("destroySession", {"sessionId": session_id})

    def resume_session(
        self,
        session_id: str,
        *,
        env: Mapping[str, str] | None = None,
        secrets: Mapping[str, str | Secret] | None = None,
        mcp_servers: list[dict[str, Any]] | None = None,
        auth_method: str | None = None,
    ) -> SessionInfo:
        """Bring a closed or suspended session back.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            env: Variables of the agent's process. They are kept sealed, for later resumes.
            secrets: Variables that are never written anywhere. By value, or as a record that says where the
                value is from.
            mcp_servers: MCP servers for the agent: short forms or ACP's own, at most 64.
            auth_method: How the agent is to be authenticated at its starts: the id of one of its `authMethods`.
                It is kept sealed.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `agent_failed`, `agent_error`, `secrets_required`,
                `authentication_required`.
        """
        result: SessionInfo = self._invoke(
            "resumeSession",
            {
                "sessionId": session_id,
                "options": some(
                    {
                        "env": mapped(env),
                        "secrets": mapped(secrets),
                        "mcpServers": mcp_servers,
                        "authMethod": auth_method,
                    }
                ),
            },
        )
        return result

    def authenticate(self, session_id: str, method_id: str) -> None:
        """Have the agent authenticate itself, now and at its later starts. The agent may wait for a person who
        logs in.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            method_id: The id of the way, of the `authMethods` of `authentication_required` and of
                `create_session`.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
                `secrets_required`, `authentication_required`.
        """
        self._invoke("authenticate", {"sessionId": session_id, "methodId": method_id})

    def get_session_events(
        self,
        session_id: str,
        *,
        after: int | None = None,
        before: int | None = None,
        limit: int | None = None,
        types: Iterable[str] | None = None,
    ) -> list[SessionEvent]:
        """Read the transcript by seq; wakes nothing. A very long answer ends early: go on with `after`.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            after: Only what comes after this position. -1 is before the first event.
            before: Only what comes before this position.
            limit: How many to return at most.
            types: Only events of these types: the names of ACP's updates, or of methods. All when left out.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`.
        """
        result: list[SessionEvent] = self._invoke(
            "getSessionEvents",
            {"sessionId": session_id, "after": after, "before": before, "limit": limit, "types": listed(types)},
        )
        return result

    def list_persisted_sessions(self) -> list[SessionRow]:
        """List all sessions of the VM, oldest first; wakes nothing.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: list[SessionRow] = self._invoke("listPersistedSessions", {})
        return result

    def list_sessions(self) -> list[SessionRow]:
        """List the sessions that are live; wakes nothing.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: list[SessionRow] = self._invoke("listSessions", {})
        return result

    def get_session(self, session_id: str) -> SessionDetails:
        """Describe a session; wakes nothing.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`.
        """
        result: SessionDetails = self._invoke("getSession", {"sessionId": session_id})
        return result

    def raw_send(self, session_id: str, method: str, params: dict[str, Any] | None = None) -> Any:
        """Send any ACP request to the agent and return its result.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            method: The method of ACP, or of the agent's own.
            params: Its params; `session_id` is filled in.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
                `secrets_required`, `authentication_required`.
        """
        result: Any = self._invoke("rawSend", {"sessionId": session_id, "method": method, "params": params})
        return result

    def send_prompt(
        self,
        session_id: str,
        prompt: str | list[dict[str, Any]],
        *,
        idempotency_key: str | None = None,
        timeout_ms: int | None = None,
        trace_context: TraceContext | None = None,
    ) -> PromptResult:
        """Run one turn and return how it ended; all its events come before this answer. Cancelled, it gives up the
        answer only.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            prompt: The user's message: text, or a list of ACP content blocks, their bytes in base64.
            idempotency_key: The same key with the same prompt returns the first turn's result again, and runs
                no other.
            timeout_ms: Cancel the turn after so long. Without it there is no deadline.
            trace_context: The trace that the turn is a part of: the agent gets it.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
                `secrets_required`, `authentication_required`, `prompt_in_progress`, `session_conflict`.
        """
        result: PromptResult = self._invoke(
            "sendPrompt",
            {
                "sessionId": session_id,
                "prompt": prompt,
                "idempotencyKey": idempotency_key,
                "timeoutMs": timeout_ms,
                "traceContext": trace_context,
            },
        )
        return result

    def cancel_prompt(
        self, session_id: str, *, grace_ms: int | None = None
    ) -> Literal["cancelled", "killed", "no_active_prompt"]:
        """End the turn in progress; answers when it is over.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            grace_ms: How long the agent has to end its turn before it is killed. Default: 5 s.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`.
        """
        result: Literal["cancelled", "killed", "no_active_prompt"] = (
            self._invoke("cancelPrompt", {"sessionId": session_id, "graceMs": grace_ms})
        )["outcome"]
        return result

    def respond_permission(
        self,
        session_id: str,
        permission_id: str,
        reply: Literal["always", "once", "reject"] | None = None,
        *,
        option_id: str | None = None,
    ) -> None:
        """Answer a permission request; the first valid answer wins.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            permission_id: The request, as `permissionRequest` and `get_session` name it.
            reply: `once`, `always` (remembered for the session) or `reject`. Either this or `optionId`.
            option_id: One of the options that the agent offered.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `permission_not_pending`,
                `invalid_permission_option`.
        """
        self._invoke(
            "respondPermission",
            {"sessionId": session_id, "permissionId": permission_id, "reply": reply, "optionId": option_id},
        )

    def respond_elicitation(
        self,
        session_id: str,
        question_id: str,
        action: Literal["accept", "cancel", "decline"],
        *,
        content: Mapping[str, str | bool | int | float | list[str]] | None = None,
    ) -> None:
        """Answer a question of the agent; the first valid answer wins.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            question_id: The question, as `elicitationRequest` and `get_session` name it.
            action: `accept` (with the form's content, or for the page that is visited), `decline`, or `cancel`
                it unread.
            content: What is filled in: member of the schema -> value.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `elicitation_not_pending`.
        """
        self._invoke(
            "respondElicitation",
            {"sessionId": session_id, "questionId": question_id, "action": action, "content": mapped(content)},
        )

    def fork(self, to: str | list[str], *, at: tuple[str, int] | ForkPoint | None = None) -> VmForked:
        """Make a new VM, asleep, with the sessions and files of this one as they are, or as they were after an
        event.

        Args:
            to: The name of the VM that the fork is to be.
            at: The event after which the fork begins; now when left out.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `vm_conflict`, `invalid_argument`.
        """
        result: VmForked = self._invoke("vm.fork", {"to": to, "at": point(at)})
        return result

    def fork_session(
        self, session_id: str, *, at: int | None = None, to: str | list[str] | None = None
    ) -> SessionForked:
        """Make a session with the history of another: a new one in its VM, or the same in a fork of the VM.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            at: The position of the last event to keep; all events when left out.
            to: The name of a VM to fork to; without it the new session is in the same VM.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `vm_conflict`, `invalid_argument`.
        """
        result: SessionForked = self._invoke("forkSession", {"sessionId": session_id, "at": at, "to": to})
        return result

    def set_model(self, session_id: str, value: str) -> Settings:
        """Set the config option of category `model`.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            value: The value to set, one of those that the option offers.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
                `secrets_required`, `authentication_required`, `option_read_only`, `unsupported_by_agent`.
        """
        result: Settings = self._invoke("setModel", {"sessionId": session_id, "value": value})
        return result

    def set_thought_level(self, session_id: str, value: str) -> Settings:
        """Set the config option of category `thought_level`.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            value: The value to set, one of those that the option offers.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
                `secrets_required`, `authentication_required`, `option_read_only`, `unsupported_by_agent`.
        """
        result: Settings = self._invoke("setThoughtLevel", {"sessionId": session_id, "value": value})
        return result

    def set_mode(self, session_id: str, mode_id: str) -> Settings:
        """Switch the agent's mode.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            mode_id: The mode to switch to, one of `availableModes`.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
                `secrets_required`, `authentication_required`, `option_read_only`, `unsupported_by_agent`.
        """
        result: Settings = self._invoke("setMode", {"sessionId": session_id, "modeId": mode_id})
        return result

    def set_config_option(self, session_id: str, config_id: str, value: str | bool) -> Settings:
        """Set a config option by its id.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            config_id: The option's id.
            value: The value to set, one of those that the option offers, or a truth value.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
                `secrets_required`, `authentication_required`, `option_read_only`, `unsupported_by_agent`.
        """
        result: Settings = self._invoke(
            "setConfigOption", {"sessionId": session_id, "configId": config_id, "value": value}
        )
        return result

    def get_modes(self, session_id: str) -> Modes | None:
        """Return the agent's modes, None if it has none.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`.
        """
        result: Modes | None = self._invoke("getModes", {"sessionId": session_id})
        return result

    def get_config_options(self, session_id: str) -> list[dict[str, Any]]:
        """Return the agent's config options.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`.
        """
        result: list[dict[str, Any]] = self._invoke("getConfigOptions", {"sessionId": session_id})
        return result

    @overload
    def read_file(
        self, path: str, *, encoding: Literal["base64"], offset: int | None = None, length: int | None = None
    ) -> bytes: ...
    @overload
    def read_file(
        self,
        path: str,
        *,
        encoding: Literal["base64", "utf8"] | None = None,
        offset: int | None = None,
        length: int | None = None,
    ) -> str | bytes: ...
    def read_file(
        self,
        path: str,
        *,
        encoding: Literal["base64", "utf8"] | None = None,
        offset: int | None = None,
        length: int | None = None,
    ) -> str | bytes:
        """Return a file, or a piece of it.

        Args:
            path: An absolute POSIX path inside the VM.
            encoding: `base64` asks for bytes. Without it text comes as a string where the file is valid UTF-8.
            offset: Where to begin, in bytes.
            length: How many bytes at most; all that there is when left out.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `is_a_directory`,
                `too_large`.
        """
        result: str | bytes = received(
            (self._invoke("readFile", {"path": path, "encoding": encoding, "offset": offset, "length": length}))[
                "content"
            ]
        )
        return result

    def write_file(
        self, path: str, content: str | bytes, *, create_parents: bool | None = None, offset: int | None = None
    ) -> None:
        """Create or replace a file, or write a piece of it.

        Args:
            path: An absolute POSIX path inside the VM.
            content: A string, or bytes.
            create_parents: Make the directories above it that are missing.
            offset: Where `content` begins in the file, in bytes: what is around it stays, and what is between
                it and the file's end reads as zeros. When left out, `content` is the whole file.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `read_only`,
                `quota_exceeded`, `is_a_directory`, `too_large`.
        """
        self._invoke(
            "writeFile", {"path": path, "content": sent(content), "createParents": create_parents, "offset": offset}
        )

    def readdir(self, path: str) -> list[str]:
        """Return the names in a directory.

        Args:
            path: An absolute POSIX path inside the VM.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `too_large`.
        """
        result: list[str] = self._invoke("readdir", {"path": path})
        return result

    def stat(self, path: str, *, follow_links: bool | None = None) -> FileStat:
        """Describe a file.

        Args:
            path: An absolute POSIX path inside the VM.
            follow_links: Follow a symbolic link at the end of the path.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`.
        """
        result: FileStat = self._invoke("stat", {"path": path, "followLinks": follow_links})
        return result

    def exists(self, path: str) -> bool:
        """Say whether the path names anything.

        Args:
            path: An absolute POSIX path inside the VM.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: bool = self._invoke("exists", {"path": path})
        return result

    def delete_file(self, path: str, *, recursive: bool | None = None) -> None:
        """Remove a file or a link, or with `recursive` a directory.

        Args:
            path: An absolute POSIX path inside the VM.
            recursive: Mean what is below (deleteFile) or above (mkdir) as well.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `read_only`,
                `quota_exceeded`, `is_a_directory`, `directory_not_empty`.
        """
        self._invoke("deleteFile", {"path": path, "recursive": recursive})

    def mkdir(self, path: str, *, recursive: bool | None = None) -> None:
        """Create a directory, with `recursive` its parents.

        Args:
            path: An absolute POSIX path inside the VM.
            recursive: Mean what is below (deleteFile) or above (mkdir) as well.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `read_only`,
                `quota_exceeded`, `exists`.
        """
        self._invoke("mkdir", {"path": path, "recursive": recursive})

    def move(self, source: str, target: str) -> None:
        """Rename a file, a link or a directory, over a file or an empty directory that is in its place.

        Args:
            source: The path that is to be moved.
            target: The path that it is to have; what is there and is no directory is replaced.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `read_only`,
                `quota_exceeded`, `is_a_directory`, `directory_not_empty`.
        """
        self._invoke("move", {"from": source, "to": target})

    def symlink(self, target: str, path: str) -> None:
        """Make a symbolic link at `path` to `target`.

        Args:
            target: What the link holds: a path, absolute or relative to the link's directory.
            path: An absolute POSIX path inside the VM.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `read_only`,
                `quota_exceeded`, `exists`.
        """
        self._invoke("symlink", {"target": target, "path": path})

    def readlink(self, path: str) -> str:
        """Return what a symbolic link holds.

        Args:
            path: An absolute POSIX path inside the VM.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`.
        """
        result: str = self._invoke("readlink", {"path": path})
        return result

    def chmod(self, path: str, mode: int) -> None:
        """Set permission bits; they are kept, and not enforced.

        Args:
            path: An absolute POSIX path inside the VM.
            mode: The permission bits.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `read_only`,
                `quota_exceeded`.
        """
        self._invoke("chmod", {"path": path, "mode": mode})

    def truncate(self, path: str, size: int) -> None:
        """Cut a file off, or extend it by zeros that take no space.

        Args:
            path: An absolute POSIX path inside the VM.
            size: The bytes that the file is to have; a longer one is filled up with zeros.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `read_only`,
                `quota_exceeded`, `is_a_directory`, `too_large`.
        """
        self._invoke("truncate", {"path": path, "size": size})

    def read_files(self, paths: Iterable[str], *, encoding: Literal["base64", "utf8"] | None = None) -> list[FileRead]:
        """Return whole files, or for each why not; 16 MiB all together.

        Args:
            paths: Absolute POSIX paths inside the VM.
            encoding: `base64` asks for bytes. Without it text comes as a string where the file is valid UTF-8.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: list[FileRead] = self._invoke("readFiles", {"paths": listed(paths), "encoding": encoding})
        return result

    def write_files(self, files: Mapping[str, str | bytes]) -> list[FileWritten]:
        """Create or replace files, with their directories; each has an outcome of its own.

        Args:
            files: The files: each with its path and content.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: list[FileWritten] = self._invoke("writeFiles", {"files": files_to_write(files)})
        return result

    def readdir_entries(self, path: str, *, after: str | None = None, limit: int | None = None) -> list[DirEntry]:
        """Describe the entries of a directory, by name; at most 100,000 at once.

        Args:
            path: An absolute POSIX path inside the VM.
            after: Begin after the entry of this name; with `limit`, how to page through a large directory.
            limit: How many to return at most.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `limit_exceeded`,
                `too_large`.
        """
        result: list[DirEntry] = self._invoke("readdirEntries", {"path": path, "after": after, "limit": limit})
        return result

    def readdir_recursive(
        self, path: str, *, max_depth: int | None = None, exclude: Iterable[str] | None = None
    ) -> list[TreeEntry]:
        """Describe everything below a directory, parents first; at most 100,000 entries.

        Args:
            path: An absolute POSIX path inside the VM.
            max_depth: How deep to go: 1 is the directory's own entries. All when left out.
            exclude: Globs of what to leave out, with all below it: of names or, with a slash, of paths below
                the directory.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `limit_exceeded`,
                `too_large`.
        """
        result: list[TreeEntry] = self._invoke(
            "readdirRecursive", {"path": path, "maxDepth": max_depth, "exclude": listed(exclude)}
        )
        return result

    def serve_files(
        self, session_id: str, paths: Iterable[str], *, read: bool | None = None, write: bool | None = None
    ) -> str:
        """Open files of a session's mounts for its agent: its `fs/*` requests come as `fileRequest`, until the
        subscription ends.

        Args:
            session_id: The session's public id, which stays the same for the session's whole life.
            paths: Directories of the VM that are mounted, and that the client has under the same paths.
            read: Ask it for what the agent reads there.
            write: Tell it what the agent writes there.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `limit_exceeded`.
        """
        result: str = (
            self._invoke("serveFiles", {"sessionId": session_id, "paths": listed(paths), "read": read, "write": write})
        )["subscriptionId"]
        return result

    def snapshot(self, name: str | None = None) -> Snapshot:
        """Keep the VM's files as they are now, under a name; costs what changes afterwards.

        Args:
            name: The name of the snapshot; a fresh UUIDv7 when left out.

        Raises:
            RpcError: `vm_not_found`, `exists`, `limit_exceeded`.
        """
        result: Snapshot = self._invoke("snapshot", {"name": name})
        return result

    def list_snapshots(self, session_id: str | None = None) -> list[Snapshot]:
        """List the snapshots with names, or those of a session's turns, oldest first.

        Args:
            session_id: The session whose turns' snapshots are meant instead of those with names.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`.
        """
        result: list[Snapshot] = self._invoke("listSnapshots", {"sessionId": session_id})
        return result

    def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot, with what only it has kept.

        Args:
            name: The name of the snapshot.

        Raises:
            RpcError: `vm_not_found`, `not_found`.
        """
        self._invoke("deleteSnapshot", {"name": name})

    def restore(
        self, to: tuple[str, int] | str | ForkPoint, *, grace_ms: int | None = None, force: bool | None = None
    ) -> Snapshot:
        """Put the VM to sleep and make its files what they were; sessions keep their transcripts.

        Args:
            to: What the files are to be again: a snapshot's name, or an event of a session.
            grace_ms: How long to wait for turns and processes that run. Default: 30 s.
            force: Cancel turns and kill processes that run instead of waiting for them.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `not_found`, `invalid_argument`, `busy`.
        """
        result: Snapshot = self._invoke("restore", {"to": point(to), "graceMs": grace_ms, "force": force})
        return result

    def diff(
        self,
        from_: tuple[str, int] | str | ForkPoint,
        to: tuple[str, int] | str | ForkPoint | None = None,
        *,
        path: str | None = None,
    ) -> FilesDiff:
        """Tell what is different in the files between two states, or between one and now.

        Args:
            from_: The state to compare with: a snapshot's name, or an event of a session.
            to: The state that is compared; the present one when left out.
            path: Only what is at this path or below it.

        Raises:
            RpcError: `vm_not_found`, `session_not_found`, `not_found`, `invalid_argument`, `limit_exceeded`.
        """
        result: FilesDiff = self._invoke("diff", {"from": point(from_), "to": point(to), "path": path})
        return result

    def exec(
        self,
        command: str | Iterable[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: str | bytes | None = None,
        timeout_ms: int | None = None,
    ) -> ProcessResult:
        """Run a command to its end and return its output; wakes the VM.

        Args:
            command: A line for the VM's /bin/sh, or the words of the command (argv).
            env: Variables of the process, besides PATH, HOME, USER, LANG and PWD.
            cwd: The working directory; `/home/user` when left out.
            stdin: All that the process gets to read. When left out, nothing for `exec`; for `spawn` stdin stays
                open.
            timeout_ms: Kill the process after so long.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `limit_exceeded`,
                `timeout`.
        """
        result: ProcessResult = self._invoke(
            "exec",
            {**command_params(command), "env": mapped(env), "cwd": cwd, "stdin": sent(stdin), "timeoutMs": timeout_ms},
        )
        return result

    def spawn(
        self,
        command: str | Iterable[str],
        *,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        stdin: str | bytes | None = None,
        timeout_ms: int | None = None,
    ) -> int:
        """Start a command and return at once; wakes the VM.

        Args:
            command: A line for the VM's /bin/sh, or the words of the command (argv).
            env: Variables of the process, besides PATH, HOME, USER, LANG and PWD.
            cwd: The working directory; `/home/user` when left out.
            stdin: All that the process gets to read. When left out, nothing for `exec`; for `spawn` stdin stays
                open.
            timeout_ms: Kill the process after so long.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `limit_exceeded`.
        """
        result: int = (
            self._invoke(
                "spawn",
                {
                    **command_params(command),
                    "env": mapped(env),
                    "cwd": cwd,
                    "stdin": sent(stdin),
                    "timeoutMs": timeout_ms,
                },
            )
        )["pid"]
        return result

    def write_process_stdin(self, pid: int, data: str | bytes) -> None:
        """Give a process something to read; returns when there was room for it.

        Args:
            pid: The process; no other one has this number in this run of the daemon.
            data: What the process is to read: a string, or bytes.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`.
        """
        self._invoke("writeProcessStdin", {"pid": pid, "data": sent(data)})

    def close_process_stdin(self, pid: int) -> None:
        """Let a process read the end of its stdin; idempotent.

        Args:
            pid: The process; no other one has this number in this run of the daemon.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`.
        """
        self._invoke("closeProcessStdin", {"pid": pid})

    def wait_process(self, pid: int, *, timeout_ms: int | None = None) -> ProcessResult:
        """Wait until a process has ended; return how, and its output.

        Args:
            pid: The process; no other one has this number in this run of the daemon.
            timeout_ms: Wait for so long at most. Without it for ever.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`, `timeout`.
        """
        result: ProcessResult = self._invoke("waitProcess", {"pid": pid, "timeoutMs": timeout_ms})
        return result

    def stop_process(self, pid: int, *, grace_ms: int | None = None) -> ProcessResult:
        """Ask a process to end, by the end of its stdin, and kill it after the grace; returns when it is gone.

        Args:
            pid: The process; no other one has this number in this run of the daemon.
            grace_ms: How long the process has to end by itself. Default: 5 s.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`.
        """
        result: ProcessResult = self._invoke("stopProcess", {"pid": pid, "graceMs": grace_ms})
        return result

    def kill_process(self, pid: int) -> ProcessResult:
        """End a process now; returns when it is gone.

        Args:
            pid: The process; no other one has this number in this run of the daemon.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`.
        """
        result: ProcessResult = self._invoke("killProcess", {"pid": pid})
        return result

    def list_processes(self) -> list[ProcessInfo]:
        """List the processes that run, and commands that have ended lately; wakes nothing.

        Raises:
            RpcError: `vm_not_found`.
        """
        result: list[ProcessInfo] = self._invoke("listProcesses", {})
        return result

    def get_process(self, pid: int, *, output: bool | None = None) -> ProcessInfo:
        """Describe a process; wakes nothing.

        Args:
            pid: The process; no other one has this number in this run of the daemon.
            output: Tell what is kept of its output, too.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`.
        """
        result: ProcessInfo = self._invoke("getProcess", {"pid": pid, "output": output})
        return result

    def open_shell(
        self,
        *,
        argv: Iterable[str] | None = None,
        env: Mapping[str, str] | None = None,
        cwd: str | None = None,
        rows: int | None = None,
        columns: int | None = None,
    ) -> Shell:
        """Start a command on a terminal of its own and return at once; wakes the VM.

        Args:
            argv: The words of the command, the program first; the VM's /bin/bash when left out, or /bin/sh
                where it has none.
            env: Variables of the process, besides PATH, HOME, USER, LANG, PWD and TERM (`xterm`).
            cwd: The working directory; `/home/user` when left out.
            rows: Rows of the terminal. Default: 24.
            columns: Columns of the terminal. Default: 80.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `limit_exceeded`.
        """
        result: Shell = self._invoke(
            "openShell", {"argv": listed(argv), "env": mapped(env), "cwd": cwd, "rows": rows, "columns": columns}
        )
        return result

    def write_shell(self, shell: str, data: str | bytes) -> None:
        """Type at a shell's terminal; returns when there was room for it.

        Args:
            shell: The shell, as `open_shell` has named it.
            data: What is typed: a string, or bytes. A line ends with `\r`.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`.
        """
        self._invoke("writeShell", {"shell": shell, "data": sent(data)})

    def resize_shell(self, shell: str, rows: int, columns: int) -> None:
        """Change the size of a shell's terminal, of which its programs are told.

        Args:
            shell: The shell, as `open_shell` has named it.
            rows: Rows of the terminal.
            columns: Columns of the terminal.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`.
        """
        self._invoke("resizeShell", {"shell": shell, "rows": rows, "columns": columns})

    def close_shell(self, shell: str, *, grace_ms: int | None = None) -> ShellExit:
        """Hang up a shell's terminal, and kill what has not ended after the grace; returns when it is gone.

        Args:
            shell: The shell, as `open_shell` has named it.
            grace_ms: How long the shell has to end by itself. Default: 5 s.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`.
        """
        result: ShellExit = self._invoke("closeShell", {"shell": shell, "graceMs": grace_ms})
        return result

    def wait_shell(self, shell: str, *, timeout_ms: int | None = None) -> ShellExit:
        """Wait until a shell has ended; return how.

        Args:
            shell: The shell, as `open_shell` has named it.
            timeout_ms: Wait for so long at most. Without it for ever.

        Raises:
            RpcError: `vm_not_found`, `not_found`, `invalid_argument`, `timeout`.
        """
        result: ShellExit = self._invoke("waitShell", {"shell": shell, "timeoutMs": timeout_ms})
        return result

    def list_agents(self) -> list[AgentInfo]:
        """List the agents that sessions can run."""
        result: list[AgentInfo] = self._invoke("listAgents", {})
        return result
