// Drives the other system through its public API: one command a line on stdin, {"op": ...}, one JSON answer a line on stdout.
//
// usage: node peer.mjs FOLDER MODEL-URL STATE-FOLDER, where FOLDER is what its npm packages are installed in

import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, url, states] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/node_modules/${name}/dist/index.js`));
const { AgentOs } = await load("@rivet-dev/agentos-core");
const { default: pi } = await load("@agentos-software/pi");

const env = { ANTHROPIC_API_KEY: "bench", ANTHROPIC_BASE_URL: url };
const content = [{ type: "text", text: "hello" }];
let made = 0;

const makeVm = () =>
  AgentOs.create({
    software: [pi],
    loopbackExemptPorts: [Number(new URL(url).port)],
    database: { type: "sqlite_file", path: `${states}/${++made}.db` },
  });

async function prompt(vm, sessionId) {
  const started = performance.now();
  let first;
  const off = vm.onSessionEvent(sessionId, ({ type }) => {
    if (type === "agent_message_chunk") first ??= performance.now() - started;
  });
  const { stopReason } = await vm.sessions.prompt({ sessionId, content });
  off();
  if (stopReason !== "end_turn") throw new Error(`the prompt ended with ${stopReason}`);
  return { first, whole: performance.now() - started };
}

const vm = await makeVm();
const operations = {
  async open({ sessionId }) {
    const started = performance.now();
    await vm.sessions.open({ sessionId, agent: "pi", env });
    return { ms: performance.now() - started };
  },
  prompt: ({ sessionId }) => prompt(vm, sessionId),
  /** Turns a second of so many sessions, each in a VM of its own with so many prompts, after one that does not count. */
  async turns({ sessions, prompts }) {
    const vms = [];
    for (let i = 0; i < sessions; i++) {
      vms.push(await makeVm());
      await vms[i].sessions.open({ sessionId: "s", agent: "pi", env });
      await prompt(vms[i], "s");
    }
    const started = performance.now();
    await Promise.all(
      vms.map(async (each) => {
        for (let i = 0; i < prompts; i++) await prompt(each, "s");
      }),
    );
    const seconds = (performance.now() - started) / 1000;
    await Promise.all(vms.map((each) => each.dispose()));
    return { rate: (sessions * prompts) / seconds };
  },
};

console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  const { op, ...options } = JSON.parse(line);
  try {
    console.log(JSON.stringify(await operations[op](options)));
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
process.exit(0);
