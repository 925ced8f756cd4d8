"""Config options that cannot be changed, and agents that refuse to change one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.system.daemon import Session, Vm


@pytest.fixture
def session(vm: Vm) -> Session:
    """A session whose agent has fixed options: `provider` has one value, `region` is marked as read-only."""
    return vm.session(env={"ECHO_FIXED": "1"})


@pytest.mark.parametrize(("option", "value"), [("provider", "remote"), ("region", "there")])
def test_a_read_only_option_stays_what_it_is(session: Session, option: str, value: str) -> None:
    before = session.call("getConfigOptions")
    assert session.error("setConfigOption", configId=option, value=value).name == "option_read_only"
    assert session.call("getConfigOptions") == before
    assert "config_option_update" not in session.types()
    assert (
        session.call("setConfigOption", configId="model", value="large")["configOptions"][0]["currentValue"] == "large"
    )


def test_what_a_read_only_option_has_may_be_set(session: Session) -> None:
    assert session.call("setConfigOption", configId="provider", value="local")["configOptions"]


def test_read_only_options_do_not_stop_a_resume(session: Session) -> None:
    session.call("setModel", value="large")
    session.call("closeSession")
    options = {each["id"]: each["currentValue"] for each in session.call("resumeSession")["configOptions"]}
    assert options == {"model": "large", "thought": "off", "provider": "local", "region": "here"}


def test_an_agent_that_refuses_says_why(vm: Vm) -> None:
    session = vm.session(env={"ECHO_FAIL": "option"})
    for method, params in (
        ("setModel", {"value": "large"}),
        ("setThoughtLevel", {"value": "low"}),
        ("setMode", {"modeId": "code"}),
    ):
        error = session.error(method, **params)
        assert error.name == "agent_error"
        assert error.data["agentError"]["code"] == -32000
    assert session.call("getModes")["currentModeId"] == "ask"
    assert session.error("setConfigOption", configId="none", value="x").name == "unsupported_by_agent"
    assert session.say("say on") == "on"
