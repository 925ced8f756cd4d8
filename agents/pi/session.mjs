// One conversation: pi's agent core with our tools, its events told to the client, its messages kept.

import { methods } from "@agentclientprotocol/sdk";
import { Agent } from "@mariozechner/pi-agent-core";
import { checkKey, promptError } from "./failure.mjs";
import { soundBlock, withdraw } from "./images.mjs";
import { streamAnswer } from "./model.mjs";
import { Journal } from "./persist.mjs";
import { systemPrompt } from "./prompt.mjs";
import { cut } from "./text.mjs";
import { guarded, toolsFor } from "./tools/index.mjs";
import { Reporter, replayUpdates } from "./updates.mjs";

const TITLE_LENGTH = 80;
const STOP_REASONS = { stop: "end_turn", toolUse: "end_turn", length: "max_tokens", refusal: "refusal", aborted: "cancelled" };

/** Without the line end that files of keys have. */
const apiKey = () => process.env.ANTHROPIC_API_KEY?.trim();

export class Session {
  constructor({ id, cwd, directories, client, capabilities, model, thinking, saved, mcp }) {
    this.id = id;
    this.cwd = cwd;
    this.client = client;
    this.title = saved?.title;
    this.journal = new Journal(id, saved);
    this.mcp = mcp;
    this.waiting = undefined; // the turn that waits for MCP servers: an AbortController
    this.tools = toolsFor({ cwd, client, capabilities, sessionId: id });
    this.systemPrompt = systemPrompt({ cwd, directories, tools: this.tools });
    this.agent = new Agent({
      initialState: {
        systemPrompt: this.systemPrompt,
        model,
        thinkingLevel: thinking,
        tools: this.tools,
        messages: saved?.messages ?? [],
      },
      streamFn: (asked, context, options) =>
        streamAnswer(asked, context, { ...options, withdrawImages: (...which) => this.withdrawImages(...which) }),
      afterToolCall: async ({ result }) => ({ content: result.content.map(soundBlock) }),
      getApiKey: apiKey,
      sessionId: id,
      // One after the other: they all work on the same files.
      toolExecution: "sequential",
    });
    this.reporter = new Reporter({
      cwd,
      cost: costOf(saved?.messages ?? []),
      model: () => this.model,
      update: (update) => this.update(update),
    });
    this.agent.subscribe(async (event) => {
      if (event.type === "message_end") this.journal.message(event.message);
      await this.reporter.report(event);
    });
    if (!saved) this.journal.settings({ model: model.id, thinking });
  }

  get model() {
    return this.agent.state.model;
  }

  get thinking() {
    return this.agent.state.thinkingLevel;
  }

  configure(model, thinking) {
    this.agent.state.model = model;
    this.agent.state.thinkingLevel = thinking;
    this.journal.settings({ model: model.id, thinking });
  }

  update(update) {
    return this.client.notify(methods.client.session.update, { sessionId: this.id, update });
  }

  /** Runs a turn. @returns ACP's PromptResponse; throws RequestError */
  async prompt(blocks) {
    checkKey(apiKey());
    const { text, images } = readBlocks(blocks);
    if (this.mcp && !(await this.addMcpTools())) return { stopReason: "cancelled" };
    const before = this.agent.state.messages.length;
    const mark = this.journal.length;
    // Not awaited before the turn has begun: a cancel that comes in between would find nothing to stop.
    const titled = this.title ? undefined : this.setTitle(text);
    await this.agent.prompt(text, images);
    await titled;
    await this.reporter.finish();
    const answers = this.agent.state.messages.slice(before).filter(({ role }) => role === "assistant");
    const last = answers.at(-1);
    if (last?.stopReason === "error") throw promptError(last);
    const stopReason = STOP_REASONS[last?.stopReason] ?? "end_turn";
    if (stopReason === "refusal") this.forget(before, mark);
    return answers.length ? { stopReason, usage: totalUsage(answers) } : { stopReason };
  }

  /** Brings the agent's tools up to date with the MCP servers. False: the turn was cancelled meanwhile. */
  async addMcpTools() {
    const waiting = (this.waiting = new AbortController());
    const cancelled = new Promise((resolve) => waiting.signal.addEventListener("abort", resolve));
    await Promise.race([this.mcp.ready(), cancelled]);
    this.waiting = undefined;
    if (waiting.signal.aborted) return false;
    this.agent.state.tools = [...this.tools, ...this.mcp.tools().map(guarded)];
    this.agent.state.systemPrompt = [this.systemPrompt, ...this.mcp.instructions()].join("\n\n");
    return true;
  }

  /** ACP on a refusal: the prompt and what came after it are not in the next one. The model would refuse that as well. */
  forget(before, mark) {
    this.agent.state.messages = this.agent.state.messages.slice(0, before);
    this.journal.forget(mark);
  }

  /** The API has refused a request that may be refused for the images of its messages from `first` on. */
  withdrawImages(messages, first) {
    withdraw(messages.slice(first));
    this.journal.withdrawImages(this.journal.length - messages.length + first);
  }

  cancel() {
    this.waiting?.abort();
    this.agent.abort();
  }

  close() {
    this.cancel();
    this.mcp?.close();
  }

  async setTitle(text) {
    const line = text.trim().split("\n", 1)[0];
    this.title = line.length > TITLE_LENGTH ? `${cut(line, TITLE_LENGTH - 1)}…` : line;
    this.journal.settings({ title: this.title });
    await this.update({ sessionUpdate: "session_info_update", title: this.title });
  }

  /** Tells the client the conversation so far, as session/load must. */
  async replay() {
    for (const update of replayUpdates(this.agent.state.messages, this.cwd)) await this.update(update);
  }
}

/** ACP's content blocks as pi takes them: one text and images. */
function readBlocks(blocks) {
  const read = blocks.map(readBlock);
  return {
    text: read.flatMap(({ type, text }) => (type === "text" ? [text] : [])).join("\n"),
    images: read.filter(({ type }) => type === "image"),
  };
}

function readBlock({ type, text, name, uri, data, mimeType, resource }) {
  switch (type) {
    case "text":
      return { type, text };
    case "image":
      return soundBlock({ type, data, mimeType });
    case "resource_link":
      return { type: "text", text: `[${name}](${uri})` };
    case "resource":
      if (resource.text !== undefined) return { type: "text", text: `<file uri="${resource.uri}">\n${resource.text}\n</file>` };
      if (resource.mimeType?.startsWith("image/")) return soundBlock({ type: "image", data: resource.blob, mimeType });
      return { type: "text", text: `(${resource.uri}: ${resource.mimeType ?? "binary data"}, which cannot be shown)` };
    default:
      return { type: "text", text: `(${type} content, which cannot be shown)` };
  }
}

/** The tokens of a turn, as ACP has them. */
function totalUsage(answers) {
  const total = { totalTokens: 0, inputTokens: 0, outputTokens: 0, cachedReadTokens: 0, cachedWriteTokens: 0 };
  for (const { usage } of answers) {
    total.totalTokens += usage.totalTokens;
    total.inputTokens += usage.input;
    total.outputTokens += usage.output;
    total.cachedReadTokens += usage.cacheRead;
    total.cachedWriteTokens += usage.cacheWrite;
  }
  return total;
}

/** US dollars. */
function costOf(messages) {
  return messages.reduce((sum, { usage }) => sum + (usage?.cost.total ?? 0), 0);
}
