/** What a connection hears: the daemon's notifications, and what becomes of the connection itself. */

import type { JsonObject, NotificationName, SessionEvent } from "./generated.js";
import type { TorporError } from "./errors.js";

interface OfVm {
  subscriptionId: string;
  vm: string | string[];
}

interface OfSession extends OfVm {
  sessionId: string;
}

/** One event of a transcript, committed before it is seen. `event` is `{jsonrpc, method, params}`. */
export interface SessionEventNotice extends OfVm, SessionEvent {}

/** An agent asks for permission; answer with `respondPermission`. */
export interface PermissionRequestNotice extends OfSession {
  request: PermissionRequest;
}

export interface PermissionRequest {
  permissionId: string;
  toolCall: JsonObject;
  options: { optionId: string; name: string; kind: string }[];
  description?: string;
}

export interface VmStateNotice extends OfVm {
  state: "awake" | "asleep";
  reason: string;
}

/** An agent's process ended; `restart` says whether it is started again. */
export interface AgentExitNotice extends OfSession {
  exitCode: number | null;
  reason: string;
  restart: boolean;
}

/** Output of a process: text, or bytes where it is not valid UTF-8. */
export interface ProcessOutputNotice extends OfVm {
  pid: number;
  stream: "stdout" | "stderr";
  /** Where the data begins in the stream, in bytes. */
  offset: number;
  data: string | Uint8Array;
}

export interface ProcessExitNotice extends OfVm {
  pid: number;
  /** null unless it exited by itself; `reason` says what ended it. */
  exitCode: number | null;
  reason: string;
  detail?: string;
}

/** An agent asks a person to fill in a form, or to visit a page; answer with `respondElicitation`. */
export interface ElicitationRequest {
  questionId: string;
  mode: "form" | "url";
  message: string;
  /** Of a form: its members, as JSON schema describes them. */
  requestedSchema?: JsonObject;
  url?: string;
  elicitationId?: string;
  toolCallId?: string;
}

export interface ElicitationRequestNotice extends OfSession {
  request: ElicitationRequest;
}

/** What a shell's terminal shows: text, or bytes where it is not valid UTF-8. */
export interface ShellDataNotice extends OfVm {
  shell: string;
  /** Where the data begins in all that was shown, in bytes. */
  offset: number;
  data: string | Uint8Array;
}

/** Four fifths of a limit are used; `limit` is its name in the VM's options, or `context`, of a session's model, in tokens. */
export interface VmWarningNotice extends OfVm {
  limit: string;
  used: number;
  allowed: number;
  sessionId?: string;
}

/** A program is compiled before it starts, which happens once; `program` is the agent's file, or the command. */
export interface CompilingNotice extends OfVm {
  program: string;
  bytes: number;
}

interface KnownNotices {
  sessionEvent: [notice: SessionEventNotice];
  permissionRequest: [notice: PermissionRequestNotice];
  elicitationRequest: [notice: ElicitationRequestNotice];
  vmState: [notice: VmStateNotice];
  vmWarning: [notice: VmWarningNotice];
  agentExit: [notice: AgentExitNotice];
  processOutput: [notice: ProcessOutputNotice];
  shellData: [notice: ShellDataNotice];
  processExit: [notice: ProcessExitNotice];
  compiling: [notice: CompilingNotice];
}

type OtherNotices = {
  [Name in Exclude<NotificationName | "shellData" | "cronEvent", keyof KnownNotices | "subscriptionLagged">]: [
    notice: JsonObject,
  ];
};

/** The events of a `Client`: what becomes of its connection to the daemon. */
export interface ClientEvents {
  /** The connection is lost. The next call, or a `Connection` that is open, makes it anew. */
  disconnected: [reason: TorporError];
  /** It is there again. `restarted`: another run of the daemon, in which the processes and turns of the one before have ended. */
  reconnected: [about: { epoch: string; restarted: boolean }];
}

/** The events of a `Connection`, with the arguments of their listeners. */
export interface ConnectionEvents extends KnownNotices, OtherNotices {
  /** The subscription stands, for the first time or again; `restarted`: another run of the daemon than before. */
  open: [about: { epoch: string; resumed: boolean; restarted: boolean }];
  /** The daemon is gone or not there yet; the connection goes on trying. */
  interrupted: [error: TorporError];
  /** It is over: closed, or for the reason given, such as that the VM was destroyed. */
  close: [reason: TorporError | undefined];
}
