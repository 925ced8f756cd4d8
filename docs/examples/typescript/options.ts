// Change a session's model, mode and thought level.
import { createClient } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate("options-ts");
const { sessionId } = await agent.createSession("echo");

for (const option of await agent.getConfigOptions(sessionId)) {
  console.log(`${option.id} (${option.category}): ${option.currentValue}`);
}

await agent.setModel(sessionId, "large");
await agent.setThoughtLevel(sessionId, "high");
await agent.setMode(sessionId, "code");

const options = await agent.getConfigOptions(sessionId);
console.log("now:", options.map(({ id, currentValue }) => `${id}=${currentValue}`).join(" "));
console.log("mode:", (await agent.getModes(sessionId))?.currentModeId);

await agent.destroy();
client.close();
