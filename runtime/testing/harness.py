"""What the plugin's fixtures are made of: one harness for a run, one bench for a test."""

from __future__ import annotations

import re
import secrets
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Any, Final

from runtime.client.errors import ClientError, RpcError
from runtime.testing import transcript
from runtime.testing.aio import in_thread
from runtime.testing.golden import Golden
from runtime.testing.loop import Loop
from runtime.testing.loopback import http_server
from runtime.testing.model import TestModel
from runtime.testing.names import unique_name
from runtime.testing.places import AtSocket, FromExecutable, InProcess
from runtime.testing.session import TestSession
from runtime.testing.vm import Api, TestVm

if TYPE_CHECKING:
    from pathlib import Path

    from runtime.client.notification import Notification
    from runtime.testing.places import Place
    from runtime.testing.session import Permissions

MAX_NAME: Final = 100
"""Characters of a VM's name that come from the test's: 128 are allowed."""


class Harness:
    """The place where agents run, and the loop that all is served on; for one process of a test run."""

    def __init__(self, socket: str | None = None, executable: str | None = None) -> None:
        if socket is not None and executable is not None:
            raise ValueError("a socket or an executable, not both")
        self.golden_written: dict[Path, str] = {}
        """The golden files that the tests of this process have written."""
        self.loop = Loop().start()
        try:
            self.place: Place
            if socket is not None:
                self.place = AtSocket(socket)
            elif executable is not None:
                self.place = FromExecutable(executable)
            else:
                self.place = InProcess(self.loop)
        except BaseException:
            self.loop.stop()
            raise

    def close(self) -> None:
        """End all of it."""
        self.place.close()
        self.loop.stop()


class Bench:
    """What one test has: a model, a VM and its sessions, each made at first use."""

    def __init__(
        self,
        harness: Harness,
        test: str,
        root: Path,
        *,
        update_golden: bool = False,
        former_golden: str | None = None,
    ) -> None:
        self.harness = harness
        self.test = test
        """`FILE::NAME`, the file without its folder."""
        self.root = root
        """The folder that relative paths of components are resolved against."""
        self.golden = Golden(root / "golden", unique_name(test), update_golden, former_golden, harness.golden_written)
        self.sessions: list[TestSession] = []
        self.options: dict[str, Any] = {}
        """The VM's options, in the API's own form."""
        self._stack = ExitStack()
        self._model: TestModel | None = None
        self._vm: TestVm | None = None

    @property
    def model(self) -> TestModel:
        """The scripted model, served from the first use on."""
        if self._model is None:
            model = TestModel(self.story)
            model.url = self._stack.enter_context(self.harness.loop.entered(http_server(model.handle))).url
            self._model = model
        return self._model

    @property
    def has_model(self) -> bool:
        """Whether the model is in use."""
        return self._model is not None

    @property
    def vm(self) -> TestVm:
        """The VM; it may reach the model if there is one."""
        if self._vm is None:
            options = dict(self.options)
            if self._model is not None:
                allow = [*options.get("network", {}).get("allow", []), self._model.host]
                options["network"] = {**options.get("network", {}), "allow": allow}
            self._vm = TestVm(self._api(), vm_name(self.test), options, self.story)
        return self._vm

    @property
    def has_vm(self) -> bool:
        """Whether the VM has been made."""
        return self._vm is not None

    def session(
        self,
        agent: str | Path = "pi",
        *,
        env: dict[str, str] | None = None,
        files: dict[str, str | bytes] | None = None,
        permissions: Permissions | None = None,
        **options: Any,
    ) -> TestSession:
        """Open a session: `agent` is an id, or the path of a component, of a manifest or of its folder.

        `env` is added to what points the agent to the scripted model; `files` are put into the VM before; `options` are
        those of `createSession` (`cwd`, `mcpServers`, ...). Raises RpcError.
        """
        __tracebackhide__ = True
        if self._model is not None:
            env = {**self._model.env, **(env or {})}
        if env:
            options["env"] = env
        self.vm.put(files or {})
        session = TestSession(self.vm, self._agent(agent), options, permissions, self.golden)
        self.sessions.append(session)
        return session

    def story(self) -> str:
        """Return the ends of the sessions' transcripts, for a failure message; empty while there is no session."""
        parts = []
        for session in self.sessions:
            heading = [f"session {session.id} ({session.info.get('agentType')}):"] if len(self.sessions) > 1 else []
            try:
                parts += [*heading, transcript.around(session.transcript())]
            except ClientError as error:  # the message is about something else
                parts += [*heading, f"  (not to be had: {error})"]
        return "\n".join(parts)

    def close(self, *, keep_state: Path | None = None) -> None:
        """End it all; the VM's state is kept as the file `keep_state`, if that is given and there is a VM."""
        try:
            if self._vm is not None:
                if keep_state is not None:
                    keep_state.unlink(missing_ok=True)  # of an earlier run
                    with suppress(RpcError):  # a daemon of an older version has no export
                        self._vm.call("vm.export", path=str(keep_state.absolute()))
                self._vm.call("vm.destroy")
        finally:
            self._stack.close()

    def _agent(self, agent: str | Path) -> str:
        if isinstance(agent, str) and "/" not in agent and not agent.endswith((".wasm", ".toml")):
            return agent
        return self.harness.place.agent(self.root / agent)

    def _api(self) -> Api:
        listeners: dict[str, Any] = {}

        def hear(notification: Notification) -> None:
            listener = listeners.get(str(notification.params.get("subscriptionId")))
            if listener is not None:
                listener(notification)

        place, loop = self.harness.place, self.harness.loop
        return Api(loop, self._stack.enter_context(loop.entered(place.open(hear))), listeners)


def vm_name(test: str) -> str:
    """Return a name for a test's VM that no other run uses."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "-", test).strip("-.")[-MAX_NAME:]
    return f"{plain}-{secrets.token_hex(4)}"


class SessionFactory:
    """The fixture `torpor_session`: called, it opens a session; `aio` is the same, to be awaited."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def __call__(
        self,
        agent: str | Path = "pi",
        *,
        env: dict[str, str] | None = None,
        files: dict[str, str | bytes] | None = None,
        permissions: Permissions | None = None,
        **options: Any,
    ) -> TestSession:
        """Open a session; see `Bench.session`."""
        __tracebackhide__ = True
        return self._bench.session(agent, env=env, files=files, permissions=permissions, **options)

    async def aio(self, agent: str | Path = "pi", **options: Any) -> TestSession:
        """Open a session from an async test."""
        return await in_thread(self._bench.session, agent, **options)
