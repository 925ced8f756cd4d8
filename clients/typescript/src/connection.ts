/**
 * A subscription that outlives connections. What it has seen of each session, its position, is all it needs to go on.
 *
 * One session: the daemon itself replays what follows the position, then goes live. A whole VM has no replay at the daemon,
 * so it is made here: subscribe, hold what comes back, list the sessions, read what each has beyond its position, then
 * let go of what was held but for what has been read. Events are committed before they are published: what is not heard
 * live is in the list by then, and so there is no gap; what is held twice is known by its `seq`, and so no duplicate.
 * The first time, the positions are those of a list that is made before all this.
 *
 * What is in no transcript cannot be replayed. In its place come, once the subscription stands again, a `vmState` with the
 * state as it is now and the reason `reconnected`, and at any time the requests of agents that wait and were not told of. How
 * agents ended is in the transcripts (`_torpor/agent_exit`); the `agentExit`s and `processExit`s themselves are not made up.
 */

import { EventEmitter } from "node:events";
import { clearTimeout, setTimeout } from "node:timers";
import { ASKED, Asked } from "./asked.js";
import { asTorporError, ConnectionError, type TorporError, unlessGone } from "./errors.js";
import type { ConnectionEvents } from "./events.js";
import type { JsonObject, SessionEvent, SessionRow, VmInfo } from "./generated.js";
import { Gate } from "./gate.js";
import { Held } from "./held.js";
import type { Link } from "./link.js";
import type { Peer, Subscription } from "./peer.js";
import type { VmName } from "./vm.js";

export interface ConnectOptions {
  /** One session only. Default: all sessions of the VM, and what concerns the VM itself. */
  sessionId?: string;
  /** With `sessionId`: begin with the events that follow this one, -1 for all. Default: what happens from now on. */
  after?: number;
  /** Only these: types of events (`agent_message_chunk`), names of notifications (`permissionRequest`). */
  types?: string[];
}

/** Milliseconds to wait before the first new attempt, doubled up to the other: a daemon restarts within a second or two. */
const FIRST_DELAY_MS = 25;
const MAX_DELAY_MS = 2_000;
/** Events read at a time: some 400 KiB of ordinary ones. */
const PAGE = 1_000;

export class Connection extends EventEmitter<ConnectionEvents> {
  readonly #link: Link;
  readonly #vm: VmName;
  readonly #options: ConnectOptions;
  readonly #prepare: () => Promise<void>;
  readonly #ended: () => void;
  readonly #stopListening: () => void;
  /** Seq of the last event seen of each session; what is not in it has not been seen at all. */
  readonly #positions = new Map<string, number>();
  readonly #asked = new Asked();
  readonly #ready = new Gate();
  #attempt = new Gate();
  #hurry: (() => void) | undefined;
  #unhold: (() => void) | undefined;
  #pinned = false;
  #begun = false;
  #over = false;
  #reason: TorporError | undefined;
  #epoch: string | undefined;
  #subscription: Subscription | undefined;
  #lag: () => void = () => {};
  #held: Held | undefined;

  /** Not for use by others: `Vm.connect` makes connections. */
  constructor(link: Link, vm: VmName, options: ConnectOptions, prepare: () => Promise<void>, ended: () => void) {
    super();
    this.#link = link;
    this.#vm = vm;
    this.#options = options;
    this.#prepare = prepare;
    this.#ended = ended;
    this.#stopListening = link.onClose(() => this.close());
    this.#unhold = link.hold.take();
    void this.#run();
  }

  /** The session that it is about; undefined for all of the VM. */
  get sessionId(): string | undefined {
    return this.#options.sessionId;
  }

  /**
   * Keeps the process until the connection is closed. Without it the process stays, too, but only until a prompt that this
   * program sends to what is listened to has been answered: a program that prompts is done then, if nothing else goes on,
   * and one that only listens is not.
   */
  ref(): this {
    this.#pinned = true;
    if (!this.#over) {
      this.#unhold ??= this.#link.hold.take();
    }
    return this;
  }

  /** Lets the process end while the connection is open. */
  unref(): this {
    this.#pinned = false;
    this.#unhold?.();
    this.#unhold = undefined;
    return this;
  }

  /** Not for use by others: a prompt to this session, sent by the program, has been answered. */
  answered(sessionId: string): void {
    if (!this.#pinned && (this.sessionId ?? sessionId) === sessionId) {
      this.unref();
    }
  }

  /** Returns once the subscription stands for the first time. Rejects when the connection is over before that. */
  ready(): Promise<void> {
    return this.#link.run(this.ready, async () => {
      await this.#ready.opened;
      if (this.#epoch === undefined) {
        throw this.#reason ?? new ConnectionError("client_closed", "the connection was closed");
      }
    });
  }

  /** Returns when no attempt to (re)connect is under way; one that waits for its time is made now. */
  settled(): Promise<void> {
    this.#hurry?.();
    return this.#attempt.opened;
  }

  /** Ends it. Idempotent. */
  close(): void {
    this.#finish(undefined);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #run(): Promise<void> {
    let delay = FIRST_DELAY_MS;
    while (!this.#over) {
      let failure: TorporError | undefined;
      try {
        await this.#prepare();
        const peer = await this.#link.peer();
        const lagged = new Promise<undefined>((resolve) => (this.#lag = () => resolve(undefined)));
        await this.#establish(peer);
        if (this.#over) {
          return;
        }
        this.#opened(peer.welcome.epoch);
        delay = FIRST_DELAY_MS;
        failure = await Promise.race([peer.closed, lagged]);
        this.#attempt = new Gate();
        if (failure === undefined) {
          continue; // it lagged: the connection is sound
        }
      } catch (error) {
        failure = asTorporError(error);
      }
      if (this.#over) {
        return;
      }
      if (!failure.retryable) {
        this.#finish(failure);
        return;
      }
      this.#tell("interrupted", failure);
      await this.#pause(delay);
      delay = Math.min(2 * delay, MAX_DELAY_MS);
    }
  }

  /** Lets go of those who wait for the attempt that failed, and waits before the next. */
  async #pause(delay: number): Promise<void> {
    this.#attempt.open();
    this.#attempt = new Gate();
    if (!this.#over) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, delay).unref();
        this.#hurry = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      this.#hurry = undefined;
    }
  }

  #opened(epoch: string): void {
    if (this.#over) {
      return;
    }
    const about = {
      epoch,
      resumed: this.#epoch !== undefined,
      restarted: this.#epoch !== undefined && this.#epoch !== epoch,
    };
    this.#epoch = epoch;
    this.#tell("open", about);
    this.#ready.open();
    this.#attempt.open();
  }

  #finish(reason: TorporError | undefined): void {
    if (this.#over) {
      return;
    }
    this.#over = true;
    this.#reason = reason;
    this.unref();
    this.#subscription?.end();
    this.#stopListening();
    this.#ended();
    this.#lag();
    this.#hurry?.();
    this.#ready.open();
    this.#attempt.open();
    this.#tell("close", reason);
  }

  async #establish(peer: Peer): Promise<void> {
    this.#subscription?.end();
    this.#subscription = undefined;
    if (this.#options.sessionId === undefined) {
      await this.#establishVm(peer);
    } else {
      await this.#establishSession(peer, this.#options.sessionId);
    }
  }

  async #establishSession(peer: Peer, sessionId: string): Promise<void> {
    if (!this.#begun) {
      const after = this.#options.after ?? (await this.#session(peer, sessionId)).lastSeq;
      this.#positions.set(sessionId, after);
      this.#begun = true;
    }
    await this.#subscribe(peer, { sessionId, after: this.#positions.get(sessionId) });
    await this.#tellState(peer);
    await this.#tellPending(peer, sessionId);
  }

  async #establishVm(peer: Peer): Promise<void> {
    if (!this.#begun) {
      for (const row of await this.#sessions(peer)) {
        this.#positions.set(row.sessionId, row.lastSeq);
      }
      this.#begun = true;
    }
    const held = (this.#held = new Held());
    try {
      await this.#subscribe(peer, {});
      await this.#tellState(peer);
      do {
        const rows = await this.#sessions(peer);
        for (const row of rows) {
          await this.#catchUp(peer, row);
        }
        for (const row of rows.filter(({ status }) => status === "running")) {
          await this.#tellPending(peer, row.sessionId);
        }
      } while (held.takeOverflow() && !this.#over);
      this.#held = undefined;
      for (const { method, params } of held.news(this.#positions)) {
        this.#dispatch(method, params);
      }
    } finally {
      this.#held = undefined;
    }
  }

  async #subscribe(peer: Peer, what: object): Promise<void> {
    const params = { vm: this.#vm, types: this.#options.types, ...what };
    const subscription = await peer.subscribe(params, (method, given) => this.#hear(method, given));
    if (this.#over) {
      subscription.end();
    } else {
      this.#subscription = subscription;
    }
  }

  /** Tells what a session has beyond its position. */
  async #catchUp(peer: Peer, row: SessionRow): Promise<void> {
    const { sessionId, lastSeq } = row;
    if ((this.#positions.get(sessionId) ?? -1) > lastSeq) {
      this.#positions.delete(sessionId); // destroyed, and made anew under the same id
    }
    const { types } = this.#options;
    const wanted = types?.includes("sessionEvent") ? undefined : types; // as the daemon reads it
    while (!this.#over) {
      const after = this.#positions.get(sessionId) ?? -1;
      if (after >= lastSeq) {
        return;
      }
      const params = { vm: this.#vm, sessionId, after, limit: PAGE, types: wanted };
      const page = (await unlessGone(peer.request("getSessionEvents", params))) as SessionEvent[] | undefined;
      for (const event of page ?? []) {
        this.#tellEvent({ subscriptionId: this.#subscription?.id, vm: this.#vm, ...event });
      }
      if (!page?.length) {
        this.#positions.set(sessionId, Math.max(after, lastSeq)); // nothing that is wanted is left up to there
        return;
      }
    }
  }

  /** After a gap: tells how the VM is, since nobody knows what it went through. */
  async #tellState(peer: Peer): Promise<void> {
    if (this.#epoch === undefined || !this.#wants("vmState")) {
      return;
    }
    await peer.request("vm.get", { vm: this.#vm }, undefined, (result) => {
      const { vm, state } = result as VmInfo;
      this.#tell("vmState", { subscriptionId: this.#subscription?.id, vm, state, reason: "reconnected" });
    });
  }

  #wants(method: string): boolean {
    return this.#options.types === undefined || this.#options.types.includes(method);
  }

  /** Tells of requests of the agent that wait for an answer, and have not been told of. */
  async #tellPending(peer: Peer, sessionId: string): Promise<void> {
    const wanted = Object.entries(ASKED).filter(([method]) => this.#wants(method));
    if (wanted.length === 0) {
      return;
    }
    const session = await unlessGone(this.#session(peer, sessionId));
    for (const [method, { waiting }] of wanted) {
      for (const request of session?.[waiting] ?? []) {
        this.#tellRequest(method, { subscriptionId: this.#subscription?.id, vm: this.#vm, sessionId, request });
      }
    }
  }

  #hear(method: string, params: JsonObject): void {
    if (this.#over) {
      return;
    }
    if (method === "subscriptionLagged") {
      this.#lag();
    } else if (this.#held === undefined) {
      this.#dispatch(method, params);
    } else {
      this.#held.push({ method, params });
    }
  }

  #dispatch(method: string, params: JsonObject): void {
    if (method === "sessionEvent") {
      this.#tellEvent(params);
    } else if (method in ASKED) {
      this.#tellRequest(method, params);
    } else {
      this.#tell(method, params);
    }
  }

  #tellEvent(params: JsonObject): void {
    this.#positions.set(params.sessionId, params.seq);
    this.#tell("sessionEvent", params);
  }

  #tellRequest(method: string, params: JsonObject): void {
    if (this.#asked.isNew(method, params)) {
      this.#tell(method, params);
    }
  }

  /** Calls the listeners. One that throws ends the process as elsewhere in Node, but not this subscription halfway. */
  #tell(name: string, argument: unknown): void {
    if (this.#over && name !== "close") {
      return; // a listener has closed it in the middle of a page
    }
    try {
      (this as EventEmitter).emit(name, argument);
    } catch (error) {
      process.nextTick(() => {
        throw error;
      });
    }
  }

  async #sessions(peer: Peer): Promise<SessionRow[]> {
    return (await peer.request("listPersistedSessions", { vm: this.#vm })) as SessionRow[];
  }

  async #session(peer: Peer, sessionId: string): Promise<JsonObject> {
    return (await peer.request("getSession", { vm: this.#vm, sessionId })) as JsonObject;
  }
}
