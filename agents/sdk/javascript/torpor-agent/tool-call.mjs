// Something that the agent does, as the client shows it and the transcript keeps it.

/** One call. `Session.toolCall` makes them. */
export class ToolCall {
  /** ACP's `toolCall`, as it is announced. */
  about;
  #send;
  #content = [];

  /** @param {(update: object) => void} send */
  constructor(send, about) {
    this.about = about;
    this.#send = send;
  }

  /** Adds a piece of text to what the call shows. */
  show(text) {
    this.add({ type: "content", content: { type: "text", text } });
  }

  /** Adds a change of a file; `before` is null for a new one. */
  diff(path, before, after) {
    this.add({ type: "diff", path, oldText: before, newText: after });
  }

  /** Adds content as ACP has it. */
  add(content) {
    this.#content.push(content);
    this.update({ content: this.#content });
  }

  /** Tells any members of ACP's `tool_call_update`, such as `title`, `rawOutput` and `locations`. */
  update(members) {
    this.#send({ sessionUpdate: "tool_call_update", toolCallId: this.about.toolCallId, ...members });
  }

  /** Does it: it runs until `work` is done, and has failed if that throws. */
  async during(work) {
    this.#send({ sessionUpdate: "tool_call", ...this.about, status: "in_progress" });
    try {
      const result = await work(this);
      this.update({ status: "completed" });
      return result;
    } catch (error) {
      this.show(error?.name === "AbortError" ? "cancelled" : String(error));
      this.update({ status: "failed" });
      throw error;
    }
  }
}
