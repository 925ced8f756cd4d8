# Two sessions, a coder and a reviewer, on one filesystem.
import asyncio

import torpor


async def main() -> None:
    async with torpor.connect() as client:
        agent = client.vm.get_or_create("team-py")
        coder = await agent.create_session("echo", additional_instructions="You write code.")
        reviewer = await agent.create_session("echo", additional_instructions="You review code.")

        await agent.send_prompt(coder.session_id, "fswrite /home/user/main.py print('hi')")
        review = await agent.send_prompt(reviewer.session_id, "fsread /home/user/main.py")
        print("reviewer read:", review.text)

        # They work at the same time, too, and each has its own history.
        await asyncio.gather(
            agent.send_prompt(coder.session_id, "fswrite /home/user/a.txt from the coder"),
            agent.send_prompt(reviewer.session_id, "fswrite /home/user/b.txt from the reviewer"),
        )
        print("files:", " ".join(sorted(await agent.readdir("/home/user"))))
        for name, session in (("coder", coder), ("reviewer", reviewer)):
            prompts = await agent.get_session_events(session.session_id, types=["user_message_chunk"])
            print(f"{name}: {len(prompts)} prompts")

        await agent.destroy()


asyncio.run(main())
