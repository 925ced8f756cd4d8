/** JSON-RPC with the daemon over one WebSocket, which is made anew after it was lost; subscriptions go on where they were. */

import { signal } from "@preact/signals";
import type { JsonObject, Methods, MethodName, Subscribed, Welcome } from "../../typescript/src/generated.ts";

/** An error that the daemon answered with, or that there is no connection (`connection_lost`). */
export class RpcError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Hears a notification's name and params. */
export type Listener = (method: string, params: JsonObject) => void;

/** What is subscribed to, asked anew at each connection: `after` has moved on by then. */
export type Wish = () => Methods["subscribe"]["params"];

interface Pending {
  resolve(result: any): void;
  reject(error: RpcError): void;
  /** Sees the result before anything that the daemon sent after it. */
  accept?: ((result: any) => void) | undefined;
}

interface Wanted {
  wish: Wish;
  listener: Listener;
  /** Called when the subscription stands, for the first time or again. */
  stands: () => void;
  id?: string | undefined;
}

const PROTOCOL = 1;
/** Milliseconds before a new attempt, doubled up to the second: a daemon restarts within one or two seconds. */
const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2_000;

export class Daemon {
  /** `open`, `connecting` for the first time, or `lost`, which is tried again. */
  readonly state = signal<"connecting" | "open" | "lost">("connecting");
  /** What the daemon said of itself. */
  readonly welcome = signal<Welcome | undefined>(undefined);
  #socket: WebSocket | undefined;
  #lastId = 0;
  #delay = FIRST_DELAY_MS;
  readonly #pending = new Map<number, Pending>();
  readonly #wanted = new Set<Wanted>();
  readonly #byId = new Map<string, Wanted>();

  constructor(private readonly url: string) {
    this.#connect();
  }

  /** Sends a request. Rejects with RpcError; a connection that is lost meanwhile rejects it, too. */
  call<M extends MethodName>(method: M, params: Methods[M]["params"]): Promise<Methods[M]["result"]> {
    return this.#request(method, params);
  }

  /** Subscribes for as long as the returned function is not called, over all connections. */
  subscribe(wish: Wish, listener: Listener, stands: () => void = () => {}): () => void {
    const wanted: Wanted = { wish, listener, stands };
    this.#wanted.add(wanted);
    if (this.state.value === "open") {
      this.#establish(wanted);
    }
    return () => {
      this.#wanted.delete(wanted);
      if (wanted.id !== undefined && this.#byId.delete(wanted.id)) {
        this.#request("unsubscribe", { subscriptionId: wanted.id }).catch(() => {}); // it is over either way
      }
    };
  }

  #connect(): void {
    const socket = new WebSocket(this.url);
    socket.onopen = () => {
      this.#socket = socket;
      this.#request("hello", { client: "torpor inspect", protocol: PROTOCOL })
        .then((welcome: Welcome) => {
          this.#delay = FIRST_DELAY_MS;
          this.welcome.value = welcome;
          this.state.value = "open";
          for (const wanted of this.#wanted) {
            this.#establish(wanted);
          }
        })
        .catch(() => socket.close()); // shutting down, or gone already
    };
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
    socket.onclose = () => this.#lost();
  }

  #lost(): void {
    this.#socket = undefined;
    this.#byId.clear();
    for (const { reject } of this.#pending.values()) {
      reject(new RpcError("connection_lost", "the connection to the daemon is lost"));
    }
    this.#pending.clear();
    if (this.state.value === "open") {
      this.state.value = "lost";
    }
    setTimeout(() => this.#connect(), this.#delay);
    this.#delay = Math.min(2 * this.#delay, MAX_DELAY_MS);
  }

  #establish(wanted: Wanted): void {
    const accept = ({ subscriptionId }: Subscribed): void => {
      if (this.#wanted.has(wanted)) {
        wanted.id = subscriptionId;
        this.#byId.set(subscriptionId, wanted);
      } else {
        this.#request("unsubscribe", { subscriptionId }).catch(() => {});
      }
    };
    // What was asked for may be gone: who shows it hears of that by other ways.
    this.#request("subscribe", wanted.wish(), accept).then(wanted.stands, () => {});
  }

  #request(method: string, params: object, accept?: (result: any) => void): Promise<any> {
    const socket = this.#socket;
    if (socket === undefined) {
      return Promise.reject(new RpcError("connection_lost", "there is no connection to the daemon"));
    }
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId;
      this.#pending.set(id, { resolve, reject, accept });
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  #take(message: JsonObject): void {
    if ("method" in message) {
      this.#hear(message.method, message.params);
      return;
    }
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.error !== undefined) {
      pending?.reject(new RpcError(message.error.data?.code ?? String(message.error.code), message.error.message));
    } else {
      pending?.accept?.(message.result);
      pending?.resolve(message.result);
    }
  }

  #hear(method: string, params: JsonObject): void {
    const wanted = this.#byId.get(params.subscriptionId);
    if (wanted === undefined) {
      return;
    }
    if (method === "subscriptionLagged") {
      this.#byId.delete(params.subscriptionId);
      this.#establish(wanted);
    } else {
      wanted.listener(method, params);
    }
  }
}
