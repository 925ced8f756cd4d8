// pi's events as ACP session updates.

import { present } from "./present.mjs";

const text = (value) => ({ type: "text", text: value });

function toolContent(result) {
  const content = (result?.content ?? []).map((block) => ({ type: "content", content: block }));
  const { diff } = result?.details ?? {};
  return diff ? [{ type: "diff", ...diff }] : content;
}

/** How much of what a command has written so far is shown while it runs. */
const SHOWN_LINES = 20;

/** The last lines of a result that is not complete. */
function ending(result) {
  const content = result.content.map((block) => {
    if (block.type !== "text") return block;
    const lines = block.text.split("\n");
    return text(lines.slice(-SHOWN_LINES - (lines.at(-1) === "" ? 1 : 0)).join("\n"));
  });
  return { ...result, content };
}

export class Reporter {
  /** @param cost what the session has cost before, in US dollars */
  constructor({ cwd, cost, model, update }) {
    this.cwd = cwd;
    this.model = model;
    this.update = update;
    this.calls = new Set(); // tool calls that the client knows and that have not ended
    this.cost = cost;
  }

  async report(event) {
    switch (event.type) {
      case "message_update":
        await this.delta(event.assistantMessageEvent);
        break;
      case "message_end":
        if (event.message.role === "assistant") await this.usage(event.message.usage);
        break;
      case "tool_execution_start":
        await this.update({ sessionUpdate: "tool_call_update", toolCallId: event.toolCallId, status: "in_progress" });
        break;
      case "tool_execution_update":
        if (!event.partialResult.content.length) break; // that it has begun is told already
        await this.update({
          sessionUpdate: "tool_call_update",
          toolCallId: event.toolCallId,
          content: toolContent(ending(event.partialResult)),
        });
        break;
      case "tool_execution_end":
        this.calls.delete(event.toolCallId);
        await this.update({
          sessionUpdate: "tool_call_update",
          toolCallId: event.toolCallId,
          status: event.isError ? "failed" : "completed",
          content: toolContent(event.result),
        });
        break;
    }
  }

  async delta(event) {
    switch (event.type) {
      case "text_delta":
        await this.update({ sessionUpdate: "agent_message_chunk", content: text(event.delta) });
        break;
      case "thinking_delta":
        await this.update({ sessionUpdate: "agent_thought_chunk", content: text(event.delta) });
        break;
      case "toolcall_start": {
        const { id, name } = event.partial.content[event.contentIndex];
        this.calls.add(id);
        await this.update({ sessionUpdate: "tool_call", toolCallId: id, status: "pending", ...present(name, undefined, this.cwd) });
        break;
      }
      case "toolcall_end":
        await this.update({
          sessionUpdate: "tool_call_update",
          toolCallId: event.toolCall.id,
          ...present(event.toolCall.name, event.toolCall.arguments, this.cwd),
        });
        break;
    }
  }

  async usage({ totalTokens, cost }) {
    if (!totalTokens) return; // the request failed before anything was counted
    this.cost += cost.total;
    const amount = { amount: this.cost, currency: "USD" };
    await this.update({ sessionUpdate: "usage_update", used: totalTokens, size: this.model().contextWindow, cost: amount });
  }

  /** The turn is over: tool calls that were announced and never ran have failed. */
  async finish() {
    for (const toolCallId of this.calls) {
      await this.update({ sessionUpdate: "tool_call_update", toolCallId, status: "failed" });
    }
    this.calls.clear();
  }
}

/** The updates that tell a conversation over again. */
export function* replayUpdates(messages, cwd) {
  for (const message of messages) {
    if (message.role === "user") {
      const blocks = typeof message.content === "string" ? [text(message.content)] : message.content;
      for (const content of blocks) yield { sessionUpdate: "user_message_chunk", content };
    } else if (message.role === "assistant") {
      for (const block of message.content) {
        if (block.type === "text") yield { sessionUpdate: "agent_message_chunk", content: text(block.text) };
        else if (block.type === "thinking") yield { sessionUpdate: "agent_thought_chunk", content: text(block.thinking) };
        else yield { sessionUpdate: "tool_call", toolCallId: block.id, ...present(block.name, block.arguments, cwd) };
      }
    } else if (message.role === "compactionSummary") {
      yield { sessionUpdate: "agent_thought_chunk", content: text(message.summary) };
    } else if (message.role === "toolResult") {
      const status = message.isError ? "failed" : "completed";
      yield { sessionUpdate: "tool_call_update", toolCallId: message.toolCallId, status, content: toolContent(message) };
    }
  }
}
