# List sessions and read their history and files while the VM sleeps: none of it wakes the VM.
import asyncio

import torpor


async def main() -> None:
    async with torpor.connect() as client:
        agent = client.vm.get_or_create("asleep-py", {"idleTimeoutMs": 60_000})
        await agent.create_session("echo", session_id="notes", env={"ECHO_LOAD": "1"})
        await agent.send_prompt("notes", "fswrite /home/user/note.txt kept")

        await agent.sleep(grace_ms=10_000)
        print("VM:", (await agent.get())["state"])

        for session in await agent.list_persisted_sessions():
            events = await agent.get_session_events(session.session_id)
            all_or_some = "all" if len(events) == session.last_seq + 1 else "some"
            print(f"{session.session_id} is {session.status}, with {all_or_some} events")
        print("note.txt:", await agent.read_file("/home/user/note.txt"))
        print("VM:", (await agent.get())["state"])

        # A prompt wakes it.
        print((await agent.send_prompt("notes", "fsread /home/user/note.txt")).text)
        print("VM:", (await agent.get())["state"])

        await agent.destroy()


asyncio.run(main())
