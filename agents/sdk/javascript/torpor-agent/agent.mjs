// What an agent is, and how its process serves a client.

import { homedir } from "node:os";
import { join } from "node:path";
import { Connection, INVALID_PARAMS, METHOD_NOT_FOUND, NOT_FOUND, Refusal } from "./connection.mjs";
import { Blocks, Session } from "./session.mjs";
import { modesToWire, optionsToWire } from "./settings.mjs";

/** The version of ACP. */
const PROTOCOL = 1;

/** Where sessions are kept. */
const folder = () => join(homedir(), ".local", "state", "torpor-agent");

/** Extend it. What is overridden is called; what it throws is the answer to the client, and told on stderr. */
export class Agent {
  /** What the agent calls itself; the name of the class where it is empty. */
  name = "";
  title = "";
  version = "0";
  /** What the modes are called, by their ids; a session begins in the first. */
  modes = {};
  /** What else a user can set: `Choice` and `Toggle`. */
  options = [];
  /** What the commands do that a prompt can begin with, by their names without `/`. */
  commands = {};
  /** ACP's `promptCapabilities`: `image` and `audio` are for those who take such blocks. */
  promptCapabilities = { embeddedContext: true };

  /** A session begins, or is taken up again (`session.resumed`). */
  async start(_session) {}

  /** A turn. It returns ACP's stop reason, nothing for "end_turn". `session.signal` says when it is cancelled. */
  async prompt(_session, _blocks) {
    throw new Error("the agent has no method `prompt`");
  }

  /** The mode or an option was set. */
  async changed(_session) {}

  /** The process is about to end. */
  async end(_session) {}
}

/** Serves the client on standard input and output until it is gone, and ends the process then. */
export async function run(agent) {
  process.on("unhandledRejection", (reason) => console.error("a promise was rejected, and nobody waits for it:", reason));
  await new Server(agent).run();
  process.exit();
}

/** One process: one agent, one client, one session. */
class Server {
  #agent;
  #name;
  #connection = new Connection((...asked) => this.#serve(...asked));
  #session;
  #turn; // the controller of the one that is running
  #withToggles = false;

  constructor(agent) {
    this.#agent = agent;
    this.#name = agent.name || agent.constructor.name;
  }

  /** Until the client is gone. */
  async run() {
    await this.#connection.run();
    if (!this.#session) return;
    this.#session.save();
    await this.#agent.end(this.#session);
  }

  #serve(method, params, controller) {
    switch (method) {
      case "initialize":
        return this.#initialize(params);
      case "session/new":
        return this.#open(new Session(this.#connection, crypto.randomUUID().replaceAll("-", ""), params, folder()));
      case "session/resume":
        return this.#resume(params);
      case "session/cancel":
        return this.#turn?.abort();
    }
    const session = this.#session;
    if (!session || params.sessionId !== session.id) throw new Refusal(NOT_FOUND, `session ${JSON.stringify(params.sessionId)} not found`);
    switch (method) {
      case "session/prompt":
        return this.#prompt(session, Blocks.from(params.prompt), controller);
      case "session/set_mode":
        return this.#setMode(session, params.modeId);
      case "session/set_config_option":
        return this.#setOption(session, params.configId, params.value);
    }
    throw new Refusal(METHOD_NOT_FOUND, `there is no method ${method}`);
  }

  #initialize({ clientCapabilities }) {
    this.#withToggles = Boolean(clientCapabilities?.session?.configOptions?.boolean);
    const { title, version, promptCapabilities } = this.#agent;
    return {
      protocolVersion: PROTOCOL,
      agentInfo: { name: this.#name, title: title || this.#name, version },
      agentCapabilities: { promptCapabilities, sessionCapabilities: { resume: {} } },
      authMethods: [],
    };
  }

  #resume(params) {
    const session = new Session(this.#connection, params.sessionId, params, folder());
    if (!session.restore()) throw new Refusal(NOT_FOUND, `session ${session.id} not found: nothing was kept of it`);
    return this.#open(session);
  }

  async #open(session) {
    const { modes, options, commands } = this.#agent;
    session.mode = Object.keys(modes)[0] ?? null;
    session.settings = Object.fromEntries(options.map(({ id, first }) => [id, first]));
    await this.#agent.start(session);
    this.#session = session;
    const available = Object.entries(commands).map(([name, description]) => ({ name, description }));
    // After the answer, which is sent before anything else comes to pass.
    if (available.length) setTimeout(() => session.update("available_commands_update", { availableCommands: available }), 0);
    return {
      sessionId: session.id,
      ...(session.mode !== null && { modes: modesToWire(modes, session.mode) }),
      ...(options.length && { configOptions: this.#options(session) }),
    };
  }

  #options({ settings }) {
    return optionsToWire(this.#agent.options, settings, this.#withToggles);
  }

  async #prompt(session, blocks, controller) {
    if (this.#turn) throw new Refusal(INVALID_PARAMS, "a turn is in progress");
    this.#turn = controller;
    const { signal } = controller;
    session.signal = signal;
    try {
      await undefined; // a cancellation that has come with it is heard first
      const reason = signal.aborted ? "cancelled" : await this.#agent.prompt(session, blocks);
      return { stopReason: signal.aborted ? "cancelled" : (reason ?? "end_turn") };
    } catch (error) {
      if (!signal.aborted) throw error;
      if (error !== signal.reason) console.error(error);
      return { stopReason: "cancelled" };
    } finally {
      this.#turn = undefined;
      session.signal = new AbortController().signal;
      session.save();
    }
  }

  async #setMode(session, mode) {
    const { modes } = this.#agent;
    if (!Object.hasOwn(modes, mode)) throw new Refusal(INVALID_PARAMS, `there is no mode ${JSON.stringify(mode)}: ${Object.keys(modes).join(", ")}`);
    session.mode = mode;
    await this.#agent.changed(session);
    return {};
  }

  async #setOption(session, name, value) {
    const option = this.#agent.options.find(({ id }) => id === name);
    if (!option) throw new Refusal(INVALID_PARAMS, `there is no option ${JSON.stringify(name)}`);
    option.check(value);
    session.settings[name] = value;
    await this.#agent.changed(session);
    return { configOptions: this.#options(session) };
  }
}
