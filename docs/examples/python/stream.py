# See the answer as it is written: with a callback, or by iterating. This one runs under trio.
from typing import Any

import trio

import torpor


def show(data: dict[str, Any]) -> None:
    update = data["event"]["params"].get("update", {})
    if update.get("sessionUpdate") == "agent_message_chunk":
        print("callback:", update["content"]["text"].rstrip())


async def main() -> None:
    async with torpor.connect() as client:
        agent = client.vm.get_or_create("stream-py")
        session = await agent.create_session("echo")

        # A callback is called before the answer is returned, so that nothing of the turn comes after it.
        conn = agent.connect(session.session_id)
        conn.on("sessionEvent", show)
        async with conn:
            response = await agent.send_prompt(session.session_id, "stream 3")
            print("the whole:", response.text.split())

        # A loop goes at its own pace, beside whatever else the program does.
        async with agent.connect(session.session_id) as conn, trio.open_nursery() as nursery:
            nursery.start_soon(agent.send_prompt, session.session_id, "stream 2; permission Delete a file")
            async for event in conn:
                if event.type == "agent_message_chunk":
                    print("loop:", event.text.rstrip())
                elif event.method == "permissionRequest":
                    request = event.params["request"]
                    print("asked for permission:", request["toolCall"]["title"])
                    await agent.respond_permission(session.session_id, request["permissionId"], "once")
                elif event.type == "_torpor/turn_ended":
                    break

        await agent.destroy()


trio.run(main)
