// JSON-RPC with the client: its requests are served side by side, and ours wait for their answers.

import { receive, send } from "./wire.mjs";

export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const NOT_FOUND = -32002;
const INTERNAL_ERROR = -32603;

/** The client has answered a request with an error. */
export class ClientError extends Error {
  name = "ClientError";

  constructor(method, { code = 0, message, data }) {
    super(`${method}: ${message}`);
    Object.assign(this, { code, data });
  }
}

/** What a request is answered with in place of a result. */
export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/** Both directions. */
export class Connection {
  #serve;
  #last = 0;
  #waiting = new Map(); // id of ours -> what takes the answer
  #serving = new Map(); // id of theirs -> {controller, answered}

  /** @param {(method: string, params: object, controller: AbortController) => any} serve gives a result, or a promise of it */
  constructor(serve) {
    this.#serve = serve;
  }

  /** Serves until the input ends; what is not served then is cancelled. */
  async run() {
    await receive((message) => this.#take(message));
    const serving = [...this.#serving.values()];
    for (const { controller } of serving) controller.abort();
    await Promise.all(serving.map(({ answered }) => answered));
  }

  /**
   * The client's result. Rejects with ClientError. When the signal says so, the client is told that it is not wanted any more; a
   * result that comes all the same is `late`'s, or dropped.
   */
  request(method, params, signal, late = () => {}) {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const id = ++this.#last;
      const abort = () => {
        this.#waiting.set(id, ({ error, result }) => error ?? late(result));
        this.notify("$/cancel_request", { requestId: id });
        reject(signal.reason);
      };
      signal.addEventListener("abort", abort);
      this.#waiting.set(id, ({ error, result }) => {
        signal.removeEventListener("abort", abort);
        if (error) reject(new ClientError(method, error));
        else resolve(result);
      });
      send({ id, method, params });
    });
  }

  /** Makes a request of which nobody waits for the answer. */
  post(method, params) {
    send({ id: ++this.#last, method, params });
  }

  /** Tells the client something. */
  notify(method, params) {
    send({ method, params });
  }

  #take({ id, method, params = {}, result, error }) {
    if (method === undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      waiting?.({ result, error });
    } else if (method === "$/cancel_request") this.#serving.get(params.requestId)?.controller.abort();
    else if (id !== undefined) this.#begin(id, method, params);
    else {
      try {
        this.#serve(method, params);
      } catch (fault) {
        console.error(fault);
      }
    }
  }

  #begin(id, method, params) {
    const serving = { controller: new AbortController() };
    this.#serving.set(id, serving);
    serving.answered = this.#answer(id, method, params, serving.controller);
  }

  async #answer(id, method, params, controller) {
    try {
      send({ id, result: (await this.#serve(method, params, controller)) ?? null });
    } catch (error) {
      const isRefusal = error instanceof Refusal;
      if (!isRefusal) console.error(error);
      send({ id, error: isRefusal ? { code: error.code, message: error.message } : { code: INTERNAL_ERROR, message: String(error) } });
    }
    this.#serving.delete(id);
  }
}
