// Change a session's model, mode and thought level. The agent pi has all three, and none of this asks a model anything.
import { createClient } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate("options-ts");
const { sessionId } = await agent.createSession("pi", { env: { ANTHROPIC_API_KEY: process.env.ANTHROPIC_API_KEY ?? "none" } });

for (const option of await agent.getConfigOptions(sessionId)) {
  console.log(`${option.id} (${option.category}): ${option.currentValue}`);
}

await agent.setModel(sessionId, "claude-opus-4-5");
await agent.setThoughtLevel(sessionId, "high");
await agent.setMode(sessionId, "plan");

const options = await agent.getConfigOptions(sessionId);
console.log("now:", options.map(({ id, currentValue }) => `${id}=${currentValue}`).join(" "));
console.log("mode:", (await agent.getModes(sessionId))?.currentModeId);

await agent.destroy();
