/** What the page knows: the VMs; of the one that is shown its sessions and meters; of the session that is shown its transcript. */

import { batch, signal } from "@preact/signals";
import type {
  AgentInfo,
  JsonObject,
  SessionDetails,
  SessionEvent,
  SessionRow,
  VmInfo,
  VmStats,
} from "../../typescript/src/generated.ts";
import { Transcript, typeOf } from "./fold.ts";
import { href, vmText, type VmName } from "./route.ts";
import { Daemon, RpcError } from "./rpc.ts";

export const daemon = new Daemon(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/rpc`);

/** Milliseconds between two looks at what the daemon tells nobody of: which VMs there are, and how much they use. */
const LOOK_MS = 3_000;
/** Milliseconds for events that come together to be told as one. */
const SETTLE_MS = 50;
/** Events of a transcript that are read when it is opened, from its end. */
const TAIL = 20_000;

export const vms = signal<VmInfo[] | undefined>(undefined);
export const agents = signal<AgentInfo[]>([]);

async function look(): Promise<void> {
  try {
    vms.value = await daemon.call("vm.list", {});
  } catch (error) {
    forgive(error);
  }
}

/** The next look tells what this one did not. */
function forgive(error: unknown): void {
  if (!(error instanceof RpcError)) {
    throw error;
  }
}

daemon.state.subscribe((state) => {
  if (state === "open") {
    void look();
    daemon.call("listAgents", {}).then((found) => (agents.value = found), forgive);
  }
});
setInterval(() => {
  if (!document.hidden && daemon.state.value === "open") {
    void look();
    void vm.value?.look();
  }
}, LOOK_MS);

/** Runs `task` once for all calls that come within a moment. */
function settled(task: () => void): () => void {
  let timer: number | undefined;
  return () => {
    timer ??= window.setTimeout(() => {
      timer = undefined;
      task();
    }, SETTLE_MS);
  };
}

/** Types of events after which a row of the list of sessions is another. */
const CHANGES = [
  ...["_torpor/session_started", "_torpor/session_resumed", "_torpor/session_suspended", "_torpor/session_closed"],
  ...["_torpor/turn_started", "_torpor/turn_ended", "session_info_update", "usage_update", "_torpor/agent_exit"],
  ...["session/request_permission", "_torpor/permission_reply", "elicitation/create", "_torpor/elicitation_reply"],
  ...["vmState", "processExit"],
];

/** The VM that is shown. */
export class Vm {
  readonly info = signal<VmInfo | undefined>(undefined);
  readonly stats = signal<VmStats | undefined>(undefined);
  readonly sessions = signal<SessionRow[] | undefined>(undefined);
  /** Why there is nothing to show. */
  readonly gone = signal<string | undefined>(undefined);
  readonly #end: () => void;

  constructor(readonly name: VmName) {
    const again = settled(() => void this.look());
    this.#end = daemon.subscribe(() => ({ vm: name, types: CHANGES }), again, again);
    void this.look();
  }

  async look(): Promise<void> {
    const vm = this.name;
    try {
      const [info, stats, sessions] = await Promise.all([
        daemon.call("vm.get", { vm }),
        daemon.call("vm.stats", { vm }),
        daemon.call("listPersistedSessions", { vm }),
      ]);
      batch(() => {
        this.info.value = info;
        this.stats.value = stats;
        this.sessions.value = sessions.toSorted((a, b) => b.updatedAt - a.updatedAt);
        this.gone.value = undefined;
      });
    } catch (error) {
      this.gone.value = reason(error);
    }
  }

  close(): void {
    this.#end();
  }
}

/** What a failed call is told as; undefined for a lost connection, which is told once for all. */
export function reason(error: unknown): string | undefined {
  forgive(error);
  return (error as RpcError).code === "connection_lost" ? undefined : (error as RpcError).message;
}

/** The session that is shown. */
export class Session {
  /** Names it among those of all VMs. */
  readonly key: string;
  readonly details = signal<SessionDetails | undefined>(undefined);
  readonly gone = signal<string | undefined>(undefined);
  /** Grows with each change of the transcript. */
  readonly version = signal(0);
  /** What is in it so far. */
  readonly transcript = signal(new Transcript());
  /** Whether all that was there when it was opened is read. */
  readonly complete = signal(false);
  #end: () => void = () => {};
  #begin = -1;
  #closed = false;

  constructor(
    readonly vm: VmName,
    readonly id: string,
  ) {
    this.key = href({ vm, session: id });
    void this.#open();
  }

  /** Reads it from the beginning. */
  async readAll(): Promise<void> {
    this.#end();
    this.transcript.value = new Transcript();
    this.#begin = -1;
    this.#subscribe();
  }

  /** Whether events before the first one are left out. */
  get isCut(): boolean {
    return this.#begin >= 0;
  }

  async look(): Promise<void> {
    try {
      this.details.value = await daemon.call("getSession", { vm: this.vm, sessionId: this.id });
      this.gone.value = undefined;
    } catch (error) {
      this.gone.value = reason(error);
    }
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  async #open(): Promise<void> {
    await this.look();
    if (this.#closed) {
      return;
    }
    if (this.gone.value !== undefined) {
      return;
    }
    if (this.details.value === undefined) {
      // No connection yet: the subscription waits for one.
      this.#end = daemon.subscribe(
        () => ({ vm: this.vm, types: ["vmState"] }),
        () => {},
        () => {
          this.#end();
          void this.#open();
        },
      );
      return;
    }
    this.#begin = this.details.value.lastSeq > TAIL ? this.details.value.lastSeq - TAIL : -1;
    this.#subscribe();
  }

  #subscribe(): void {
    const again = settled(() => void this.look());
    const show = frame(() => this.version.value++);
    const hear = (method: string, params: JsonObject): void => {
      if (method !== "sessionEvent") {
        again();
        return;
      }
      const event = params as SessionEvent;
      this.transcript.value.add(event);
      // What was there when it was opened is shown at once, not piece by piece.
      if (event.seq >= (this.details.value?.lastSeq ?? 0) || this.version.value > 0) {
        show();
      }
      if (LOOKED_AT.has(typeOf(event.event))) {
        again();
      }
    };
    this.#end = daemon.subscribe(
      () => ({ vm: this.vm, sessionId: this.id, after: Math.max(this.transcript.value.last, this.#begin) }),
      hear,
      () => {
        this.complete.value = true;
        again();
      },
    );
  }
}

/** Types of events after which `getSession` tells something else. */
const LOOKED_AT = new Set([...CHANGES, "current_mode_update", "config_option_update"]);

/** Runs `task` with the next picture, however often it is called before. */
function frame(task: () => void): () => void {
  let waits = false;
  return () => {
    if (!waits) {
      waits = true;
      requestAnimationFrame(() => {
        waits = false;
        task();
      });
    }
  };
}

export const vm = signal<Vm | undefined>(undefined);
export const session = signal<Session | undefined>(undefined);

/** Has what is shown known, and nothing else. */
export function show(name: VmName | undefined, id: string | undefined): void {
  if (vm.value === undefined || name === undefined || vmText(vm.value.name) !== vmText(name)) {
    vm.value?.close();
    vm.value = name === undefined ? undefined : new Vm(name);
    session.value?.close();
    session.value = undefined;
  }
  if (session.value?.id !== id) {
    session.value?.close();
    session.value = id === undefined || name === undefined ? undefined : new Session(name, id);
  }
}
