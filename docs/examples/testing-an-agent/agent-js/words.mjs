// A small agent without a model: it counts the words of a file ("count FILE") and sorts its lines ("sort FILE").
//
// It speaks ACP: one JSON object a line, on stdin and stdout, which the SDK's Wire reads and writes. The guest does one thing
// at a time, and is suspended while it waits; there are no promises in it.

import { readFile, resolve, writeFile } from "../sdk/js/files.mjs";
import { EndOfInput, Wire } from "../sdk/js/wire.mjs";

const METHOD_NOT_FOUND = { code: -32601, message: "Method not found" };

let cwd = "/";
let calls = 0;

const handlers = {
  initialize: () => ({
    protocolVersion: 1,
    agentCapabilities: {},
    agentInfo: { name: "words", title: "Words", version: "0.1.0" },
  }),

  "session/new"(params) {
    cwd = params.cwd;
    return { sessionId: "the-only-one" };
  },

  "session/prompt"({ sessionId, prompt }, wire) {
    const update = (members) =>
      wire.send({ jsonrpc: "2.0", method: "session/update", params: { sessionId, update: members } });
    const text = prompt.map((block) => block.text ?? "").join("");
    const [command, path = ""] = text.trim().split(/\s+/);
    const said = path && commands[command] ? obey(command, path, update) : "I can count FILE and sort FILE.";
    update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: said } });
    return { stopReason: "end_turn" };
  },
};

const commands = {
  count: {
    kind: "read",
    run(path, text) {
      return { said: `${path} has ${text.split(/\s+/).filter(Boolean).length} words.` };
    },
  },

  sort: {
    kind: "edit",
    run(path, text) {
      const sorted = text.split("\n").filter(Boolean).sort().join("\n") + "\n";
      writeFile(resolve(cwd, path), sorted);
      return { said: `${path} is sorted.`, content: [{ type: "diff", path, oldText: text, newText: sorted }] };
    },
  },
};

/** Runs a command as a tool call that the client sees. @returns {string} what there is to say */
function obey(command, path, update) {
  const toolCallId = `call-${++calls}`;
  const { kind, run } = commands[command];
  const title = `${command[0].toUpperCase()}${command.slice(1)} ${path}`;
  update({ sessionUpdate: "tool_call", toolCallId, title, kind, status: "in_progress", rawInput: { path } });
  try {
    const { said, content } = run(path, readFile(resolve(cwd, path)));
    update({ sessionUpdate: "tool_call_update", toolCallId, status: "completed", content });
    return said;
  } catch (error) {
    update({ sessionUpdate: "tool_call_update", toolCallId, status: "failed" });
    return `I cannot read ${path}: ${error.code ?? error.message}.`;
  }
}

export const run = {
  run() {
    const wire = new Wire();
    try {
      for (;;) {
        const { id, method, params } = wire.receive();
        if (id === undefined) continue; // a notification
        const handler = handlers[method];
        if (handler) wire.send({ jsonrpc: "2.0", id, result: handler(params, wire) });
        else wire.send({ jsonrpc: "2.0", id, error: METHOD_NOT_FOUND });
      }
    } catch (error) {
      if (!(error instanceof EndOfInput)) throw error; // stdin has ended, and so does the agent
    } finally {
      wire.close();
    }
  },
};
