// Send a prompt and wait for the whole answer.
import { createClient, TorporError } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate("prompt-ts");
const { sessionId } = await agent.createSession("echo");

const response = await agent.sendPrompt(sessionId, "Hello there");
console.log(`${response.text} (${response.stopReason})`);

// Prompts may hold more than text, and a key makes it safe to send one again when its answer was lost.
const blocks = [{ type: "text", text: "say from a block" }];
const first = await agent.sendPrompt(sessionId, blocks, { idempotencyKey: "block-1" });
const again = await agent.sendPrompt(sessionId, blocks, { idempotencyKey: "block-1" });
console.log(`${first.text}; once: ${first.seq === again.seq}`);

try {
  await agent.sendPrompt("no-such-session", "Hello?");
} catch (error) {
  if (!(error instanceof TorporError)) throw error;
  console.log(`error: ${error.code}`);
}

await agent.destroy();
