// The smallest agent: it greets whoever it is told of, a word at a time, and keeps a list of them in a file.

import { makeDirectories, readFile, resolve, writeFile } from "../../sdk/js/files.mjs";
import { EndOfInput, Wire } from "../../sdk/js/wire.mjs";

const METHOD_NOT_FOUND = { code: -32601, message: "Method not found" };

let cwd = "/";

const handlers = {
  initialize: () => ({
    protocolVersion: 1,
    agentCapabilities: {},
    agentInfo: { name: "hello-js", title: "Hello from JavaScript", version: "0.1.0" },
    authMethods: [],
  }),

  "session/new"(params) {
    cwd = params.cwd;
    return { sessionId: "the-only-one" };
  },

  "session/prompt"({ sessionId, prompt }, wire) {
    const name = prompt.map((block) => block.text ?? "").join("").trim() || "world";
    const number = remember(name);
    for (const text of ["Hello, ", `${name}! `, `You are number ${number}.`]) {
      const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text } };
      wire.send({ jsonrpc: "2.0", method: "session/update", params: { sessionId, update } });
    }
    return { stopReason: "end_turn" };
  },
};

/** Adds a name to guests.txt in the working directory. @returns {number} how many there are now */
function remember(name) {
  const path = resolve(cwd, "guests.txt");
  let guests = "";
  try {
    guests = readFile(path);
  } catch {
    makeDirectories(cwd); // the first one
  }
  guests += `${name}\n`;
  writeFile(path, guests);
  return guests.trimEnd().split("\n").length;
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
      if (!(error instanceof EndOfInput)) throw error; // stdin has ended, and so do we
    } finally {
      wire.close();
    }
  },
};
