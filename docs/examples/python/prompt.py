# Send a prompt and wait for the whole answer.
import asyncio

import torpor


async def main() -> None:
    async with torpor.connect() as client:
        agent = client.vm.get_or_create("prompt-py")
        session = await agent.create_session("echo")

        response = await agent.send_prompt(session.session_id, "Hello there")
        print(f"{response.text} ({response.stop_reason})")

        # Prompts may hold more than text, and a key makes it safe to send one again when its answer was lost.
        blocks = [{"type": "text", "text": "say from a block"}]
        first = await agent.send_prompt(session.session_id, blocks, idempotency_key="block-1")
        again = await agent.send_prompt(session.session_id, blocks, idempotency_key="block-1")
        print(f"{first.text}; once: {first.seq == again.seq}")

        try:
            await agent.send_prompt("no-such-session", "Hello?")
        except torpor.RpcError as error:
            print("error:", error.code)

        await agent.destroy()


asyncio.run(main())
