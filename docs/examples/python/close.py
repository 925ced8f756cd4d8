# Close a session and come back to it; destroy it for good.
import asyncio

import torpor


async def main() -> None:
    async with torpor.connect() as client:
        agent = client.vm.get_or_create("close-py")
        session = await agent.create_session("echo", env={"ECHO_LOAD": "1"})
        await agent.send_prompt(session.session_id, "say remembered")

        await agent.close_session(session.session_id)  # its agent is gone, its history stays
        try:
            await agent.send_prompt(session.session_id, "say no")
        except torpor.RpcError as error:
            print("prompt to a closed session:", error.code)

        await agent.resume_session(session.session_id)
        print((await agent.send_prompt(session.session_id, "say back again")).text)

        await agent.destroy_session(session.session_id)
        try:
            await agent.get_session_events(session.session_id)
        except torpor.RpcError as error:
            print("history of a destroyed session:", error.code)

        await agent.destroy()


asyncio.run(main())
