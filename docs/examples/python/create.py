# Create a session and look at it.
import asyncio

import torpor


async def main() -> None:
    async with torpor.connect() as client:  # the default socket; or connect("unix:///path")
        agent = client.vm.get_or_create("create-py")

        session = await agent.create_session("echo")
        print(f"session of {session.agent_type} in {session.cwd}")
        if session.modes is not None:
            print("modes:", ", ".join(mode["id"] for mode in session.modes["availableModes"]))

        print("status:", (await agent.get_session(session.session_id))["status"])
        for each in await client.list_agents():
            print(f"agent: {each['id']} ({each['source']})")

        await agent.destroy()


asyncio.run(main())
