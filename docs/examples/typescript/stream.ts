// Print an answer as it comes.
import { createClient } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate("stream-ts");
const { sessionId } = await agent.createSession("echo");

const conn = agent.connect();
conn.on("sessionEvent", ({ seq, event }) => {
  const update = event.params.update;
  if (event.method === "session/update" && update.sessionUpdate === "agent_message_chunk") {
    console.log(`${seq}: ${JSON.stringify(update.content.text)}`);
  }
});
conn.on("permissionRequest", async ({ request }) => {
  console.log(`asked for permission: ${request.toolCall.title}`);
  await agent.respondPermission(sessionId, request.permissionId, "once");
});

// All events of a turn have been heard when its answer is there.
const { text } = await agent.sendPrompt(sessionId, "stream 3 10");
console.log(`whole: ${JSON.stringify(text)}`);
const { text: decision } = await agent.sendPrompt(sessionId, "permission Delete a file");
console.log(`decided: ${decision}`);

await agent.destroy();
