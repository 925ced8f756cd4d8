// An agent on the official SDK that does what a prompt says, one command a line: see ../README.md.

import { goLive } from "../../../../agents/sdk/web/prelude.mjs";
import * as acp from "../../../../agents/node_modules/@agentclientprotocol/sdk/dist/v1/stable/acp.js";
import { runUntil } from "../../../../agents/sdk/web/loop.mjs";
import { stdinStream, stdoutStream } from "../../../../agents/sdk/web/stdio.mjs";

const { agent: methods, client: calls } = acp.methods;
const MODES = ["ask", "code"].map((id) => ({ id, name: id }));
const OPTIONS = ["allow_once", "allow_always", "reject_once"].map((kind) => ({ optionId: kind, name: kind, kind }));

const AUTH = [{ id: "login", name: "Log in" }];

const sessions = new Map();
let loggedIn = false;

function find(id) {
  const session = sessions.get(id);
  if (!session) throw acp.RequestError.resourceNotFound(id);
  return session;
}

const modesOf = (session) => ({ currentModeId: session.mode, availableModes: MODES });

const optionsOf = (session) => [
  {
    id: "model",
    name: "Model",
    category: "model",
    type: "select",
    currentValue: session.model,
    options: ["small", "large"].map((value) => ({ value, name: value })),
  },
];

const commands = {
  say: (turn, text) => turn.say(text),
  think: (turn, text) => turn.update("agent_thought_chunk", { content: { type: "text", text } }),
  plan: (turn) => turn.update("plan", { entries: [{ content: "Look", priority: "high", status: "pending" }] }),
  title: (turn, title) => turn.update("session_info_update", { title }),
  async tool(turn, path) {
    const toolCallId = "call-1";
    const diff = { type: "diff", path, oldText: null, newText: "new\n" };
    await turn.update("tool_call", { toolCallId, title: `Edit ${path}`, kind: "edit", status: "pending" });
    await turn.update("tool_call_update", { toolCallId, status: "completed", content: [diff] });
  },
  async permission(turn, title) {
    const toolCall = { toolCallId: "call-2", title, kind: "execute", status: "pending" };
    const { outcome } = await turn.request(calls.session.requestPermission, { toolCall, options: OPTIONS });
    await turn.say(outcome.outcome === "selected" ? outcome.optionId : outcome.outcome);
  },
  async read(turn, path) {
    await turn.say((await turn.request(calls.fs.readTextFile, { path })).content);
  },
  async write(turn, path, text) {
    await turn.request(calls.fs.writeTextFile, { path, content: text });
    await turn.say("written");
  },
  async terminal(turn, command, ...args) {
    const { terminalId } = await turn.request(calls.terminal.create, { command, args });
    const { exitCode } = await turn.request(calls.terminal.waitForExit, { terminalId });
    const { output } = await turn.request(calls.terminal.output, { terminalId });
    await turn.request(calls.terminal.release, { terminalId });
    await turn.say(`${exitCode}: ${output}`);
  },
  async request(turn, method) {
    await turn.request(method, {});
  },
  async wait(turn) {
    await turn.cancelled;
  },
  mode: (turn) => turn.say(turn.session.mode),
  model: (turn) => turn.say(turn.session.model),
  cwd: (turn) => turn.say(turn.session.cwd),
  mcp: (turn) => turn.say(JSON.stringify(turn.session.mcpServers)),
  blocks: (turn) => turn.say(turn.blocks.map((block) => block.type).join(" ")),
  locked() {
    if (!loggedIn) throw acp.RequestError.authRequired();
  },
  fail() {
    throw new acp.RequestError(-32603, "told to fail", { reason: "told" });
  },
};

class Turn {
  constructor(session, blocks, client) {
    Object.assign(this, { session, blocks, client, stopReason: "end_turn" });
    this.cancelled = new Promise((resolve) => (session.cancel = resolve)).then(() => (this.stopReason = "cancelled"));
  }

  update(kind, members) {
    const update = { sessionUpdate: kind, ...members };
    return this.client.notify(calls.session.update, { sessionId: this.session.id, update });
  }

  say(text) {
    return this.update("agent_message_chunk", { content: { type: "text", text } });
  }

  request(method, params) {
    return this.client.request(method, { sessionId: this.session.id, ...params });
  }

  async run() {
    const texts = this.blocks.filter((block) => block.type === "text");
    for (const line of texts.at(-1).text.split("\n")) {
      const [name, ...words] = line.split(" ");
      try {
        if (name === "stop") this.stopReason = words[0];
        else await commands[name](this, ...words);
      } catch (error) {
        if (["fail", "locked"].includes(name)) throw error;
        await this.say(`error ${error.code}`);
      }
    }
    return { stopReason: this.stopReason };
  }
}

const app = acp
  .agent({ name: "sdk-js" })
  .onRequest(methods.initialize, () => ({
    protocolVersion: acp.PROTOCOL_VERSION,
    agentCapabilities: { promptCapabilities: { image: true, embeddedContext: true }, mcpCapabilities: { http: true } },
    agentInfo: { name: "sdk-js", version: "0.1.0" },
    authMethods: AUTH,
  }))
  .onRequest(methods.authenticate, ({ params }) => {
    if (params.methodId !== AUTH[0].id) throw acp.RequestError.invalidParams();
    loggedIn = true;
    return {};
  })
  .onRequest(methods.session.new, ({ params }) => {
    const session = { ...params, id: `s-${sessions.size}`, mode: "ask", model: "small", cancel() {} };
    sessions.set(session.id, session);
    return { sessionId: session.id, modes: modesOf(session), configOptions: optionsOf(session) };
  })
  .onRequest(methods.session.setMode, ({ params }) => {
    if (!MODES.some(({ id }) => id === params.modeId)) throw acp.RequestError.invalidParams();
    find(params.sessionId).mode = params.modeId;
    return {};
  })
  .onRequest(methods.session.setConfigOption, ({ params }) => {
    const session = find(params.sessionId);
    session.model = params.value;
    return { configOptions: optionsOf(session) };
  })
  .onRequest(methods.session.prompt, ({ params, client }) => new Turn(find(params.sessionId), params.prompt, client).run())
  .onNotification(methods.session.cancel, ({ params }) => find(params.sessionId).cancel());

export const run = {
  async run() {
    goLive();
    const connection = app.connect(acp.ndJsonStream(stdoutStream(), stdinStream()));
    await runUntil(connection.closed);
  },
};
