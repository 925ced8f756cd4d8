// echo's command language: commands are separated by newlines or ";", a first word that is no command is echoed.
// In arguments "\n" is a newline and "\s" a semicolon. README.md lists them all.

import exit from "wasi:cli/exit@0.2.12";
import stdin from "wasi:cli/stdin@0.2.12";
import { list, readFile, resolve, writeFile } from "../sdk/js/files.mjs";
import { log } from "../sdk/js/wire.mjs";
import { encode } from "../sdk/js/utf8.mjs";
import { Cancelled } from "./turn.mjs";

const MIB = 1 << 20;
/** How long `ignore-cancel` goes on by itself: longer than any grace period a test would give. */
const DEAF_MS = 60_000;
const DEAF_STEP_MS = 20;

const PERMISSION_OPTIONS = [
  { optionId: "allow-once", name: "Allow once", kind: "allow_once" },
  { optionId: "allow-always", name: "Always allow", kind: "allow_always" },
  { optionId: "reject-once", name: "Reject", kind: "reject_once" },
  { optionId: "reject-always", name: "Always reject", kind: "reject_always" },
];

/** Runs the commands of a prompt. @returns {string} the stop reason */
export function runCommands(turn, text) {
  try {
    turn.wait(0);
    for (const line of text.split(/[\n;]/)) {
      if (line.trim()) runCommand(turn, line.trim());
    }
    turn.check();
    return turn.stopReason ?? "end_turn";
  } catch (error) {
    if (error instanceof Cancelled) return "cancelled";
    throw error;
  }
}

function runCommand(turn, line) {
  const [, name, rest] = /^(\S+)\s*([\s\S]*)$/.exec(line);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : null;
  if (!command) {
    turn.say(`echo: ${line}`);
    return;
  }
  command(turn, rest.replace(/\\n/g, "\n").replace(/\\s/g, ";"));
}

/** Runs something that may fail for the client's or the filesystem's reasons, and says how. */
function report(turn, name, action) {
  try {
    turn.say(`${name}: ${action()}`);
  } catch (error) {
    if (error instanceof Cancelled || error.code === undefined) throw error;
    turn.say(`${name} failed: ${error.message}`);
  }
}

function numbers(rest) {
  return rest.split(/\s+/).filter(Boolean).map(Number);
}

/** "PATH rest of the line" -> [absolute path, rest of the line] */
function pathAndText(turn, rest) {
  const [, path, text] = /^(\S*)\s?([\s\S]*)$/.exec(rest);
  return [resolve(turn.session.cwd, path), text];
}

const COMMANDS = {
  say: (turn, rest) => turn.say(rest),

  stream(turn, rest) {
    const [count = 3, ms = 0] = numbers(rest);
    for (let i = 1; i <= count; i++) {
      turn.say(`chunk ${i}\n`);
      turn.wait(ms);
    }
  },

  flood(turn, rest) {
    const [count = 1000] = numbers(rest);
    const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text: "." } };
    const params = { sessionId: turn.session.id, update };
    const line = JSON.stringify({ jsonrpc: "2.0", method: "session/update", params }) + "\n";
    const batch = 256;
    const block = encode(line.repeat(batch));
    let left = count;
    for (; left >= batch; left -= batch) turn.echo.wire.sendBytes(block);
    turn.echo.wire.sendText(line.repeat(left));
  },

  sleep: (turn, rest) => turn.wait(numbers(rest)[0] ?? 1000),

  "ignore-cancel"(turn, rest) {
    turn.deaf = true;
    const end = Date.now() + (numbers(rest)[0] ?? DEAF_MS);
    turn.say("not listening\n");
    while (Date.now() < end) turn.wait(Math.min(DEAF_STEP_MS, Math.max(1, end - Date.now())));
    turn.say(turn.cancelled ? "heard a cancel and went on" : "done");
  },

  permission(turn, rest) {
    const title = rest || "Do something";
    const toolCall = { toolCallId: `call-${++turn.echo.lastId}`, title, kind: "execute", status: "pending" };
    const params = { toolCall: { ...toolCall, rawInput: { title } }, options: PERMISSION_OPTIONS };
    report(turn, "permission", () => {
      const { outcome } = turn.request("session/request_permission", params, { untilAnswered: true });
      return outcome.outcome === "selected" ? outcome.optionId : outcome.outcome;
    });
  },

  read(turn, rest) {
    const [path, ...range] = rest.split(/\s+/);
    const [line, limit] = range.map(Number);
    const params = { path: resolve(turn.session.cwd, path), line, limit };
    report(turn, "read", () => turn.request("fs/read_text_file", params).content);
  },

  write(turn, rest) {
    const [path, content] = pathAndText(turn, rest);
    report(turn, "write", () => {
      turn.request("fs/write_text_file", { path, content });
      return path;
    });
  },

  fsread: (turn, rest) => report(turn, "fsread", () => readFile(resolve(turn.session.cwd, rest))),

  fswrite(turn, rest) {
    const [path, text] = pathAndText(turn, rest);
    report(turn, "fswrite", () => `${writeFile(path, text)} bytes`);
  },

  ls: (turn, rest) => report(turn, "ls", () => list(resolve(turn.session.cwd, rest)).join(" ")),

  terminal(turn, rest) {
    const [command, ...args] = rest.split(/\s+/);
    report(turn, "terminal", () => {
      const { terminalId } = turn.request("terminal/create", { command, args, cwd: turn.session.cwd });
      try {
        const status = turn.request("terminal/wait_for_exit", { terminalId });
        const { output, truncated } = turn.request("terminal/output", { terminalId });
        return `exit=${status.exitCode ?? null} signal=${status.signal ?? null} truncated=${truncated} output=${output}`;
      } finally {
        turn.ask("terminal/release", { terminalId });
      }
    });
  },

  request(turn, rest) {
    const [, method, json] = /^(\S+)\s*([\s\S]*)$/.exec(rest);
    report(turn, method, () => JSON.stringify(turn.request(method, json ? JSON.parse(json) : {})));
  },

  thought: (turn, rest) =>
    turn.update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text: rest || "Hmm." } }),

  plan(turn) {
    const entry = (content, status) => ({ content, status, priority: "medium" });
    turn.update({ sessionUpdate: "plan", entries: [entry("Look", "completed"), entry("Leap", "in_progress")] });
  },

  toolcall(turn, rest) {
    const toolCallId = `call-${++turn.echo.lastId}`;
    const path = resolve(turn.session.cwd, rest || "notes.txt");
    const call = { toolCallId, title: `Edit ${path}`, kind: "edit", status: "pending", rawInput: { path } };
    turn.update({ sessionUpdate: "tool_call", ...call, locations: [{ path, line: 1 }] });
    turn.update({ sessionUpdate: "tool_call_update", toolCallId, status: "in_progress" });
    const content = [{ type: "diff", path, oldText: null, newText: "new\n" }];
    turn.update({ sessionUpdate: "tool_call_update", toolCallId, status: "completed", content, rawOutput: { ok: true } });
  },

  usage(turn, rest) {
    const [used = 1000, size = 200_000, amount] = numbers(rest);
    const cost = amount === undefined ? {} : { cost: { amount, currency: "USD" } };
    turn.update({ sessionUpdate: "usage_update", used, size, ...cost });
  },

  tokens(turn, rest) {
    const [inputTokens = 100, outputTokens = 10] = numbers(rest);
    turn.usage = { totalTokens: inputTokens + outputTokens, inputTokens, outputTokens };
  },

  title: (turn, rest) => turn.update({ sessionUpdate: "session_info_update", title: rest }),

  state(turn) {
    const { mode, config, history, cwd } = turn.session;
    turn.say(JSON.stringify({ mode, config, turns: history.length, cwd }));
  },

  params: (turn) => turn.say(JSON.stringify(turn.session.params)),
  client: (turn) => turn.say(JSON.stringify(turn.echo.client)),
  history: (turn) => turn.say(JSON.stringify(turn.session.history)),
  env: (turn, rest) => turn.say(rest ? `${rest}=${turn.echo.env[rest] ?? ""}` : JSON.stringify(turn.echo.env)),
  stderr: (turn, rest) => log(rest),
  stop: (turn, rest) => void (turn.stopReason = rest || "end_turn"),

  fail(turn, rest) {
    throw { code: -32000, message: rest || "echo was told to fail", data: { reason: "told" } };
  },

  exit: (turn, rest) => exit.exitWithCode(numbers(rest)[0] ?? 0),

  /** Traps: the runtime's glue panics on an argument of the wrong type. */
  crash: () => stdin.getStdin().read("crash"),

  spin() {
    for (;;);
  },

  hog(turn, rest) {
    const [most = Infinity] = numbers(rest);
    const held = [];
    try {
      while (held.length < most) held.push(new Uint8Array(MIB).fill(1));
    } catch {
      const got = held.length;
      held.length = 0;
      turn.say(`hog: out of memory after ${got} MiB`);
      return;
    }
    turn.say(`hog: holding ${held.length} MiB`);
    turn.session.held = held;
  },

  longline(turn, rest) {
    const [mib = 1] = numbers(rest);
    const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text: "@" } };
    const params = { sessionId: turn.session.id, update };
    const [head, tail] = JSON.stringify({ jsonrpc: "2.0", method: "session/update", params }).split("@");
    const { wire } = turn.echo;
    const block = new Uint8Array(MIB).fill(120);
    wire.sendText(head);
    for (let i = 0; i < mib; i++) wire.sendBytes(block);
    wire.sendText(tail + "\n");
  },

  garbage(turn) {
    const { wire } = turn.echo;
    const notice = (text) => {
      const update = { sessionUpdate: "agent_message_chunk", content: { type: "text", text } };
      return { jsonrpc: "2.0", method: "session/update", params: { sessionId: turn.session.id, update } };
    };
    for (const line of ["this is not JSON", '{"jsonrpc":"2.0",', "null", "42", '"text"', "[]", "", "{}"]) {
      wire.sendText(line + "\n");
    }
    wire.sendBytes(new Uint8Array([0xff, 0xfe, 0x00, 0x80, 0x0a]));
    wire.send([notice("batched "), notice("twice ")]);
    const whole = JSON.stringify(notice("in halves ")) + "\n";
    wire.sendText(whole.slice(0, 20));
    turn.wait(5);
    wire.sendText(whole.slice(20));
    wire.send({ jsonrpc: "2.0", method: "_echo/unknown_notification", params: {} });
    wire.send({ jsonrpc: "2.0", method: "session/update", params: { sessionId: "no-such-session", update: {} } });
    turn.update({ sessionUpdate: "no_such_update", text: "?" });
    wire.send({ jsonrpc: "2.0", id: "never-asked", result: {} });
    wire.send({ jsonrpc: "2.0", id: 0, error: { code: -32603, message: "an error out of nowhere" } });
    const unknown = turn.answer(turn.ask("_echo/unknown_request", {}));
    const twin = ++turn.echo.lastId;
    turn.ask("_echo/twin", {}, twin);
    turn.ask("_echo/twin", {}, twin);
    const twins = turn.answer(twin);
    turn.say(`garbage: unknown request ${unknown.error?.code}, duplicate id ${twins.error?.code}`);
  },
};
