// Close a session and come back to it; destroy it for good.
import { createClient, TorporError } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate("close-ts");
const { sessionId } = await agent.createSession("echo", { env: { ECHO_LOAD: "1" } });
await agent.sendPrompt(sessionId, "say remembered");

await agent.closeSession(sessionId); // its agent is gone, its history stays
const refused = await agent.sendPrompt(sessionId, "say no").catch((error: TorporError) => error.code);
console.log(`prompt to a closed session: ${refused}`);

await agent.resumeSession(sessionId);
console.log((await agent.sendPrompt(sessionId, "say back again")).text);

await agent.destroySession(sessionId);
const gone = await agent.getSessionEvents(sessionId).catch((error: TorporError) => error.code);
console.log(`history of a destroyed session: ${gone}`);

await agent.destroy();
