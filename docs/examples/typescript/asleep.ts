// List sessions and read their history and files while the VM sleeps: none of it wakes the VM.
import { createClient } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate("asleep-ts", { idleTimeoutMs: 60_000 });
const { sessionId } = await agent.createSession("echo", { sessionId: "notes", env: { ECHO_LOAD: "1" } });
await agent.sendPrompt(sessionId, "fswrite /home/user/note.txt kept");

await agent.sleep({ graceMs: 10_000 });
console.log(`VM: ${(await agent.get()).state}`);

for (const session of await agent.listPersistedSessions()) {
  const events = await agent.getSessionEvents(session.sessionId);
  console.log(`${session.sessionId} is ${session.status}, with ${events.length === session.lastSeq + 1 ? "all" : "some"} events`);
}
console.log(`note.txt: ${(await agent.readFile("/home/user/note.txt")).content}`);
console.log(`VM: ${(await agent.get()).state}`);

// A prompt wakes it.
console.log((await agent.sendPrompt(sessionId, "fsread /home/user/note.txt")).text);
console.log(`VM: ${(await agent.get()).state}`);

await agent.destroy();
