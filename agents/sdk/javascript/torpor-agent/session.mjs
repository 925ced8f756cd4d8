// A conversation. What only tells the client something is done at once; what waits for an answer is awaited.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ToolCall } from "./tool-call.mjs";

/** Of a command's output that `Session.run` returns: more than a model reads. */
const OUTPUT_BYTES = 256 * 1024;

/** What `Session.ask` offers. */
const ALLOW_OR_REJECT = { allow_once: "Allow", reject_once: "Reject" };

/** Of the answers to a question, as clients show them. */
const KINDS = new Set(["allow_once", "allow_always", "reject_once", "reject_always"]);

/** A prompt: ACP's content blocks. */
export class Blocks extends Array {
  /** All the text in it; of a file that is only named its address. */
  get text() {
    return Array.from(this, ({ type, text, uri, resource }) => ({ text, resource_link: uri, resource: resource?.text })[type] ?? "").join("");
  }
}

/** The lines of a response's body as they come, without their ends: of server-sent events for one. */
export async function* lines({ body }) {
  if (!body) return;
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      const whole = (rest + (done ? decoder.decode() : decoder.decode(value, { stream: true }))).split("\n");
      rest = done ? "" : whole.pop();
      for (const line of whole) if (line || !done) yield line.replace(/\r$/, "");
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {}); // of one that has broken off
  }
}

/** One conversation. The agent's process serves one. */
export class Session {
  /** What the agent remembers, as JSON has it: kept in a file of the VM at the end of each turn, and read when the session is resumed. */
  state = {};
  /** Whether it has begun in another process. */
  resumed = false;
  /** The id of the mode that it is in; null for an agent without modes. */
  mode = null;
  /** The values of the agent's options, by their ids. */
  settings = {};
  /** That of the turn: it says when that is cancelled. */
  signal = new AbortController().signal;
  #connection;
  #file;
  #kept = "{}";
  #calls = 0;

  constructor(connection, id, params, folder) {
    this.id = id;
    /** The working directory, in the VM. */
    this.cwd = params.cwd;
    /** What the client has opened it with, `mcpServers` among it. */
    this.params = params;
    this.#connection = connection;
    this.#file = `${folder}/${id}.json`;
  }

  // What the client is told

  /** Says a piece of the answer. */
  say(text) {
    this.update("agent_message_chunk", { content: { type: "text", text } });
  }

  /** Tells a piece of what leads to the answer. */
  think(text) {
    this.update("agent_thought_chunk", { content: { type: "text", text } });
  }

  /** Tells all steps, with their statuses if it is an object: "pending", "in_progress" and "completed". */
  plan(steps) {
    const statuses = Array.isArray(steps) ? steps.map((content) => [content, "pending"]) : Object.entries(steps);
    this.update("plan", { entries: statuses.map(([content, status]) => ({ content, priority: "medium", status })) });
  }

  /** Gives the conversation a title. */
  title(title) {
    this.update("session_info_update", { title });
  }

  /** Sends any of ACP's updates. */
  update(kind, members) {
    this.#send({ sessionUpdate: kind, ...members });
  }

  #send(update) {
    this.#connection.notify("session/update", { sessionId: this.id, update });
  }

  /** Does something, as a call that the client shows; `members` are more of ACP's `tool_call`, such as `rawInput` and `locations`. */
  toolCall(title, kind, work, members) {
    return this.#call(title, kind, members).during(work);
  }

  #call(title, kind, members) {
    return new ToolCall((update) => this.#send(update), { toolCallId: `call_${process.pid}_${++this.#calls}`, title, kind, ...members });
  }

  // What the client is asked. All reject with ClientError, and with the signal's reason when the turn is cancelled

  /** Asks for permission: about a call that is running, or anything else. The id of the answer; null if it was called off. */
  async ask(question, options = ALLOW_OR_REJECT, kind = "other") {
    const { about } = question instanceof ToolCall ? question : this.#call(question, kind);
    const offered = Object.entries(options).map(([optionId, name]) => ({ optionId, name, kind: KINDS.has(optionId) ? optionId : "allow_once" }));
    const { outcome } = await this.#request("session/request_permission", { toolCall: about, options: offered });
    return outcome.outcome === "selected" ? outcome.optionId : null;
  }

  /** A text file, or `limit` lines of it from `line` on, which counts from 1. */
  async read(path, line, limit) {
    return (await this.#request("fs/read_text_file", { path: this.#path(path), line, limit })).content;
  }

  /** Replaces or makes a text file. */
  async write(path, content) {
    await this.#request("fs/write_text_file", { path: this.#path(path), content });
  }

  /** Runs a command to its end: an array of words, or one line of shell. `call` shows it. */
  async run(command, { cwd = this.cwd, env = {}, call } = {}) {
    const [program, ...args] = typeof command === "string" ? ["/bin/sh", "-c", command] : command;
    const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
    const release = ({ terminalId }) => this.#connection.post("terminal/release", { sessionId: this.id, terminalId });
    const wanted = { command: program, args, cwd: this.#path(cwd), env: variables, outputByteLimit: OUTPUT_BYTES };
    const { terminalId } = await this.#request("terminal/create", wanted, release);
    try {
      call?.add({ type: "terminal", terminalId });
      const { exitCode = null, signal = null } = await this.#request("terminal/wait_for_exit", { terminalId });
      const { output, truncated } = await this.#request("terminal/output", { terminalId });
      return { exitCode, signal, output, truncated };
    } finally {
      release({ terminalId });
    }
  }

  #request(method, params, late) {
    return this.#connection.request(method, { sessionId: this.id, ...params }, this.signal, late);
  }

  #path(path) {
    return resolve(this.cwd, path);
  }

  // Other things that take their time

  /** `fetch`, which ends with the turn. */
  fetch(resource, options) {
    return fetch(resource, { signal: this.signal, ...options });
  }

  /** Waits for anything, but no longer than the turn is wanted: rejects with the signal's reason then. */
  wait(promise) {
    const { signal } = this;
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      if (signal.aborted) abort();
      signal.addEventListener("abort", abort);
      Promise.resolve(promise)
        .then(resolve, reject)
        .finally(() => signal.removeEventListener("abort", abort));
    });
  }

  // What is kept

  /** Keeps `state` now. */
  save() {
    const text = JSON.stringify(this.state);
    if (text === this.#kept) return;
    mkdirSync(dirname(this.#file), { recursive: true });
    writeFileSync(`${this.#file}.new`, text);
    renameSync(`${this.#file}.new`, this.#file);
    this.#kept = text;
  }

  /** Takes up what was kept; whether there was something. */
  restore() {
    try {
      this.#kept = readFileSync(this.#file, "utf8");
    } catch (error) {
      if (error.code === "ENOENT") return false;
      throw error;
    }
    this.state = JSON.parse(this.#kept);
    this.resumed = true;
    return true;
  }
}
