// A turn played while the component is built, against a model made of paper.
//
// SpiderMonkey compiles a function when it is first called. What has been called here is compiled in the image that all
// sessions start from: they start several times faster, and share those pages of memory.

import { setRoot as setNodeRoot } from "../sdk/node/fs-place.mjs";
import { setRoot } from "../sdk/web/files.mjs";
import { createApp } from "./agent.mjs";
import { messageStream } from "./messages.mjs";
import { paperRoot } from "./paper.mjs";

const usage = { input_tokens: 1, output_tokens: 1, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };

const block = (index, content_block, ...deltas) => [
  { type: "content_block_start", index, content_block },
  ...deltas.map((delta) => ({ type: "content_block_delta", index, delta })),
  { type: "content_block_stop", index },
];

const answer = (stop_reason, ...blocks) => [
  { type: "message_start", message: { id: "m", type: "message", role: "assistant", model: "m", content: [], usage } },
  ...blocks.flat(),
  { type: "message_delta", delta: { stop_reason }, usage },
  { type: "message_stop" },
];

const call = (index, name, input) =>
  block(index, { type: "tool_use", id: `t${index}`, name, input: {} }, { type: "input_json_delta", partial_json: JSON.stringify(input) });

const ANSWERS = [
  answer(
    "tool_use",
    block(0, { type: "thinking", thinking: "" }, { type: "thinking_delta", thinking: "Hm." }, { type: "signature_delta", signature: "s" }),
    call(1, "read", { path: "a" }),
    call(2, "write", { path: "a", content: "b" }),
    call(3, "edit", { path: "a", edits: [{ oldText: "b", newText: "c" }] }),
    call(4, "ls", {}),
    call(5, "plan", {}),
  ),
  answer("end_turn", block(0, { type: "text", text: "" }, { type: "text_delta", text: "Done." })),
];

function paperModel(answers) {
  return async () => {
    const events = answers.shift().map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
    const body = new ReadableStream({
      start(controller) {
        for (const event of events) controller.enqueue(new TextEncoder().encode(event));
        controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
}

/** What there is to be found: enough for each kind of file to be read once. */
const FILES = {
  "bin/bash": "",
  "home/a": "a\nb\n",
  "home/AGENTS.md": "Be brief.",
  "home/.pi/skills/s/SKILL.md": "---\nname: s\ndescription: d\n---\nText.\n",
  "home/.pi/prompts/p.md": "---\ndescription: d\n---\nText.\n",
  "home/user/.pi/agent/settings.json": "{}",
  "home/user/.pi/agent/models.json": '{"providers":{}}',
};

/** The address is that of the models anyway: they keep it. */
const ENVIRONMENT = { ANTHROPIC_API_KEY: "none", ANTHROPIC_BASE_URL: "https://api.anthropic.com", HOME: "/home/user" };

/** Runs `play` in a world of paper: model, files and timers, none of which needs a host. */
async function onPaper(play) {
  const { fetch, setTimeout } = globalThis;
  globalThis.fetch = paperModel([...ANSWERS]);
  // Only what yields to the loop goes on; timeouts would need a clock, and are not reached.
  globalThis.setTimeout = (callback, ms) => {
    if (!ms) queueMicrotask(callback);
    return { unref() {} };
  };
  Object.assign(process.env, ENVIRONMENT);
  const root = paperRoot(FILES);
  setRoot(root);
  setNodeRoot(root);
  try {
    await play();
  } finally {
    Object.assign(globalThis, { fetch, setTimeout });
    for (const name of Object.keys(ENVIRONMENT)) delete process.env[name];
    process.chdir("/");
    setRoot(undefined);
    setNodeRoot(undefined);
  }
}

/** Plays initialize, session/new, a prompt with every tool, a change of options and session/load. */
export function rehearse() {
  return onPaper(async () => {
    let send;
    const input = new ReadableStream({ start: (controller) => void (send = controller) });
    const replies = new Map();
    const write = (message) => send.enqueue(new TextEncoder().encode(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n"));
    const ask = (method, params) =>
      new Promise((resolve, reject) => {
        const id = replies.size + 1;
        replies.set(id, { resolve, reject });
        write({ id, method, params });
      });
    const reply = (bytes) => {
      const { id, method, result, error } = JSON.parse(new TextDecoder().decode(bytes));
      if (method) return;
      if (error) replies.get(id).reject(new Error(error.message));
      else replies.get(id)?.resolve(result);
    };
    const connection = createApp().connect(messageStream(reply, input));
    await ask("initialize", {
      protocolVersion: 1,
      clientCapabilities: {
        fs: { readTextFile: true, writeTextFile: true },
        terminal: true,
        session: { configOptions: { boolean: {} }, notices: {}, compaction: {} },
        elicitation: { form: {}, url: {} },
      },
      clientInfo: { name: "torpor", title: "Torpor", version: "0" },
    });
    const { sessionId } = await ask("session/new", { cwd: "/home", mcpServers: [] });
    await ask("session/prompt", { sessionId, prompt: [{ type: "text", text: "Rehearse." }] });
    await ask("session/set_config_option", { sessionId, configId: "thought_level", value: "low" });
    await ask("session/close", { sessionId });
    await ask("session/load", { sessionId, cwd: "/home", mcpServers: [] });
    write({ method: "session/cancel", params: { sessionId } });
    send.close();
    await connection.closed;
  });
}
