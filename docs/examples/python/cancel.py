# Cancel a turn that takes too long; the session goes on.
import asyncio

import torpor


async def main() -> None:
    async with torpor.connect() as client:
        agent = client.vm.get_or_create("cancel-py")
        session = await agent.create_session("echo")

        turn = asyncio.create_task(agent.send_prompt(session.session_id, "sleep 60000"))
        await asyncio.sleep(0.2)
        outcome = await agent.cancel_prompt(session.session_id, grace_ms=5000)  # returns when the turn is over
        print("outcome:", outcome)
        print("stop reason:", (await turn).stop_reason)

        response = await agent.send_prompt(session.session_id, "say still here")
        print(response.text)

        # Cancelling the task only gives up waiting: the turn goes on.
        turn = asyncio.create_task(agent.send_prompt(session.session_id, "sleep 60000"))
        await asyncio.sleep(0.2)
        turn.cancel()
        print("status:", (await agent.get_session(session.session_id))["status"])

        await agent.destroy()


asyncio.run(main())
