// Types of the SDK for agents in JavaScript: see index.mjs.

export type Kind = "read" | "edit" | "delete" | "move" | "search" | "execute" | "think" | "fetch" | "switch_mode" | "other";
export type Status = "pending" | "in_progress" | "completed";
export type StopReason = "end_turn" | "max_tokens" | "max_turn_requests" | "refusal" | "cancelled";

/** An object of ACP, as it goes over the wire. */
export type Members = Record<string, unknown>;

/** One of ACP's content blocks: `type` says which members it has. */
export interface Block extends Members {
  type: string;
}

/** A prompt: ACP's content blocks. */
export declare class Blocks extends Array<Block> {
  /** All the text in it; of a file that is only named its address. */
  get text(): string;
}

/** The client has answered a request with an error. */
export declare class ClientError extends Error {
  code: number;
  data: unknown;
}

/** One of several values. */
export declare class Choice {
  /**
   * @param values what the values are called, by the values; the first is chosen at the beginning
   * @param category by which clients know what an option is for
   */
  constructor(id: string, name: string, values: Record<string, string>, category?: "model" | "thought_level" | "mode");
  id: string;
  get first(): string;
}

/** On or off. A client that does not know such options is not told of it. */
export declare class Toggle {
  /** @param first the value at the beginning; false where it is left out */
  constructor(id: string, name: string, first?: boolean);
  id: string;
  first: boolean;
}

/** Something that the agent does, as the client shows it and the transcript keeps it. */
export declare class ToolCall {
  /** ACP's `toolCall`, as it is announced. */
  about: Members & { toolCallId: string; title: string; kind: Kind };
  /** Adds a piece of text to what the call shows. */
  show(text: string): void;
  /** Adds a change of a file; `before` is null for a new one. */
  diff(path: string, before: string | null, after: string): void;
  /** Adds content as ACP has it. */
  add(content: Members): void;
  /** Tells any members of ACP's `tool_call_update`, such as `title`, `rawOutput` and `locations`. */
  update(members: Members): void;
}

/** How a command has ended. */
export interface Ran {
  /** null where a signal has ended it. */
  exitCode: number | null;
  signal: string | null;
  /** Of stdout and stderr, as they were written; the last of it where `truncated` says that there was more. */
  output: string;
  truncated: boolean;
}

/** One conversation. The agent's process serves one. `State` is what it remembers. */
export declare class Session<State extends object = Record<string, any>> {
  readonly id: string;
  /** The working directory, in the VM. */
  readonly cwd: string;
  /** What the client has opened it with, `mcpServers` among it. */
  readonly params: Members;
  /** What the agent remembers, as JSON has it: kept in a file of the VM at the end of each turn, and read when the session is resumed. */
  state: State;
  /** Whether it has begun in another process. */
  readonly resumed: boolean;
  /** The id of the mode that it is in; null for an agent without modes. */
  readonly mode: string | null;
  /** The values of the agent's options, by their ids. */
  readonly settings: Record<string, string | boolean>;
  /** That of the turn: it says when that is cancelled. */
  readonly signal: AbortSignal;

  /** Says a piece of the answer. */
  say(text: string): void;
  /** Tells a piece of what leads to the answer. */
  think(text: string): void;
  /** Tells all steps, with their statuses if it is an object. */
  plan(steps: string[] | Record<string, Status>): void;
  /** Gives the conversation a title. */
  title(title: string): void;
  /** Sends any of ACP's updates. */
  update(kind: string, members?: Members): void;
  /** Does something, as a call that the client shows: it has failed if `work` throws. */
  toolCall<T>(title: string, kind: Kind, work: (call: ToolCall) => T | Promise<T>, members?: Members): Promise<T>;

  /** Asks for permission: the id of the answer, null if it was called off. `options` are names by ids. */
  ask(question: string | ToolCall): Promise<"allow_once" | "reject_once" | null>;
  ask(question: string | ToolCall, options: Record<string, string>, kind?: Kind): Promise<string | null>;
  /** A text file, or `limit` lines of it from `line` on, which counts from 1. */
  read(path: string, line?: number, limit?: number): Promise<string>;
  /** Replaces or makes a text file. */
  write(path: string, content: string): Promise<void>;
  /** Runs a command to its end: an array of words, or one line of shell. `call` shows it. */
  run(command: string | string[], options?: { cwd?: string; env?: Record<string, string>; call?: ToolCall }): Promise<Ran>;

  /** `fetch`, which ends with the turn. */
  fetch: typeof fetch;
  /** Waits for anything, but no longer than the turn is wanted: rejects with the signal's reason then. */
  wait<T>(promise: T | PromiseLike<T>): Promise<T>;
  /** Keeps `state` now. */
  save(): void;
}

/** Extend it. What is overridden is called; what it throws is the answer to the client, and told on stderr. */
export declare class Agent {
  /** What the agent calls itself; the name of the class where it is empty. */
  name: string;
  title: string;
  version: string;
  /** What the modes are called, by their ids; a session begins in the first. */
  modes: Record<string, string>;
  /** What else a user can set. */
  options: (Choice | Toggle)[];
  /** What the commands do that a prompt can begin with, by their names without `/`. */
  commands: Record<string, string>;
  /** ACP's `promptCapabilities`: `image` and `audio` are for those who take such blocks. */
  promptCapabilities: { image?: boolean; audio?: boolean; embeddedContext?: boolean };

  /** A session begins, or is taken up again (`session.resumed`). */
  start(session: Session): Promise<void>;
  /** A turn. It returns ACP's stop reason, nothing for "end_turn". `session.signal` says when it is cancelled. */
  prompt(session: Session, blocks: Blocks): Promise<StopReason | void>;
  /** The mode or an option was set. */
  changed(session: Session): Promise<void>;
  /** The process is about to end. */
  end(session: Session): Promise<void>;
}

/** Serves the client on standard input and output until it is gone, and ends the process then. */
export declare function run(agent: Agent): Promise<never>;

/** The lines of a response's body as they come, without their ends: of server-sent events for one. */
export declare function lines(response: Response): AsyncGenerator<string, void>;
