import { Connection, type ConnectOptions } from "./connection.js";
import { ConnectionError } from "./errors.js";
import { iterateEvents } from "./iteration.js";
import type { SessionEventNotice } from "./events.js";
import {
  VmMethods,
  type CallOptions,
  type JsonObject,
  type MethodName,
  type Methods,
  type PromptResult,
  type ResumeOptions,
  type SessionInfo,
  type SessionOptions,
  type VmCreated,
  type VmOptions,
} from "./generated.js";
import { abortable, type Link } from "./link.js";

/** A VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of such, as `[tenant, user, task]`. */
export type VmName = string | string[];

/** Which events of a session are iterated. */
export interface EventsOptions {
  /** Begin with the events that follow this one. Default: -1, the first. */
  after?: number;
  /** Only these types, such as `agent_message_chunk`. */
  types?: string[];
}

/** A session, as it was when it was created or resumed. */
export interface Session extends SessionInfo {
  /** The session's events, as `Vm.events` has them. */
  events(options?: EventsOptions): AsyncGenerator<SessionEventNotice, void, undefined>;
}

/** A VM. Its methods are those of the session API, with the VM filled in. */
export class Vm extends VmMethods {
  readonly name: VmName;
  readonly #link: Link;
  readonly #connections = new Set<Connection>();
  readonly #create: { options: VmOptions | undefined } | undefined;
  #created: Promise<VmCreated> | undefined;

  /** Not for use by others: `client.vm.getOrCreate` and `client.vm.get` make VMs. */
  constructor(link: Link, name: VmName, create?: { options: VmOptions | undefined }) {
    super();
    this.name = name;
    this.#link = link;
    this.#create = create;
  }

  /**
   * Returns once the VM is there, with what `vm.getOrCreate` answered. Never needed: every call waits for it. Rejects with
   * `vm_conflict` if there is one of this name with other options.
   */
  ready(): Promise<VmCreated> {
    return this.#link.run(this.ready, () => this.#createOnce());
  }

  #createOnce(): Promise<VmCreated> {
    this.#created ??= this.#getOrCreate();
    return this.#created;
  }

  async #getOrCreate(): Promise<VmCreated> {
    try {
      const params = { vm: this.name, options: this.#create?.options };
      return (await this.#link.request("vm.getOrCreate", params)) as VmCreated;
    } catch (error) {
      this.#created = undefined; // the next call tries again
      throw error;
    }
  }

  /**
   * Subscribes to the VM, or with `sessionId` to one of its sessions. The connection begins at once: it hears all that the
   * calls which follow bring about. It survives the daemon's restart without a gap or a duplicate, and ends by `close`. While
   * it waits for something it keeps the process, see `Connection.ref`.
   */
  connect(options: ConnectOptions = {}): Connection {
    const connection: Connection = new Connection(
      this.#link,
      this.name,
      options,
      () => this.#prepare(),
      () => this.#connections.delete(connection),
    );
    this.#connections.add(connection);
    return connection;
  }

  /**
   * Answers a permission request: `"once"`, `"always"`, `"reject"`, or one of the options that the agent gave. The first
   * valid answer wins. Errors: `permission_not_pending`, `invalid_permission_option`.
   */
  respondPermission(
    sessionId: string,
    permissionId: string,
    reply: "once" | "always" | "reject" | { optionId: string },
    options: CallOptions = {},
  ): Promise<JsonObject> {
    const answer = typeof reply === "string" ? { reply } : { optionId: reply.optionId };
    return this.invoke("respondPermission", { sessionId, permissionId, ...answer }, options);
  }

  /**
   * Iterates the events of a session, from the first or the one after `after`, and then those that come. What the program does
   * not take in time is read again later, not kept here. Ends when the client is closed, or this handle destroys the session
   * or the VM; throws where a `Connection` would be closed for a reason.
   */
  events(sessionId: string, options: EventsOptions = {}): AsyncGenerator<SessionEventNotice, void, undefined> {
    const { after = -1, types } = options;
    const open = (position: number): Connection => this.connect({ sessionId, after: position, types });
    return iterateEvents(open, this.#link.hold, after);
  }

  override async createSession(agentType: string, options: SessionOptions & CallOptions = {}): Promise<Session> {
    return this.#withEvents(await super.createSession(agentType, options));
  }

  override async resumeSession(sessionId: string, options: ResumeOptions & CallOptions = {}): Promise<Session> {
    return this.#withEvents(await super.resumeSession(sessionId, options));
  }

  #withEvents(info: SessionInfo): Session {
    // Not enumerable: printed, compared or sent on, it is what the daemon answered.
    const value = (options?: EventsOptions) => this.events(info.sessionId, options);
    return Object.defineProperty(info, "events", { value }) as Session;
  }

  override async sendPrompt(...args: Parameters<VmMethods["sendPrompt"]>): Promise<PromptResult> {
    const listening = [...this.#connections];
    try {
      return await super.sendPrompt(...args);
    } finally {
      for (const connection of listening) {
        connection.answered(args[0]);
      }
    }
  }

  override async destroySession(sessionId: string, options: CallOptions = {}): Promise<JsonObject> {
    const answer = await super.destroySession(sessionId, options);
    for (const connection of [...this.#connections].filter((each) => each.sessionId === sessionId)) {
      connection.close();
    }
    return answer;
  }

  override async destroy(options: CallOptions = {}): Promise<JsonObject> {
    const answer = await super.destroy(options);
    for (const connection of [...this.#connections]) {
      connection.close();
    }
    return answer;
  }

  protected override async invoke<M extends MethodName>(
    method: M,
    params: object,
    options: CallOptions,
  ): Promise<Methods[M]["result"]> {
    const { signal, ...members } = options;
    return (await this.#link.run(this.invoke, () =>
      this.#call(method, { ...params, ...members }, signal),
    )) as Methods[M]["result"];
  }

  protected override async invokeWithOptions<M extends MethodName>(
    method: M,
    params: object,
    options: CallOptions,
  ): Promise<Methods[M]["result"]> {
    const { signal, ...members } = options;
    const nested = Object.keys(members).length > 0 ? { options: members } : {};
    return (await this.#link.run(this.invokeWithOptions, () =>
      this.#call(method, { ...params, ...nested }, signal),
    )) as Methods[M]["result"];
  }

  async #call(method: string, params: object, signal: AbortSignal | undefined): Promise<unknown> {
    // What the call brings about is heard by every connection that was made before it, …
    await abortable(this.#prepare().then(() => this.#settled()), signal);
    const answer = this.#link.request(method, { vm: this.name, ...params }, signal);
    try {
      await answer;
    } catch (error) {
      if (error instanceof ConnectionError || signal?.aborted) {
        throw error; // nothing has been answered
      }
    }
    await abortable(this.#settled(), signal); // … and has been heard when the answer is there
    return answer;
  }

  async #prepare(): Promise<void> {
    if (this.#create !== undefined) {
      await this.#createOnce();
    }
  }

  async #settled(): Promise<void> {
    for (const connection of this.#connections) {
      await connection.settled();
    }
  }
}
