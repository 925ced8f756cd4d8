// One turn of echo: what a command may do, and how it notices a cancel.

/** Ends the turn with stopReason "cancelled". */
export class Cancelled extends Error {}

export class Turn {
  constructor(echo, session) {
    this.echo = echo;
    this.session = session;
    this.cancelled = false;
    this.deaf = false; // ignores session/cancel
    this.said = [];
  }

  /** Sends a piece of the answer. */
  say(text) {
    this.said.push(text);
    this.update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text } });
  }

  update(update) {
    this.echo.update(this.session, update);
  }

  /** Takes in what has arrived, for up to `ms`; with 0 it never waits. Throws Cancelled. */
  wait(ms) {
    const end = Date.now() + ms;
    for (;;) {
      this.check();
      const message = this.echo.wire.receive(Math.max(0, end - Date.now()));
      if (message) this.echo.dispatch(message);
      else if (Date.now() >= end) return;
    }
  }

  check() {
    if (this.cancelled && !this.deaf) throw new Cancelled();
  }

  /** Sends a request and hands back its id, for those who do odd things with it. */
  ask(method, params, id = ++this.echo.lastId) {
    this.echo.answers.set(id, null);
    this.echo.wire.send({ jsonrpc: "2.0", id, method, params: { sessionId: this.session.id, ...params } });
    return id;
  }

  /**
   * The result of a request to the client; throws its error object. A cancel ends the wait, except where
   * `untilAnswered` says that the client owes the answer even then (ACP: permission requests).
   */
  request(method, params, { untilAnswered = false } = {}) {
    const id = this.ask(method, params);
    const answer = this.answer(id, untilAnswered);
    if (answer.error) throw answer.error;
    return answer.result;
  }

  answer(id, untilAnswered = false) {
    const { answers, wire } = this.echo;
    try {
      while (!answers.get(id)) {
        if (!untilAnswered) this.check();
        this.echo.dispatch(wire.receive());
      }
      return answers.get(id);
    } finally {
      answers.delete(id);
    }
  }
}
