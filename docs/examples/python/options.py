# Change a session's model, mode and thought level.
import asyncio

import torpor


async def main() -> None:
    async with torpor.connect() as client:
        agent = client.vm.get_or_create("options-py")
        session = await agent.create_session("echo")

        for option in await agent.get_config_options(session.session_id):
            print(f"{option['id']} ({option['category']}): {option['currentValue']}")

        await agent.set_model(session.session_id, "large")
        await agent.set_thought_level(session.session_id, "high")
        await agent.set_mode(session.session_id, "code")

        options = await agent.get_config_options(session.session_id)
        print("now:", " ".join(f"{option['id']}={option['currentValue']}" for option in options))
        modes = await agent.get_modes(session.session_id)
        print("mode:", modes and modes["currentModeId"])

        await agent.destroy()


asyncio.run(main())
