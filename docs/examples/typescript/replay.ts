// Replay a session's events: all of them, a page at a time, some types, or replay and then live.
import { createClient } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate("replay-ts");
const { sessionId } = await agent.createSession("echo");
await agent.sendPrompt(sessionId, "stream 3");

let after = -1;
for (;;) {
  const page = await agent.getSessionEvents(sessionId, { after, limit: 2 });
  if (page.length === 0) break;
  after = page.at(-1)!.seq;
}
console.log(`events: ${after + 1}`);

const chunks = await agent.getSessionEvents(sessionId, { types: ["agent_message_chunk"] });
console.log(`answer: ${JSON.stringify(chunks.map(({ event }) => event.params.update.content.text).join(""))}`);

const seen: number[] = [];
const conn = agent.connect({ sessionId, after: -1 });
conn.on("sessionEvent", ({ seq }) => seen.push(seq));
const { seq: last } = await agent.sendPrompt(sessionId, "say live");
console.log(`replayed and live without a gap: ${seen.every((seq, index) => seq === index) && seen.at(-1)! >= after}`);
console.log(`the turn ended at ${last > after ? "a later event" : "an earlier event"}`);

await agent.destroy();
