// Two sessions on one filesystem: a coder writes, a reviewer reads.
import { createClient } from "torpor-client";

const client = createClient();
const agent = client.vm.getOrCreate(["team-ts", "project-1"]); // a name may have parts

const [coder, reviewer] = await Promise.all([
  agent.createSession("echo", { cwd: "/work" }),
  agent.createSession("echo", { cwd: "/work" }),
]);

const conn = agent.connect(); // hears both
const counts = new Map<string, number>();
conn.on("sessionEvent", ({ sessionId }) => counts.set(sessionId, (counts.get(sessionId) ?? 0) + 1));

await agent.writeFile("/work/task.md", "Add two numbers.\n");
console.log("coder:", (await agent.sendPrompt(coder.sessionId, "fswrite /work/add.py def add(a, b): return a + b")).text);
console.log("reviewer:", (await agent.sendPrompt(reviewer.sessionId, "fsread /work/add.py")).text);
console.log("files:", (await agent.readdir("/work")).sort().join(", "));
console.log("heard both:", [coder, reviewer].every(({ sessionId }) => counts.get(sessionId)! > 0));

await agent.destroy();
