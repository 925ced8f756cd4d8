// Create a session and look at it.
import { createClient } from "torpor-client";

const client = createClient(); // the default socket; or createClient({ endpoint: "unix:///path" })
const agent = client.vm.getOrCreate("create-ts");

const session = await agent.createSession("echo");
console.log(`session of ${session.agentType} in ${session.cwd}`);
console.log("modes:", session.modes?.availableModes.map((mode: { id: string }) => mode.id).join(", "));

const { status } = await agent.getSession(session.sessionId);
console.log(`status: ${status}`);

for (const { id, source } of await client.listAgents()) {
  console.log(`agent: ${id} (${source})`);
}

await agent.destroy();
