// Cancel a turn that takes too long; the session goes on.
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate("cancel-ts");
const { sessionId } = await agent.createSession("echo");

const turn = agent.sendPrompt(sessionId, "sleep 60000");
await delay(200);
const { outcome } = await agent.cancelPrompt(sessionId, { graceMs: 5000 }); // answers when the turn is over
console.log(`outcome: ${outcome}`);
console.log(`stop reason: ${(await turn).stopReason}`);

const next = await agent.sendPrompt(sessionId, "say still here");
console.log(next.text);

// A deadline does the same from within the daemon. (An AbortSignal only gives up waiting: the turn goes on.)
const late = await agent.sendPrompt(sessionId, "sleep 60000", { timeoutMs: 200 }).catch((error) => error);
console.log(`deadline: ${late.code ?? late.stopReason}`);

await agent.destroy();
