// A program ends when it is done, and not before: programs of their own, against the daemon at $TORPOR_SOCKET.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { createClient } from "../../../clients/typescript/dist/index.js";

const client = createClient();
after(() => client.close());
let count = 0;

/** Runs a program with `client` and the VM `agent`; what it prints, by line, and its end. */
async function program(t, text) {
  const agent = client.vm.getOrCreate(["ending-ts", String(count++)]);
  await agent.ready();
  t.after(() => agent.destroy());
  const from = JSON.stringify(new URL("../../../clients/typescript/dist/index.js", import.meta.url).href);
  const vm = JSON.stringify(agent.name);
  const whole = `import { createClient } from ${from}; const client = createClient(); const agent = client.vm.get(${vm}); ${text}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", whole], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = once(child, "exit").then(([code]) => code);
  return { agent, ended, line: async () => (await lines.next()).value };
}

test("a program that has called", async (t) => {
  const { ended } = await program(t, `await client.hello(); await agent.get();`);
  assert.equal(await ended, 0);
});

test("a program that has listened to what it asked for", async (t) => {
  const { line, ended } = await program(
    t,
    `const conn = agent.connect();
     const { sessionId } = await agent.createSession("echo");
     console.log((await agent.sendPrompt(sessionId, "say done")).text);`,
  );
  assert.equal(await line(), "done");
  assert.equal(await ended, 0);
});

test("a program that only listens goes on until it closes", async (t) => {
  const { agent, line, ended } = await program(
    t,
    `const conn = agent.connect();
     conn.on("vmState", ({ state }) => { if (state === "asleep") { console.log(state); conn.close(); } });
     await agent.createSession("echo", { sessionId: "s" });
     console.log("ready");`,
  );
  assert.equal(await line(), "ready");
  await agent.sleep({ graceMs: 10_000 });
  assert.equal(await line(), "asleep");
  assert.equal(await ended, 0);
});

test("a connection may keep the program after its prompts", async (t) => {
  const { agent, line, ended } = await program(
    t,
    `const conn = agent.connect().ref();
     conn.on("vmState", ({ state }) => { if (state === "asleep") { console.log(state); conn.unref(); } });
     await agent.createSession("echo", { sessionId: "s" });
     console.log((await agent.sendPrompt("s", "say prompted")).text);`,
  );
  assert.equal(await line(), "prompted");
  await agent.sleep({ graceMs: 10_000 });
  assert.equal(await line(), "asleep");
  assert.equal(await ended, 0);
});

test("a program that iterates goes on until it leaves the loop", async (t) => {
  const { agent, line, ended } = await program(
    t,
    `const session = await agent.createSession("echo", { sessionId: "s" });
     await agent.sendPrompt("s", "say first");
     for await (const { event } of session.events({ types: ["agent_message_chunk"] })) {
       console.log(event.params.update.content.text);
       if (event.params.update.content.text === "second") break;
     }`,
  );
  assert.equal(await line(), "first");
  await agent.sendPrompt("s", "say second");
  assert.equal(await line(), "second");
  assert.equal(await ended, 0);
});
