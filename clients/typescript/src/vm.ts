import { Connection, type ConnectOptions } from "./connection.js";
import { ConnectionError } from "./errors.js";
import {
  VmMethods,
  type CallOptions,
  type JsonObject,
  type MethodName,
  type Methods,
  type VmCreated,
  type VmOptions,
} from "./generated.js";
import { abortable, type Link } from "./link.js";

/** A VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of such, as `[tenant, user, task]`. */
export type VmName = string | string[];

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
  async ready(): Promise<VmCreated> {
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
   * calls which follow bring about. It survives the daemon's restart without a gap or a duplicate, and ends by `close`.
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
    return (await this.#call(method, { ...params, ...members }, signal)) as Methods[M]["result"];
  }

  protected override async invokeWithOptions<M extends MethodName>(
    method: M,
    params: object,
    options: CallOptions,
  ): Promise<Methods[M]["result"]> {
    const { signal, ...members } = options;
    const nested = Object.keys(members).length > 0 ? { options: members } : {};
    return (await this.#call(method, { ...params, ...nested }, signal)) as Methods[M]["result"];
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
      await this.ready();
    }
  }

  async #settled(): Promise<void> {
    for (const connection of this.#connections) {
      await connection.settled();
    }
  }
}
