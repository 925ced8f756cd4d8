"""The wire of the SDK for agents in Python, run by this Python."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.agents.test_python_sdk import SDK
from tests.patience import WAIT

AGENT = """
from torpor_agent import Agent, run

run(Agent())
"""


def test_a_message_that_cannot_be_taken_loses_none_that_came_with_it() -> None:
    odd = {"jsonrpc": "2.0", "method": "$/cancel_request", "params": [1]}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"protocolVersion": 1}}
    done = subprocess.run(
        [sys.executable, "-c", AGENT],
        input="".join(json.dumps(each) + "\n" for each in [odd, asked]),
        env={"PYTHONPATH": str(SDK)},
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=True,
    )
    assert json.loads(done.stdout)["result"]["protocolVersion"] == 1
