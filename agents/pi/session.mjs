// One conversation: pi's agent core with our tools, its events told to the client, its messages kept.

import { methods } from "@agentclientprotocol/sdk";
import { Agent } from "@mariozechner/pi-agent-core";
import { streamSimpleAnthropic } from "@mariozechner/pi-ai/anthropic";
import { promptError, missingKey } from "./errors.mjs";
import { Journal } from "./persist.mjs";
import { systemPrompt } from "./prompt.mjs";
import { toolsFor } from "./tools/index.mjs";
import { Reporter, replayUpdates } from "./updates.mjs";

const TITLE_LENGTH = 80;
const STOP_REASONS = { stop: "end_turn", toolUse: "end_turn", length: "max_tokens", aborted: "cancelled" };

export class Session {
  constructor({ id, cwd, directories, client, capabilities, model, thinking, saved, mcp }) {
    this.id = id;
    this.cwd = cwd;
    this.client = client;
    this.title = saved?.title;
    this.journal = new Journal(id, !saved);
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
      streamFn: streamSimpleAnthropic,
      getApiKey: () => process.env.ANTHROPIC_API_KEY,
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
    if (!process.env.ANTHROPIC_API_KEY) throw missingKey();
    const { text, images } = readBlocks(blocks);
    if (this.mcp && !(await this.addMcpTools())) return { stopReason: "cancelled" };
    const before = this.agent.state.messages.length;
    // Not awaited before the turn has begun: a cancel that comes in between would find nothing to stop.
    const titled = this.title ? undefined : this.setTitle(text);
    await this.agent.prompt(text, images);
    await titled;
    await this.reporter.finish();
    const answers = this.agent.state.messages.slice(before).filter(({ role }) => role === "assistant");
    const last = answers.at(-1);
    if (last?.stopReason === "error") throw promptError(last.errorMessage);
    const stopReason = STOP_REASONS[last?.stopReason] ?? "end_turn";
    return answers.length ? { stopReason, usage: totalUsage(answers) } : { stopReason };
  }

  /** Brings the agent's tools up to date with the MCP servers. False: the turn was cancelled meanwhile. */
  async addMcpTools() {
    const waiting = (this.waiting = new AbortController());
    const cancelled = new Promise((resolve) => waiting.signal.addEventListener("abort", resolve));
    await Promise.race([this.mcp.ready(), cancelled]);
    this.waiting = undefined;
    if (waiting.signal.aborted) return false;
    this.agent.state.tools = [...this.tools, ...this.mcp.tools()];
    this.agent.state.systemPrompt = [this.systemPrompt, ...this.mcp.instructions()].join("\n\n");
    return true;
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
    this.title = line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1)}…` : line;
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
  const texts = [];
  const images = [];
  for (const block of blocks) {
    if (block.type === "text") texts.push(block.text);
    else if (block.type === "image") images.push({ type: "image", data: block.data, mimeType: block.mimeType });
    else if (block.type === "resource_link") texts.push(`[${block.name}](${block.uri})`);
    else if (block.resource?.text !== undefined) texts.push(`<file uri="${block.resource.uri}">\n${block.resource.text}\n</file>`);
  }
  return { text: texts.join("\n"), images };
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
