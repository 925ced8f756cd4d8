import { EventEmitter } from "node:events";
import { resolveEndpoint } from "./endpoint.js";
import type { ClientEvents } from "./events.js";
import type { CallOptions, JsonObject, MethodName, Methods, VmImported, VmInfo, VmOptions } from "./generated.js";
import { Link } from "./link.js";
import { Vm, type VmName } from "./vm.js";

/** A daemon on this machine answers within a millisecond, if it does at all. */
const CONNECT_TIMEOUT_MS = 10_000;
/** A daemon's restart takes a second, one with its machine's a minute. */
const PATIENCE_MS = 60_000;

export interface ClientOptions {
  /** A path or `unix:///path`, or `http://localhost:6420` for a daemon that serves HTTP. Default: the default socket. */
  endpoint?: string;
  /** The token of a daemon that serves HTTP. Default: `$TORPOR_TOKEN`, else that of your daemon on this machine. */
  token?: string;
  /** Bounds one attempt to connect, not what follows. Default: 10,000. */
  connectTimeoutMs?: number;
  /** How long a call waits for a daemon that was there and has gone away; 0: not at all. Default: 60,000. */
  patienceMs?: number;
  /** Whether `torpor` on the PATH starts a daemon where nobody listens on the socket at first. Default: true. */
  autostart?: boolean;
}

/**
 * Makes a client; it connects when it is first used. Throws EndpointError. A type argument, such as the type of a registry of
 * servers that other libraries have, may be given and means nothing: all VMs have the same methods.
 */
export function createClient<_Registry = unknown>(options: ClientOptions = {}): Client {
  const endpoint = resolveEndpoint(options.endpoint, options.token);
  const { connectTimeoutMs = CONNECT_TIMEOUT_MS, patienceMs = PATIENCE_MS, autostart = true } = options;
  return new Client(new Link(endpoint, { connectTimeoutMs, patienceMs, autostart }));
}

/** A daemon. Ends by `close`, or with the program, which ends when it waits for no call and no `Connection` any more. */
export class Client extends EventEmitter<ClientEvents> {
  /** The daemon's VMs. */
  readonly vm: Vms;
  readonly #link: Link;

  constructor(link: Link) {
    super();
    this.#link = link;
    this.vm = new Vms(link);
    link.onChange = (change) => {
      // A listener that throws ends the process as elsewhere in Node, but no attempt to connect.
      process.nextTick(() =>
        change.kind === "disconnected" ? this.emit(change.kind, change.reason) : this.emit(change.kind, change.about),
      );
    };
  }

  /** Calls any method by its name, with its params as the API has them. */
  async call<M extends MethodName>(
    method: M,
    params: Methods[M]["params"],
    options: CallOptions = {},
  ): Promise<Methods[M]["result"]> {
    return (await this.#link.run(this.call, () =>
      this.#link.request(method, params, options.signal),
    )) as Methods[M]["result"];
  }

  /** Tells about the daemon: server, version, capabilities, limits, epoch. */
  hello(options: CallOptions = {}): Promise<Methods["hello"]["result"]> {
    return this.call("hello", { protocol: 1 }, options);
  }

  /** Tells how the daemon is. */
  status(options: CallOptions = {}): Promise<JsonObject> {
    return this.call("daemon.status", {}, options);
  }

  /** Returns the API as an OpenRPC document. */
  discover(options: CallOptions = {}): Promise<JsonObject> {
    return this.call("rpc.discover", {}, options);
  }

  /** Lists the agents that sessions can run. */
  listAgents(options: CallOptions = {}): Promise<Methods["listAgents"]["result"]> {
    return this.call("listAgents", {}, options);
  }

  /** Ends the connection, and with it all subscriptions. Turns go on in the daemon. Idempotent. */
  close(): void {
    this.#link.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}

/** `client.vm`. */
export class Vms {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  /** Returns the VM of this name. Its first use creates it if need be, and rejects with `vm_conflict` for other options. */
  getOrCreate(name: VmName, options?: VmOptions): Vm {
    return new Vm(this.#link, name, { options });
  }

  /** Returns a VM that there is: its use, such as `get()`, rejects with `vm_not_found` where there is none. */
  get(name: VmName): Vm {
    return new Vm(this.#link, name);
  }

  /** Describes all VMs; wakes none. */
  async list(options: CallOptions = {}): Promise<VmInfo[]> {
    return (await this.#link.run(this.list, () => this.#link.request("vm.list", {}, options.signal))) as VmInfo[];
  }

  /**
   * Takes in a VM from a file that `export` wrote, a path on the daemon's machine; under its own name unless given. Unless the
   * file is trusted, the VM reaches no host until `configure` says so. `lacks` tells what it had there and has not here.
   */
  async import(path: string, options: { vm?: VmName; trust?: boolean } & CallOptions = {}): Promise<VmImported> {
    const { signal, ...members } = options;
    return (await this.#link.run(this.import, () =>
      this.#link.request("vm.import", { path, ...members }, signal),
    )) as VmImported;
  }
}
