// One answer of the model: the events of the Messages API's stream, made into pi's message and pi's events.
//
// Servers that speak this API are many, and few of them are Anthropic's. What is left out or unknown is passed over as long as the
// answer stays clear; what makes it unclear is a ModelError. No I/O in here.

import { calculateCost } from "@mariozechner/pi-ai";
import { UnusableArguments, readArguments } from "./arguments.mjs";
import { ModelError, errorFrom } from "./failure.mjs";
import { Joiner, cut } from "./text.mjs";

/** The API's stop reasons as pi's; "refusal" and "pause" are additions. Others are taken for an ordinary end. */
const STOP_REASONS = {
  end_turn: "stop",
  stop_sequence: "stop",
  tool_use: "toolUse",
  max_tokens: "length",
  model_context_window_exceeded: "length",
  refusal: "refusal",
  sensitive: "refusal",
  pause_turn: "pause",
};
/** What the API takes as a tool's name and as a call's id when it gets the conversation back. */
const NOT_OF_NAMES = /[^a-zA-Z0-9_-]/g;
const MAX_NAME = 128;
const MAX_ID = 64;

const isText = (value) => typeof value === "string";
const nameOf = (value, length) => (isText(value) ? value.replace(NOT_OF_NAMES, "_").slice(0, length) : "");

function emptyMessage(model, before) {
  return {
    role: "assistant",
    content: before?.content.slice() ?? [],
    api: model.api,
    provider: model.provider,
    model: model.id,
    usage: { totalTokens: 0, cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 } },
    stopReason: "stop",
    timestamp: Date.now(),
  };
}

/** The parts of the API's usage that are there, by pi's names. */
function usageOf({ input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens } = {}) {
  const counts = {
    input: input_tokens,
    output: output_tokens,
    cacheRead: cache_read_input_tokens,
    cacheWrite: cache_creation_input_tokens,
  };
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => Number.isFinite(count) && count >= 0));
}

/** A copy without the tool calls for which `unwanted` holds. Events that were given keep the message that they know. */
export function withoutCalls(message, unwanted) {
  return { ...message, content: message.content.filter((block) => block.type !== "toolCall" || !unwanted(block)) };
}

export class Answer {
  #model;
  #show;
  #taken;
  #used; // the tokens of this answer, without those of the answers that it goes on with
  #usedBefore;
  #blocks = new Map(); // the API's index of a block -> {content, at, joiner, json} while it is open
  #stopReason;
  #ended = false;

  /**
   * @param {{before?: object, show?: (event: object) => void, taken?: Set<string>}} [options] `before` is the message that this answer
   * goes on with, if the model made a pause in it; `show` gets pi's events; `taken` are the ids of earlier calls
   */
  constructor(model, { before, show, taken } = {}) {
    this.#model = model;
    this.#show = show;
    this.#taken = new Set(taken);
    this.message = emptyMessage(model, before);
    this.#used = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    this.#usedBefore = before?.usage ?? { ...this.#used };
    this.#count();
  }

  /** Whether the last event has been taken: what a server sends after it is nobody's. */
  get ended() {
    return this.#ended;
  }

  /** Takes the data of one event. */
  take(data) {
    let event;
    try {
      event = JSON.parse(data);
    } catch {
      if (data.trim() === "[DONE]") return;
      throw new ModelError(`the model's server sent an event that is no JSON: ${cut(data, 200)}`, { transient: true });
    }
    switch (event?.type) {
      case "message_start":
        this.#count(event.message?.usage);
        break;
      case "content_block_start":
        this.#start(event.index, event.content_block ?? {});
        break;
      case "content_block_delta":
        this.#delta(event.index, event.delta ?? {});
        break;
      case "content_block_stop":
        this.#stop(event.index);
        break;
      case "message_delta":
        if (isText(event.delta?.stop_reason)) this.#stopReason = event.delta.stop_reason;
        this.#count(event.usage);
        break;
      case "message_stop":
        this.#ended = true;
        break;
      case "error":
        throw errorFrom(data);
    }
  }

  /** Takes an answer that came as one JSON object, from a server that does not stream. */
  takeWhole(text) {
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      message = undefined;
    }
    const { type, content, stop_reason, usage } = message ?? {};
    if (!Array.isArray(content) && type !== "message") throw errorFrom(text);
    for (const [index, block] of (Array.isArray(content) ? content : []).entries()) {
      this.#start(index, block ?? {});
      this.#stop(index);
    }
    if (isText(stop_reason)) this.#stopReason = stop_reason;
    this.#count(usage);
    this.#ended = true;
  }

  /** The stream is over. Throws ModelError if the answer is none. */
  finish() {
    if (!this.#ended && this.#stopReason === undefined) {
      throw new ModelError("the model's answer broke off: its stream ended before it did", { transient: true });
    }
    for (const index of [...this.#blocks.keys()]) this.#stop(index);
    const { message } = this;
    message.stopReason = STOP_REASONS[this.#stopReason] ?? "stop";
    if (message.stopReason === "length") this.#markCutCall();
    // What was to be done belongs to what is refused.
    if (message.stopReason === "refusal") this.message = withoutCalls(message, () => true);
  }

  /** Whether it ended of itself, and has nothing that a user or a tool could make use of. */
  get isEmpty() {
    if (["length", "refusal"].includes(this.message.stopReason)) return false;
    return !this.message.content.some(({ type, text }) => type === "toolCall" || (type === "text" && text.trim() !== ""));
  }

  /** A call without arguments looks the same whether it is whole or was cut off before the first of them. */
  #markCutCall() {
    const last = this.message.content.at(-1);
    if (last?.type !== "toolCall") return;
    const { arguments: given } = last;
    if (given instanceof UnusableArguments) given.cutOff();
    else if (!Object.keys(given).length) last.arguments = new UnusableArguments("").cutOff();
  }

  #count(usage) {
    Object.assign(this.#used, usageOf(usage ?? undefined));
    const total = this.message.usage;
    total.totalTokens = 0;
    for (const [kind, count] of Object.entries(this.#used)) {
      total[kind] = this.#usedBefore[kind] + count;
      total.totalTokens += total[kind];
    }
    calculateCost(this.#model, total);
  }

  /** The API wants a call's id to be there once in a conversation. */
  #newId(given) {
    const name = nameOf(given, MAX_ID);
    const id = name && !this.#taken.has(name) ? name : `toolu_${crypto.randomUUID().replaceAll("-", "")}`;
    this.#taken.add(id);
    return id;
  }

  #open(index, content) {
    const block = { content, at: this.message.content.length, joiner: new Joiner(), json: [] };
    this.#blocks.set(index, block);
    this.message.content.push(content);
    return block;
  }

  #event(type, block, members) {
    return { type, contentIndex: block.at, partial: this.message, ...members };
  }

  #start(index, given) {
    switch (given.type) {
      case "text":
        this.#text(index, given.text);
        break;
      case "thinking":
        this.#thinking(index, given.thinking);
        this.#sign(index, given.signature);
        break;
      case "redacted_thinking": {
        const content = { type: "thinking", thinking: "[Reasoning redacted]", thinkingSignature: given.data, redacted: true };
        this.#show(this.#event("thinking_start", this.#open(index, content)));
        break;
      }
      case "tool_use": {
        const block = this.#open(index, { type: "toolCall", id: this.#newId(given.id), name: nameOf(given.name, MAX_NAME) || "_", arguments: {} });
        block.given = given.input;
        this.#show(this.#event("toolcall_start", block));
        break;
      }
    }
  }

  #delta(index, { type, text, thinking, signature, partial_json }) {
    if (type === "text_delta") this.#text(index, text);
    else if (type === "thinking_delta") this.#thinking(index, thinking);
    else if (type === "signature_delta") this.#sign(index, signature);
    // Read when they are whole: to read them anew at each piece takes the square of their length.
    else if (type === "input_json_delta" && isText(partial_json)) this.#blocks.get(index)?.json.push(partial_json);
  }

  #text(index, piece) {
    let block = this.#blocks.get(index);
    if (!block) {
      block = this.#open(index, { type: "text", text: "" });
      this.#show(this.#event("text_start", block));
    }
    if (block.content.type === "text" && isText(piece)) this.#grow(block, "text", block.joiner.take(piece));
  }

  #thinking(index, piece) {
    let block = this.#blocks.get(index);
    if (!block) {
      block = this.#open(index, { type: "thinking", thinking: "", thinkingSignature: "" });
      this.#show(this.#event("thinking_start", block));
    }
    if (block.content.type === "thinking" && isText(piece)) this.#grow(block, "thinking", block.joiner.take(piece));
  }

  #grow(block, kind, delta) {
    if (!delta) return;
    block.content[kind] += delta;
    this.#show(this.#event(`${kind}_delta`, block, { delta }));
  }

  #sign(index, signature) {
    const content = this.#blocks.get(index)?.content;
    if (content?.type === "thinking" && isText(signature)) content.thinkingSignature += signature;
  }

  #stop(index) {
    const block = this.#blocks.get(index);
    if (!block) return;
    this.#blocks.delete(index);
    const { content } = block;
    if (content.type === "toolCall") {
      content.arguments = readArguments(block.json.join(""), block.given);
      this.#show(this.#event("toolcall_end", block, { toolCall: content }));
      return;
    }
    this.#grow(block, content.type, block.joiner.end());
    this.#show(this.#event(`${content.type}_end`, block, { content: content[content.type] }));
  }
}
