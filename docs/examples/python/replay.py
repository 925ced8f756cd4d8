# Replay a session's events: all of them, a page at a time, some types, or replay and then live.
import asyncio

import torpor


async def main() -> None:
    async with torpor.connect() as client:
        agent = client.vm.get_or_create("replay-py")
        session = await agent.create_session("echo")
        response = await agent.send_prompt(session.session_id, "stream 3")

        after = -1
        while page := await agent.get_session_events(session.session_id, after=after, limit=2):
            after = page[-1].seq
        print("all events:", after == response.seq)

        chunks = await agent.get_session_events(session.session_id, types=["agent_message_chunk"])
        print("chunks:", len(chunks))

        # From the first event on, without a gap where the replay ends and what happens now begins.
        async with agent.connect(session.session_id, after=-1) as conn:
            response = await agent.send_prompt(session.session_id, "say live")
            seqs = []
            async for event in conn:
                seqs.append(event.seq)
                if event.seq == response.seq:
                    break
        print("no gap, no duplicate:", seqs == list(range(response.seq + 1)))

        await agent.destroy()


asyncio.run(main())
