// echo: an ACP agent without a model, driven by the text of the prompt (commands.mjs). It exists to put the
// runtime under test, so besides behaving well it can misbehave in every way that an agent can.

import environment from "wasi:cli/environment@0.2.12";
import exit from "wasi:cli/exit@0.2.12";
import random from "wasi:random/random@0.2.12";
import { makeDirectories, readFile, writeFile } from "../sdk/js/files.mjs";
import { EndOfInput, Wire, log } from "../sdk/js/wire.mjs";
import { runCommands } from "./commands.mjs";
import { Turn } from "./turn.mjs";

const PROTOCOL_VERSION = 1;
const VERSION = "0.1.0";
const HISTORY = "/root/.torpor/echo";
const METHOD_NOT_FOUND = { code: -32601, message: "Method not found" };

const MODES = [
  { id: "ask", name: "Ask", description: "Asks before everything" },
  { id: "code", name: "Code", description: "Just does it" },
];

const CONFIG = [
  { id: "model", name: "Model", category: "model", values: ["small", "large"] },
  { id: "thought", name: "Thinking", category: "thought_level", values: ["off", "low", "high"] },
];

/** With ECHO_FIXED: one has a single value, the other says that it is read-only. */
const FIXED = [
  { id: "provider", name: "Provider", category: "model_config", values: ["local"] },
  { id: "region", name: "Region", category: "model_config", values: ["here", "there"], more: { readOnly: true } },
];

function modesOf(session) {
  return { currentModeId: session.mode, availableModes: MODES };
}

function configOf(session) {
  return session.options.map(({ id, name, category, values, more }) => ({
    ...more,
    id,
    name,
    category,
    type: "select",
    currentValue: session.config[id],
    options: values.map((value) => ({ value, name: value })),
  }));
}

export class Echo {
  constructor(wire, env) {
    this.wire = wire;
    this.env = env;
    this.sessions = new Map();
    this.client = {};
    this.turn = null;
    this.prompts = [];
    this.lastId = 0;
    this.answers = new Map(); // our request's id -> its answer, once there
  }

  serve() {
    for (;;) {
      const prompt = this.prompts.shift();
      if (prompt) this.prompt(prompt);
      else this.dispatch(this.wire.receive());
    }
  }

  /** Takes one message in. Prompts are put in line; everything else is answered at once, also during a turn. */
  dispatch(message) {
    if (message.method === undefined) {
      if (this.answers.has(message.id)) this.answers.set(message.id, message);
    } else if (message.id === undefined) {
      if (message.method === "session/cancel" && this.turn?.session.id === message.params?.sessionId) {
        this.turn.cancelled = true;
      }
    } else if (message.method === "session/prompt") {
      this.prompts.push(message);
    } else {
      this.reply(message, () => {
        const handler = HANDLERS[message.method];
        if (!handler) throw METHOD_NOT_FOUND;
        return handler(this, message.params ?? {});
      });
    }
  }

  reply({ id }, handle) {
    let outcome;
    try {
      outcome = { result: handle() ?? {} };
    } catch (error) {
      if (error instanceof EndOfInput) throw error;
      outcome = { error: { code: error.code ?? -32603, message: error.message ?? String(error), data: error.data } };
    }
    this.wire.send({ jsonrpc: "2.0", id, ...outcome });
  }

  prompt(message) {
    this.reply(message, () => {
      const { sessionId, prompt } = message.params;
      const session = this.session(sessionId);
      const text = prompt.map((block) => block.text ?? `[${block.type}]`).join("");
      this.turn = new Turn(this, session);
      try {
        const stopReason = runCommands(this.turn, text);
        session.history.push({ user: text, agent: this.turn.said.join("") });
        this.save(session);
        return this.turn.usage ? { stopReason, usage: this.turn.usage } : { stopReason };
      } finally {
        this.turn = null;
      }
    });
  }

  session(id) {
    const session = this.sessions.get(id);
    if (!session) throw { code: -32002, message: `Session not found: ${id}`, data: { sessionId: id } };
    return session;
  }

  open(id, params, saved = {}) {
    const options = this.env.ECHO_FIXED === "1" ? [...CONFIG, ...FIXED] : CONFIG;
    const session = {
      id,
      params,
      options,
      cwd: params.cwd ?? "/",
      mode: saved.mode ?? MODES[0].id,
      config: saved.config ?? Object.fromEntries(options.map((option) => [option.id, option.values[0]])),
      history: saved.history ?? [],
    };
    this.sessions.set(id, session);
    return session;
  }

  /** A new session, with the state of another where that is given; the answer to who has asked for it. */
  begin(params, { mode, config = {}, history = [] } = {}) {
    const id = "echo-" + Array.from(random.getRandomBytes(8), (byte) => byte.toString(16).padStart(2, "0")).join("");
    const session = this.open(id, params, mode && { mode, config: { ...config }, history: [...history] });
    this.save(session);
    return { sessionId: id, modes: modesOf(session), configOptions: configOf(session) };
  }

  update(session, update) {
    this.wire.send({ jsonrpc: "2.0", method: "session/update", params: { sessionId: session.id, update } });
  }

  failIfTold(phase) {
    if (this.env.ECHO_FAIL !== phase) return;
    log(`echo: told to fail in ${phase}`);
    throw { code: -32000, message: `echo was told to fail in ${phase}` };
  }

  get remembers() {
    return this.env.ECHO_LOAD === "1" || this.env.ECHO_RESUME === "1";
  }

  save({ id, mode, config, history }) {
    if (!this.remembers) return;
    makeDirectories(HISTORY);
    writeFile(`${HISTORY}/${id}.json`, JSON.stringify({ mode, config, history }));
  }

  restore(params) {
    let saved;
    try {
      saved = JSON.parse(readFile(`${HISTORY}/${params.sessionId}.json`));
    } catch {
      return this.session(params.sessionId); // throws unless it is live
    }
    return this.open(params.sessionId, params, saved);
  }

  /** After a change by the client: an agent may send the update itself or leave it to the host. */
  announce(session, update) {
    if (this.env.ECHO_UPDATES === "1") this.update(session, update);
    this.save(session);
  }
}

const HANDLERS = {
  initialize(echo, params) {
    echo.failIfTold("initialize");
    echo.client = params.clientCapabilities ?? {};
    return {
      protocolVersion: Number(echo.env.ECHO_PROTOCOL ?? PROTOCOL_VERSION),
      agentCapabilities: {
        loadSession: echo.env.ECHO_LOAD === "1",
        promptCapabilities: { image: true, audio: false, embeddedContext: true },
        mcpCapabilities: { http: true, sse: false },
        sessionCapabilities: {
          ...(echo.env.ECHO_RESUME === "1" && { resume: {} }),
          ...(echo.env.ECHO_FORK === "1" && { fork: {} }),
        },
      },
      agentInfo: { name: "echo", title: "Echo", version: VERSION },
      authMethods: [],
    };
  },

  "session/new"(echo, params) {
    echo.failIfTold("new");
    return echo.begin(params);
  },

  "session/fork"(echo, params) {
    if (echo.env.ECHO_FORK !== "1") throw METHOD_NOT_FOUND;
    echo.failIfTold("fork");
    return echo.begin(params, echo.session(params.sessionId));
  },

  "session/load"(echo, params) {
    if (echo.env.ECHO_LOAD !== "1") throw METHOD_NOT_FOUND;
    echo.failIfTold("load");
    const session = echo.restore(params);
    for (const { user, agent } of session.history) {
      echo.update(session, { sessionUpdate: "user_message_chunk", content: { type: "text", text: user } });
      if (agent) echo.update(session, { sessionUpdate: "agent_message_chunk", content: { type: "text", text: agent } });
    }
    return { modes: modesOf(session), configOptions: configOf(session) };
  },

  "session/resume"(echo, params) {
    if (echo.env.ECHO_RESUME !== "1") throw METHOD_NOT_FOUND;
    echo.failIfTold("resume");
    const session = echo.restore(params);
    return { modes: modesOf(session), configOptions: configOf(session) };
  },

  "session/set_mode"(echo, { sessionId, modeId }) {
    const session = echo.session(sessionId);
    echo.failIfTold("option");
    if (!MODES.some((mode) => mode.id === modeId)) throw { code: -32602, message: `No such mode: ${modeId}` };
    session.mode = modeId;
    echo.announce(session, { sessionUpdate: "current_mode_update", currentModeId: modeId });
    return {};
  },

  "session/set_config_option"(echo, { sessionId, configId, value }) {
    const session = echo.session(sessionId);
    echo.failIfTold("option");
    const option = session.options.find(({ id }) => id === configId);
    if (!option) throw { code: -32602, message: `No such option: ${configId}` };
    if (!option.values.includes(value)) throw { code: -32602, message: `No such value of ${configId}: ${value}` };
    session.config[configId] = value;
    const configOptions = configOf(session);
    echo.announce(session, { sessionUpdate: "config_option_update", configOptions });
    return { configOptions };
  },
};

export const run = {
  run() {
    const env = Object.fromEntries(environment.getEnvironment());
    if (env.ECHO_FAIL === "exit") {
      log("echo: told to exit at once");
      exit.exitWithCode(3);
    }
    const wire = new Wire();
    try {
      if (env.ECHO_FAIL === "hang") for (;;) wire.receive();
      new Echo(wire, env).serve();
    } catch (error) {
      if (!(error instanceof EndOfInput)) throw error;
    } finally {
      wire.close();
    }
  },
};
