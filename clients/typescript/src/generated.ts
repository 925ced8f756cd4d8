// Written by build/typescript_types.py from the daemon's OpenRPC document (`rpc.discover`). Do not edit: run it again.

/** Any JSON object: what an agent says, or what the API leaves open. */
export type JsonObject = { [member: string]: any };

/** What concerns a call itself, and not what is asked. */
export interface CallOptions {
  /** Gives the call up: it rejects with the signal's reason, and the daemon is told. */
  signal?: AbortSignal;
}

/** What an agent is that could be added. */
export interface AgentCheck {
  /** As `addAgent` would have it. */
  id: string;
  /** The agent's name for people, from its manifest, or as it says itself. */
  title: string;
  /** The agent's version, likewise. */
  version: string;
  /** `component`, or the language of an agent without a build: `python`. */
  kind: string;
  /** The hash of its component; null where it has none. */
  sha256: string | null;
  /** The size of its component; null where it has none. */
  bytes: number | null;
  /** The interfaces of which its component uses functions. */
  imports: string[];
  /** The public hosts that its manifest asks for. */
  network: string[];
  /** What the agent says of itself (ACP's `agentInfo`). */
  agent_info: JsonObject | null;
  /** What the agent says it can do (ACP's `agentCapabilities`). */
  capabilities: JsonObject | null;
  /** What it has answered to `session/new` in place of a session, for want of a key perhaps; else null. */
  refusal: string | null;
}

/** An agent that sessions can run. */
export interface AgentInfo {
  /** What `createSession` takes as `agentType`. */
  id: string;
  /** The agent's name for people. */
  title: string;
  /** The agent's version, from its manifest. */
  version: string;
  /**
   * `component`, or the language of an agent without a build: `python`; null where the manifest cannot be used.
   */
  kind: string | null;
  /** Where the agent is from: `built-in` or `user`. */
  source: string;
  /** Whether what it runs and a usable manifest are there. */
  installed: boolean;
  /** The hash of the component of one that was added with `addAgent`; else null. */
  sha256: string | null;
  /**
   * Why no session can run it: the fault in its manifest, whose folder's name is the `id` then, that its
   * component has not been built, or that its entry is not there; null for one that can be run.
   */
  problem: string | null;
}

/** What cancelling came to. */
export interface CancelResult {
  /** `cancelled`; `no_active_prompt`: there was no turn; `killed`: the agent did not end its turn in time. */
  outcome: "cancelled" | "killed" | "no_active_prompt";
}

/** A command of the base system. */
export interface CommandOfBase {
  /** The command's name: it is in /usr/bin, where /bin leads, of VMs with the base system. */
  name: string;
  /** The hash of its component; several commands may have one. */
  sha256: string;
  /** The size of its component. */
  bytes: number;
  /** `built-in`: it comes with Torpor; `user`: it was added. */
  source: "built-in" | "user";
  /** The version of the program; null where nobody has told. */
  version: string | null;
  /** Its licence (SPDX); null where nobody has told. */
  licence: string | null;
}

/** How full the model's context is, in tokens. */
export interface Context {
  /** Tokens in the context. */
  used: number;
  /** Tokens that it can hold. */
  size: number;
}

/** A daemon, for people who look after it. */
export interface DaemonStatus {
  /** The process. */
  pid: number;
  /** The version of the daemon. */
  version: string;
  /** Names this run of the daemon: another one after each start. Subscriptions do not outlast it. */
  epoch: string;
  /** The Unix socket that is served. */
  socket: string;
  /** The URL that is served besides; null without `--http`. */
  http: string | null;
  /** The state file. */
  state: string;
  /** What outlives a power cut: `power`, all that was answered, or `process`, all but the last second. */
  durability: string;
  /** When it began, in milliseconds since the epoch. */
  startedAt: number;
  /** Memory that it shares with nobody, all guests included. */
  memoryBytes: number;
  /** Above so much of `memoryBytes` no other guest starts; null without a bound. */
  maxMemoryBytes: number | null;
  /** Clients that are connected. */
  connections: number;
  /** Subscriptions of all connections. */
  subscriptions: number;
  /** Requests under way, this one included. */
  requests: number;
  /** All VMs. */
  vms: number;
  /** Those that are awake. */
  awake: number;
  /** Sessions whose agent is in memory. */
  sessions: number;
  /** Guests in memory. */
  processes: number;
  /** VMs in which something goes on: a turn, a request for permission, a command. */
  busy: number;
  /** Sessions whose secrets are in its memory alone, and would be asked for again. */
  secrets: number;
  /** Its log. */
  log: string;
  /** How long it may be idle before it ends; null: for ever. */
  idleExitSeconds: number | null;
  /** Whether systemd has passed the socket. */
  activated: boolean;
  /** Whether systemd wants to know how it does. */
  managed: boolean;
  /** The process that starts it again when it dies; null where there is none, or systemd does that. */
  supervisor: number | null;
  /** What it was started with. */
  arguments: string[];
}

/** An entry of a directory; of a link, what is told is its own. */
export interface DirEntry {
  /** `file`, `directory` or `symlink`. */
  type: string;
  /** Bytes of the content. */
  size: number;
  /** The permission bits. */
  mode: number;
  /** Last change of the content, in milliseconds since the epoch. */
  mtimeMs: number;
  /** Last change of content or attributes, in milliseconds since the epoch. */
  ctimeMs: number;
  /** Last access, in milliseconds since the epoch. */
  atimeMs: number;
  /** How many names the file has. */
  nlink: number;
  /** The inode's number, unique in the VM. */
  ino: number;
  /** The entry's name in its directory. */
  name: string;
}

/** An export that was made. */
export interface Exported {
  /** The file that was made. */
  path: string;
  /** The size of the file. */
  bytes: number;
  /** Paths of the VM where directories of this machine are mounted; the file has nothing of those. */
  mounts?: string[];
  /** What was added to this daemon that the VM may need elsewhere: agents of its sessions, and commands. */
  needs?: Need[];
}

/** A path that is not the same: `before` is left out for what was added, `after` for what was removed. */
export interface FileChange {
  /** An absolute POSIX path inside the VM. */
  path: string;
  /** `added`, `removed` or `modified`. */
  change: "added" | "modified" | "removed";
  /** What was there; left out for what was added. */
  before?: FileVersion | null;
  /** What is there; left out for what was removed. */
  after?: FileVersion | null;
}

/** A file's content: text where it is valid UTF-8 and base64 was not asked for. */
export interface FileContent {
  /** A string, or bytes as `{base64}`. */
  content: string | Uint8Array;
}

/** Entries and bytes of a VM's filesystem. */
export interface FileCounts {
  /** Files, directories and links. */
  count: number;
  /** Bytes of all files. */
  bytes: number;
}

/** Why one file of several could not be read or written. */
export interface FileError {
  /** A stable code, as in `error.data.code` of a whole call. */
  code: string;
  /** The same for people. */
  message: string;
}

/** A file's content, or why there is none. */
export interface FileRead {
  /** An absolute POSIX path inside the VM. */
  path: string;
  /** A string, or bytes as `{base64}`. */
  content?: string | Uint8Array | null;
  /** Why this file could not be read or written. */
  error?: FileError | null;
}

/** What `stat` tells; times in milliseconds since the epoch. */
export interface FileStat {
  /** `file`, `directory` or `symlink`. */
  type: string;
  /** Bytes of the content. */
  size: number;
  /** The permission bits. */
  mode: number;
  /** Last change of the content, in milliseconds since the epoch. */
  mtimeMs: number;
  /** Last change of content or attributes, in milliseconds since the epoch. */
  ctimeMs: number;
  /** Last access, in milliseconds since the epoch. */
  atimeMs: number;
  /** How many names the file has. */
  nlink: number;
  /** The inode's number, unique in the VM. */
  ino: number;
}

/** A file, and what it is to hold. */
export interface FileToWrite {
  /** An absolute POSIX path inside the VM. */
  path: string;
  /** A string, or bytes as `{base64}`. */
  content: string | Uint8Array;
}

/** A file, directory or link at one time; `mode` is the permission bits alone. */
export interface FileVersion {
  /** `file`, `directory` or `symlink`. */
  type: "directory" | "file" | "symlink";
  /** Bytes of the content. */
  size: number;
  /** The permission bits. */
  mode: number;
  /** Last change of the content, in milliseconds since the epoch. */
  mtimeMs: number;
}

/** A file that was written, or with `error` one that could not be. */
export interface FileWritten {
  /** An absolute POSIX path inside the VM. */
  path: string;
  /** Why this file could not be read or written. */
  error?: FileError | null;
}

/**
 * The snapshot that a fork's files are from: that of the last turn which had ended at the event of the fork.
 */
export interface FilesAt {
  /** The session's public id, which stays the same for the session's whole life. */
  sessionId: string;
  /** The event after which the snapshot was taken. */
  seq: number;
  /** When the snapshot was taken, in milliseconds since the epoch. */
  createdAt: number;
}

/** What is different, by path; and which snapshots were compared, `to` being null for the present. */
export interface FilesDiff {
  /** The snapshot that was compared with. */
  from: Snapshot;
  /** The snapshot that was compared; null for the present state. */
  to: Snapshot | null;
  /** What is different, by path. */
  changes: FileChange[];
}

/** An event of a session. */
export interface ForkPoint {
  /** The session's public id, which stays the same for the session's whole life. */
  sessionId: string;
  /** The event's position in its transcript, from 0, without gaps. */
  seq: number;
}

/** Something that a VM had where it was exported, and has not here, or another one. */
export interface Lack {
  /** What it is. */
  kind: "agent" | "command";
  /** The agent's id, or the command's name. */
  name: string;
  /** The hash of its component there; null where the file does not tell it. */
  sha256: string | null;
  /** The hash of what has that name here; null where nothing has. */
  here: string | null;
}

/** Limits of the VM; what is left out has the daemon's default. */
export interface Limits {
  /** Memory of each guest, at least 1 MiB. Default: 512 MiB. */
  memoryBytes?: number;
  /** Fuel of each guest, about one unit for each instruction. Default: unlimited. */
  fuel?: number;
  /** Files, directories and links of the VM. Default: 1,000,000. */
  files?: number;
  /** Bytes of all files of the VM together. Default: 10 GiB. */
  fileBytes?: number;
  /** Guests of the VM at once, agents included. Default: 1,024. */
  processes?: number;
  /** Bytes that are kept of one process's output. Default: 4 MiB. */
  outputBytes?: number;
  /** Bytes of the events of one turn. Default: 128 MiB. */
  turnBytes?: number;
  /** Bytes of the events of one session. Default: 1 GiB. */
  sessionBytes?: number;
  /** Bytes of the events of all sessions of the VM together. Default: 4 GiB. */
  transcriptBytes?: number;
  /** Sessions of the VM, closed ones included. Default: 20,000. */
  sessions?: number;
}

/** The modes that the agent offers. */
export interface Modes {
  /** The mode that the agent is in. */
  currentModeId: string;
  /** The modes that there are, as the agent describes them. */
  availableModes: JsonObject[];
}

/** A directory of the daemon's machine in the VM. */
export interface Mount {
  /** Where it is in the VM: absolute, not the root, not in another mount. */
  path: string;
  /** The directory's real path on the daemon's machine: absolute, and without symbolic links. */
  host: string;
  /** Nothing below it can be changed through the VM. Default: false. */
  readOnly?: boolean;
}

/** A limit of which four fifths are used. */
export interface NearLimit {
  /** Its name in `options.limits`; or `context`, how full the context of a session's model is. */
  limit: string;
  /** How much of it is used; of `memoryBytes`, by the largest guest. */
  used: number;
  /** The limit. */
  allowed: number;
  /** The session that it is of, where it is of one. */
  sessionId?: string | null;
}

/** An agent or a command that was added to a daemon, and that a VM may need. */
export interface Need {
  /** What it is. */
  kind: "agent" | "command";
  /** The agent's id, or the command's name. */
  name: string;
  /** The hash of its component. */
  sha256: string;
}

/** What the VM's guests may reach. */
export interface Network {
  /** Grants; a VM without any reaches nothing but what an agent's manifest declares. */
  allow?: string[];
}

/**
 * Of the rules that match a tool call deny wins over ask, and ask over allow; `default` is for what none
 * matches.
 */
export interface PermissionPolicy {
  /** What to do with a tool call that no rule matches. */
  default?: "allow" | "ask" | "deny";
  /** Rules; of those that match, deny wins over ask, and ask over allow. */
  rules?: PermissionRule[];
}

/** What to do with the tool calls that all its members match: `kind` is ACP's, the others are globs. */
export interface PermissionRule {
  /** What to do with a tool call that the rule matches. */
  policy: "allow" | "ask" | "deny";
  /** ACP's tool kind, exactly. */
  kind?: string;
  /** A glob on the tool's name. */
  tool?: string;
  /** A glob on the call's title. */
  title?: string;
  /** A glob on the paths of the call. */
  path?: string;
  /** A glob on the command line of the call. */
  command?: string;
}

/** Processes of a VM: all, and those that are neither agents nor their MCP servers. */
export interface ProcessCounts {
  /** All of them. */
  count: number;
  /** Those that are neither agents nor their MCP servers. */
  commands: number;
}

/**
 * A process: an agent, a service that lives with one, or a command. How it ended, where `state` says that it
 * has.
 */
export interface ProcessInfo {
  /** The process; no other one has this number in this run of the daemon. */
  pid: number;
  /** The words of the command, the program first. */
  argv: string[];
  /** The working directory. */
  cwd: string;
  /** `agent`, `service` (it lives with an agent) or `command`. */
  kind: "agent" | "command" | "service";
  /** `running` or `ended`. */
  state: "ended" | "running";
  /** When it was started, in milliseconds since the epoch. */
  startedAt: number;
  /** Bytes of its memories and tables, touched or not; 0 once it has ended. */
  memoryBytes: number;
  /** The most that it has had. */
  peakMemoryBytes: number;
  /** The process that has started it, if one has and runs. */
  ppid?: number | null;
  /** When it ended, in milliseconds since the epoch. */
  endedAt?: number | null;
  /** What the process exited with; null when it ended in another way. */
  exitCode?: number | null;
  /** How it ended: `exit`, or what ended it. */
  reason?: "exit" | "fault" | "killed" | "out_of_fuel" | "output_limit" | "timeout" | "trap" | null;
  /** The same in words, where there is more to say. */
  detail?: string | null;
  /** What is kept of its output: a string, or bytes as `{base64}`. */
  stdout?: string | Uint8Array | null;
  /** What is kept of its messages: a string, or bytes as `{base64}`. */
  stderr?: string | Uint8Array | null;
  /** Bytes of output so far, kept or not. */
  stdoutBytes?: number | null;
  /** Bytes of messages so far, kept or not. */
  stderrBytes?: number | null;
  /** Whether only the end of the output was kept. */
  truncated?: boolean | null;
}

/**
 * How a process ended, and its output: where it is `truncated`, the last of it. `exitCode` is null unless it
 * exited.
 */
export interface ProcessResult {
  /** The process; no other one has this number in this run of the daemon. */
  pid: number;
  /** What the process exited with; null when it ended in another way. */
  exitCode: number | null;
  /** How it ended: `exit`, or what ended it. */
  reason: "exit" | "fault" | "killed" | "out_of_fuel" | "output_limit" | "timeout" | "trap";
  /** What is kept of its output: a string, or bytes as `{base64}`. */
  stdout: string | Uint8Array;
  /** What is kept of its messages: a string, or bytes as `{base64}`. */
  stderr: string | Uint8Array;
  /** Bytes of output so far, kept or not. */
  stdoutBytes: number;
  /** Bytes of messages so far, kept or not. */
  stderrBytes: number;
  /** Whether only the end of the output was kept. */
  truncated: boolean;
  /** The same in words, where there is more to say. */
  detail?: string | null;
}

/** How a turn ended. */
export interface PromptResult {
  /** All text that the agent said in the turn, in one string. */
  text: string;
  /** Why the turn ended (ACP): `end_turn`, `max_tokens`, `max_turn_requests`, `refusal`, `cancelled`. */
  stopReason: string;
  /** The agent's whole answer to the prompt. */
  response: JsonObject;
  /** The position of the event that ended the turn. */
  seq: number;
}

/** What `resumeSession` may be given again, after `secrets_required` or `authentication_required`. */
export interface ResumeOptions {
  /** Variables of the agent's process. They are kept sealed, for later resumes. */
  env?: Record<string, string>;
  /** Variables that are never written anywhere. By value, or as a record that says where the value is from. */
  secrets?: Record<string, string | Secret>;
  /** MCP servers for the agent: short forms or ACP's own, at most 64. */
  mcpServers?: JsonObject[];
  /**
   * How the agent is to be authenticated at its starts: the id of one of its `authMethods`. It is kept sealed.
   */
  authMethod?: string;
}

/** How many sessions' environments are sealed with the new key, and how many the old one did not open. */
export interface RotatedKey {
  /** How many sessions' environments are sealed with the new key. */
  resealed: number;
  /** How many the old key did not open; they stay as they are. */
  unreadable: number;
}

/**
 * By `value`, or `fromHostEnv`: what the daemon finds in its environment at each start. A `placeholder` is for
 * `hosts`.
 */
export interface Secret {
  /** The value itself: in memory only. */
  value?: string;
  /** The variable of the daemon's environment that has the value. */
  fromHostEnv?: string;
  /** Give the agent a token; the host puts the value in its place in requests to `hosts`. */
  placeholder?: boolean;
  /** The hosts that the value may go to, written like network grants. */
  hosts?: string[];
}

/** The client is asked from now on. */
export interface Serving {
  /** By which `fileRequest` comes; `unsubscribe` ends it, as the connection's end does. */
  subscriptionId: string;
}

/** Sessions of a VM: all, those with an agent, those with a turn. */
export interface SessionCounts {
  /** All sessions. */
  total: number;
  /** Those whose agent is in memory. */
  live: number;
  /** Those that are in a turn. */
  running: number;
}

/** A session, as it is stored, with its settings and what has been asked and answered. */
export interface SessionDetails {
  /** The agent's modes and the current one; null for an agent without. */
  modes: JsonObject | null;
  /** The agent's config options with their current values. */
  configOptions: JsonObject[];
  /** Requests that wait for an answer: `{permissionId, toolCall, options, description?}`. */
  pendingPermissions: JsonObject[];
  /** Questions of the agent that wait for an answer, as `elicitationRequest` has them. */
  pendingElicitations: JsonObject[];
  /** What `always` was said to: `{kind, tool}`. */
  rememberedPermissions: JsonObject[];
  /** Bytes of the agent's memories and tables, touched or not; null without an agent in memory. */
  memoryBytes: number | null;
  /** The session's public id, which stays the same for the session's whole life. */
  sessionId: string;
  /** The agent's id, as `listAgents` has it. */
  agentType: string;
  /** `running` a turn, `idle`, `suspended` (without an agent in memory), or `closed`. */
  status: "closed" | "idle" | "running" | "suspended";
  /** What the agent said it can do (ACP's `agentCapabilities`). */
  capabilities: JsonObject | null;
  /** Name, title and version that the agent gave of itself. */
  agentInfo: JsonObject | null;
  /** The session's working directory in the VM. */
  cwd: string;
  /** The title that the agent gave the session; null without one. */
  title: string | null;
  /** Tokens and cost, as far as the agent tells. */
  usage: SessionUsage;
  /** The position of the transcript's last event; -1 when it has none. */
  lastSeq: number;
  /** When it was created, in milliseconds since the epoch. */
  createdAt: number;
  /** When the row last changed, in milliseconds since the epoch. */
  updatedAt: number;
}

/** One event of a transcript. */
export interface SessionEvent {
  /** The session's public id, which stays the same for the session's whole life. */
  sessionId: string;
  /** The event's position in its transcript, from 0, without gaps. */
  seq: number;
  /** When it was recorded, in milliseconds since the epoch. */
  createdAt: number;
  /** The event as it is kept: `{jsonrpc, method, params}`. */
  event: JsonObject;
}

/** A session that has no agent yet, and the VM that it is in. */
export interface SessionForked {
  /** The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings. */
  vm: string | string[];
  /** The snapshot that the files are of, where an event was given. */
  filesAt?: FilesAt | null;
  /** The session's public id, which stays the same for the session's whole life. */
  sessionId: string;
  /** The agent's id, as `listAgents` has it. */
  agentType: string;
  /** What the agent said it can do (ACP's `agentCapabilities`). */
  capabilities: JsonObject | null;
  /** Name, title and version that the agent gave of itself. */
  agentInfo: JsonObject | null;
  /** The agent's modes and the current one; null for an agent without. */
  modes: JsonObject | null;
  /** The agent's config options with their current values. */
  configOptions: JsonObject[];
  /** The ways to authenticate that the agent offers (ACP's `authMethods`). */
  authMethods: JsonObject[];
  /** The session's working directory in the VM. */
  cwd: string;
  /** When it was created, in milliseconds since the epoch. */
  createdAt: number;
}

/** A session with its agent, as after `createSession`. */
export interface SessionInfo {
  /** The session's public id, which stays the same for the session's whole life. */
  sessionId: string;
  /** The agent's id, as `listAgents` has it. */
  agentType: string;
  /** What the agent said it can do (ACP's `agentCapabilities`). */
  capabilities: JsonObject | null;
  /** Name, title and version that the agent gave of itself. */
  agentInfo: JsonObject | null;
  /** The agent's modes and the current one; null for an agent without. */
  modes: JsonObject | null;
  /** The agent's config options with their current values. */
  configOptions: JsonObject[];
  /** The ways to authenticate that the agent offers (ACP's `authMethods`). */
  authMethods: JsonObject[];
  /** The session's working directory in the VM. */
  cwd: string;
  /** When it was created, in milliseconds since the epoch. */
  createdAt: number;
}

/** Options of `createSession`. */
export interface SessionOptions {
  /** Variables of the agent's process. They are kept sealed, for later resumes. */
  env?: Record<string, string>;
  /** Variables that are never written anywhere. By value, or as a record that says where the value is from. */
  secrets?: Record<string, string | Secret>;
  /** MCP servers for the agent: short forms or ACP's own, at most 64. */
  mcpServers?: JsonObject[];
  /**
   * How the agent is to be authenticated at its starts: the id of one of its `authMethods`. It is kept sealed.
   */
  authMethod?: string;
  /** The id that the session is to have; a fresh UUIDv7 when left out. */
  sessionId?: string;
  /** The session's working directory in the VM, made if need be; `/home/user` when left out. */
  cwd?: string;
  /** Text that is appended to what the agent tells its model about the machine. */
  additionalInstructions?: string;
  /** Leave out the base text about the machine. */
  skipOsInstructions?: boolean;
  /** What to do when the agent asks for permission: `ask` (the default), `allow`, `deny`, or rules. */
  permissionPolicy?: "allow" | "ask" | "deny" | PermissionPolicy;
  /** Further directories that the agent is told of. */
  additionalDirectories?: string[];
  /** How the agent may question a person: by forms, by pages to visit. It may not when left out. */
  elicitation?: ("form" | "url")[];
}

/** A session, as it is stored. */
export interface SessionRow {
  /** The session's public id, which stays the same for the session's whole life. */
  sessionId: string;
  /** The agent's id, as `listAgents` has it. */
  agentType: string;
  /** `running` a turn, `idle`, `suspended` (without an agent in memory), or `closed`. */
  status: "closed" | "idle" | "running" | "suspended";
  /** What the agent said it can do (ACP's `agentCapabilities`). */
  capabilities: JsonObject | null;
  /** Name, title and version that the agent gave of itself. */
  agentInfo: JsonObject | null;
  /** The session's working directory in the VM. */
  cwd: string;
  /** The title that the agent gave the session; null without one. */
  title: string | null;
  /** Tokens and cost, as far as the agent tells. */
  usage: SessionUsage;
  /** The position of the transcript's last event; -1 when it has none. */
  lastSeq: number;
  /** When it was created, in milliseconds since the epoch. */
  createdAt: number;
  /** When the row last changed, in milliseconds since the epoch. */
  updatedAt: number;
}

/** What the agent has told of tokens (ACP's names, summed over turns) and cost (by currency); null: nothing. */
export interface SessionUsage {
  /** Tokens summed over the turns, by ACP's names for the kinds; null where the agent tells none. */
  tokens: Record<string, number> | null;
  /** Cost by currency; null where the agent tells none. */
  cost: Record<string, number> | null;
  /** How full the model's context is; null where the agent does not tell. */
  context: Context | null;
}

/** A session's options after a change. */
export interface Settings {
  /** The agent's config options with their current values. */
  configOptions: JsonObject[];
  /** The agent's modes and the current one; null for an agent without. */
  modes: JsonObject | null;
}

/** A shell that was opened. */
export interface Shell {
  /** The shell; no other one has this name in this run of the daemon. */
  shell: string;
  /** Its first process. */
  pid: number;
}

/** How a shell ended. `exitCode` is null unless it exited. */
export interface ShellExit {
  /** The shell; no other one has this name in this run of the daemon. */
  shell: string;
  /** Its first process. */
  pid: number;
  /** What the process exited with; null when it ended in another way. */
  exitCode: number | null;
  /** How it ended: `exit`, or what ended it. */
  reason: "exit" | "fault" | "killed" | "out_of_fuel" | "output_limit" | "timeout" | "trap";
  /** The same in words, where there is more to say. */
  detail?: string | null;
}

/** A state of the files that is kept: under a name, or as what a turn of a session has left behind. */
export interface Snapshot {
  /** When it was taken, in milliseconds since the epoch. */
  createdAt: number;
  /** The name under which it is kept. */
  name?: string | null;
  /** The session whose turn has left it behind. */
  sessionId?: string | null;
  /** The event after which it was taken. */
  seq?: number | null;
}

/** A process that was started. */
export interface Spawned {
  /** The process; no other one has this number in this run of the daemon. */
  pid: number;
}

/** The new subscription. */
export interface Subscribed {
  /** The subscription, as `subscribe` answered it; it is of this connection only. */
  subscriptionId: string;
  /** Names this run of the daemon: another one after each start. Subscriptions do not outlast it. */
  epoch: string;
}

/** Where a trace of OpenTelemetry goes on, as W3C has it. */
export interface TraceContext {
  /** The trace, the span that asks, and flags: `00-...-...-01`. */
  traceparent: string;
  /** What tracers add. */
  tracestate?: string;
  /** What goes with the whole trace. */
  baggage?: string;
}

/** A file, directory or link somewhere below a directory. */
export interface TreeEntry {
  /** `file`, `directory` or `symlink`. */
  type: string;
  /** Bytes of the content. */
  size: number;
  /** The permission bits. */
  mode: number;
  /** Last change of the content, in milliseconds since the epoch. */
  mtimeMs: number;
  /** Last change of content or attributes, in milliseconds since the epoch. */
  ctimeMs: number;
  /** Last access, in milliseconds since the epoch. */
  atimeMs: number;
  /** How many names the file has. */
  nlink: number;
  /** The inode's number, unique in the VM. */
  ino: number;
  /** An absolute POSIX path inside the VM. */
  path: string;
}

/** Options to replace: what is left out stays as it is, null goes back to the default. */
export interface VmChanges {
  /** What the VM's guests may reach. */
  network?: Network | null;
  /** What the VM's guests and files may use. */
  limits?: Limits | null;
  /** The VM falls asleep after so long without work. Default: 15 minutes. */
  idleTimeoutMs?: number | null;
  /** Texts of the creator's own, at most 100. */
  labels?: Record<string, string> | null;
  /** Directories of the daemon's machine that the VM's guests and clients may use. Default: none. */
  mounts?: Mount[] | null;
  /** Whether Torpor's own commands and a few texts lie beneath the VM's files: `default`, or `none`. */
  base?: "default" | "none" | null;
}

/** A VM, and whether it is new. */
export interface VmCreated {
  /** Whether this call created it. */
  created: boolean;
  /** The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings. */
  vm: string | string[];
  /** `awake` when guests of the VM may be in memory, else `asleep`. */
  state: "asleep" | "awake";
  /** When it was created, in milliseconds since the epoch. */
  createdAt: number;
  /** When it last woke, fell asleep or got other options, in milliseconds since the epoch. */
  updatedAt: number;
  /** The options as they were given; what is left out has the daemon's default. */
  options?: JsonObject | null;
}

/** A fork. `filesAt` says of which moment its files are, when an event was given. */
export interface VmForked {
  /** The options of the VM that it was forked from. */
  options?: JsonObject | null;
  /** The snapshot that the files are of, where an event was given. */
  filesAt?: FilesAt | null;
  /** The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings. */
  vm: string | string[];
  /** `awake` when guests of the VM may be in memory, else `asleep`. */
  state: "asleep" | "awake";
  /** When it was created, in milliseconds since the epoch. */
  createdAt: number;
  /** When it last woke, fell asleep or got other options, in milliseconds since the epoch. */
  updatedAt: number;
}

/** A VM that was imported. */
export interface VmImported {
  /** Whether this call created it. */
  created: boolean;
  /** Agents and commands that the VM had where it was exported, and has not here, or other ones. */
  lacks?: Lack[];
  /** The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings. */
  vm: string | string[];
  /** `awake` when guests of the VM may be in memory, else `asleep`. */
  state: "asleep" | "awake";
  /** When it was created, in milliseconds since the epoch. */
  createdAt: number;
  /** When it last woke, fell asleep or got other options, in milliseconds since the epoch. */
  updatedAt: number;
  /** The options as they were given; what is left out has the daemon's default. */
  options?: JsonObject | null;
}

/** A VM. */
export interface VmInfo {
  /** The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings. */
  vm: string | string[];
  /** `awake` when guests of the VM may be in memory, else `asleep`. */
  state: "asleep" | "awake";
  /** When it was created, in milliseconds since the epoch. */
  createdAt: number;
  /** When it last woke, fell asleep or got other options, in milliseconds since the epoch. */
  updatedAt: number;
  /** The options as they were given; what is left out has the daemon's default. */
  options?: JsonObject | null;
}

/** Options of a VM, kept with it. */
export interface VmOptions {
  /** What the VM's guests may reach. */
  network?: Network;
  /** What the VM's guests and files may use. */
  limits?: Limits;
  /** The VM falls asleep after so long without work. Default: 15 minutes. */
  idleTimeoutMs?: number;
  /** Texts of the creator's own, at most 100. */
  labels?: Record<string, string>;
  /** Directories of the daemon's machine that the VM's guests and clients may use. Default: none. */
  mounts?: Mount[];
  /** Whether Torpor's own commands and a few texts lie beneath the VM's files: `default`, or `none`. */
  base?: "default" | "none";
}

/**
 * What a VM uses. Fuel and peak are since it woke; tokens and cost sum up its sessions, null where no agent
 * tells any.
 */
export interface VmStats {
  /** The VM's name: 1 to 128 of `A-Za-z0-9._-`, or a list of up to 8 such strings. */
  vm: string | string[];
  /** `awake` when guests of the VM may be in memory, else `asleep`. */
  state: "asleep" | "awake";
  /** Sessions of the VM. */
  sessions: SessionCounts;
  /** Guests of the VM that are in memory. */
  processes: ProcessCounts;
  /** Fuel that the VM's guests have used since it woke. */
  fuelUsed: number;
  /** Bytes of memories and tables that the VM's guests have, touched or not. */
  memoryBytes: number;
  /** The most of these that was seen since it woke, looking when asked and when a guest ends. */
  peakMemoryBytes: number;
  /** What the VM's filesystem holds. */
  files: FileCounts;
  /** Events in all transcripts of the VM. */
  events: number;
  /** Bytes of these events: what `limits.transcriptBytes` bounds. */
  eventBytes: number;
  /** Limits of which four fifths are used; also the context of models, of sessions that are not closed. */
  near: NearLimit[];
  /** Tokens of all sessions, by kind; null where no agent tells any. */
  tokens: Record<string, number> | null;
  /** Cost of all sessions, by currency; null where no agent tells any. */
  cost: Record<string, number> | null;
}

/** Who answers. `epoch` is another one after each start of the daemon: live subscriptions do not outlast it. */
export interface Welcome {
  /** Always `torpor`. */
  server: string;
  /** The version of the daemon. */
  version: string;
  /** The version of this API that the daemon speaks. */
  protocol: number;
  /** The parts of the API that this daemon serves. */
  capabilities: string[];
  /** Caps that a client may want to know, by name. */
  limits: Record<string, number>;
  /** Names this run of the daemon: another one after each start. Subscriptions do not outlast it. */
  epoch: string;
}

/** Params and result of each method. */
export interface Methods {
  "hello": { params: { client?: string | JsonObject; protocol?: 1 }; result: Welcome };
  "daemon.status": { params: {}; result: DaemonStatus };
  "daemon.rotateKey": { params: {}; result: RotatedKey };
  "subscribe": { params: { vm: string | string[]; sessionId?: string; after?: number; types?: string[] }; result: Subscribed };
  "unsubscribe": { params: { subscriptionId: string }; result: JsonObject };
  "vm.getOrCreate": { params: { vm: string | string[]; options?: VmOptions }; result: VmCreated };
  "vm.get": { params: { vm: string | string[] }; result: VmInfo };
  "vm.configure": { params: { vm: string | string[]; options: VmChanges }; result: VmInfo };
  "vm.list": { params: {}; result: VmInfo[] };
  "vm.sleep": { params: { vm: string | string[]; graceMs?: number; force?: boolean }; result: JsonObject };
  "vm.wake": { params: { vm: string | string[] }; result: VmInfo };
  "vm.stats": { params: { vm: string | string[] }; result: VmStats };
  "vm.destroy": { params: { vm: string | string[] }; result: JsonObject };
  "vm.export": { params: { vm: string | string[]; path: string; progressToken?: string }; result: Exported };
  "vm.import": { params: { path: string; vm?: string | string[]; trust?: boolean; progressToken?: string }; result: VmImported };
  "createSession": { params: { vm: string | string[]; agentType: string; options?: SessionOptions }; result: SessionInfo };
  "closeSession": { params: { vm: string | string[]; sessionId: string }; result: JsonObject };
  "destroySession": { params: { vm: string | string[]; sessionId: string }; result: JsonObject };
  "resumeSession": { params: { vm: string | string[]; sessionId: string; options?: ResumeOptions }; result: SessionInfo };
  "authenticate": { params: { vm: string | string[]; sessionId: string; methodId: string }; result: JsonObject };
  "getSessionEvents": { params: { vm: string | string[]; sessionId: string; after?: number; before?: number; limit?: number; types?: string[] }; result: SessionEvent[] };
  "listPersistedSessions": { params: { vm: string | string[] }; result: SessionRow[] };
  "listSessions": { params: { vm: string | string[] }; result: SessionRow[] };
  "getSession": { params: { vm: string | string[]; sessionId: string }; result: SessionDetails };
  "rawSend": { params: { vm: string | string[]; sessionId: string; method: string; params?: JsonObject }; result: unknown };
  "sendPrompt": { params: { vm: string | string[]; sessionId: string; prompt: string | JsonObject[]; idempotencyKey?: string; timeoutMs?: number; traceContext?: TraceContext }; result: PromptResult };
  "cancelPrompt": { params: { vm: string | string[]; sessionId: string; graceMs?: number }; result: CancelResult };
  "respondPermission": { params: { vm: string | string[]; sessionId: string; permissionId: string; reply?: "always" | "once" | "reject"; optionId?: string }; result: JsonObject };
  "respondElicitation": { params: { vm: string | string[]; sessionId: string; questionId: string; action: "accept" | "cancel" | "decline"; content?: Record<string, string | boolean | number | string[]> }; result: JsonObject };
  "vm.fork": { params: { vm: string | string[]; to: string | string[]; at?: ForkPoint }; result: VmForked };
  "forkSession": { params: { vm: string | string[]; sessionId: string; at?: number; to?: string | string[] }; result: SessionForked };
  "setModel": { params: { vm: string | string[]; sessionId: string; value: string }; result: Settings };
  "setThoughtLevel": { params: { vm: string | string[]; sessionId: string; value: string }; result: Settings };
  "setMode": { params: { vm: string | string[]; sessionId: string; modeId: string }; result: Settings };
  "setConfigOption": { params: { vm: string | string[]; sessionId: string; configId: string; value: string | boolean }; result: Settings };
  "getModes": { params: { vm: string | string[]; sessionId: string }; result: Modes | null };
  "getConfigOptions": { params: { vm: string | string[]; sessionId: string }; result: JsonObject[] };
  "readFile": { params: { vm: string | string[]; path: string; encoding?: "base64" | "utf8"; offset?: number; length?: number }; result: FileContent };
  "writeFile": { params: { vm: string | string[]; path: string; content: string | Uint8Array; createParents?: boolean; offset?: number }; result: JsonObject };
  "readdir": { params: { vm: string | string[]; path: string }; result: string[] };
  "stat": { params: { vm: string | string[]; path: string; followLinks?: boolean }; result: FileStat };
  "exists": { params: { vm: string | string[]; path: string }; result: boolean };
  "deleteFile": { params: { vm: string | string[]; path: string; recursive?: boolean }; result: JsonObject };
  "mkdir": { params: { vm: string | string[]; path: string; recursive?: boolean }; result: JsonObject };
  "move": { params: { vm: string | string[]; from: string; to: string }; result: JsonObject };
  "symlink": { params: { vm: string | string[]; target: string; path: string }; result: JsonObject };
  "readlink": { params: { vm: string | string[]; path: string }; result: string };
  "chmod": { params: { vm: string | string[]; path: string; mode: number }; result: JsonObject };
  "truncate": { params: { vm: string | string[]; path: string; size: number }; result: JsonObject };
  "readFiles": { params: { vm: string | string[]; paths: string[]; encoding?: "base64" | "utf8" }; result: FileRead[] };
  "writeFiles": { params: { vm: string | string[]; files: FileToWrite[] }; result: FileWritten[] };
  "readdirEntries": { params: { vm: string | string[]; path: string; after?: string; limit?: number }; result: DirEntry[] };
  "readdirRecursive": { params: { vm: string | string[]; path: string; maxDepth?: number; exclude?: string[] }; result: TreeEntry[] };
  "serveFiles": { params: { vm: string | string[]; sessionId: string; paths: string[]; read?: boolean; write?: boolean }; result: Serving };
  "respondFile": { params: { subscriptionId: string; requestId: string; content?: string; error?: string }; result: JsonObject };
  "snapshot": { params: { vm: string | string[]; name?: string }; result: Snapshot };
  "listSnapshots": { params: { vm: string | string[]; sessionId?: string }; result: Snapshot[] };
  "deleteSnapshot": { params: { vm: string | string[]; name: string }; result: JsonObject };
  "restore": { params: { vm: string | string[]; to: string | ForkPoint; graceMs?: number; force?: boolean }; result: Snapshot };
  "diff": { params: { vm: string | string[]; from: string | ForkPoint; to?: string | ForkPoint; path?: string }; result: FilesDiff };
  "exec": { params: { vm: string | string[]; command?: string; argv?: string[]; env?: Record<string, string>; cwd?: string; stdin?: string | Uint8Array; timeoutMs?: number }; result: ProcessResult };
  "spawn": { params: { vm: string | string[]; command?: string; argv?: string[]; env?: Record<string, string>; cwd?: string; stdin?: string | Uint8Array; timeoutMs?: number }; result: Spawned };
  "writeProcessStdin": { params: { vm: string | string[]; pid: number; data: string | Uint8Array }; result: JsonObject };
  "closeProcessStdin": { params: { vm: string | string[]; pid: number }; result: JsonObject };
  "waitProcess": { params: { vm: string | string[]; pid: number; timeoutMs?: number }; result: ProcessResult };
  "stopProcess": { params: { vm: string | string[]; pid: number; graceMs?: number }; result: ProcessResult };
  "killProcess": { params: { vm: string | string[]; pid: number }; result: ProcessResult };
  "listProcesses": { params: { vm: string | string[] }; result: ProcessInfo[] };
  "getProcess": { params: { vm: string | string[]; pid: number; output?: boolean }; result: ProcessInfo };
  "openShell": { params: { vm: string | string[]; argv?: string[]; env?: Record<string, string>; cwd?: string; rows?: number; columns?: number }; result: Shell };
  "writeShell": { params: { vm: string | string[]; shell: string; data: string | Uint8Array }; result: JsonObject };
  "resizeShell": { params: { vm: string | string[]; shell: string; rows: number; columns: number }; result: JsonObject };
  "closeShell": { params: { vm: string | string[]; shell: string; graceMs?: number }; result: ShellExit };
  "waitShell": { params: { vm: string | string[]; shell: string; timeoutMs?: number }; result: ShellExit };
  "listAgents": { params: { vm?: string | string[] }; result: AgentInfo[] };
  "addAgent": { params: { path: string; name?: string }; result: AgentInfo };
  "checkAgent": { params: { path: string }; result: AgentCheck };
  "removeAgent": { params: { name: string }; result: JsonObject };
  "addCommand": { params: { path: string; name?: string }; result: CommandOfBase };
  "listCommands": { params: {}; result: CommandOfBase[] };
  "removeCommand": { params: { name: string }; result: JsonObject };
  "rpc.discover": { params: {}; result: JsonObject };
}

/** Every method of the API. */
export type MethodName = keyof Methods;

/** What a subscription may send. */
export type NotificationName =
  | "sessionEvent"
  | "permissionRequest"
  | "elicitationRequest"
  | "fileRequest"
  | "fileRequestEnded"
  | "vmState"
  | "vmWarning"
  | "agentExit"
  | "processOutput"
  | "processExit"
  | "shellData"
  | "compiling"
  | "progress"
  | "subscriptionLagged";

/** Methods whose results hold bytes. */
export const METHODS_WITH_BYTES: ReadonlySet<string> = new Set(["readFile", "readFiles", "exec", "waitProcess", "stopProcess", "killProcess", "listProcesses", "getProcess"]);

/** The API's methods on one VM; `Vm` is what users hold. */
export abstract class VmMethods {
  protected abstract invoke<M extends MethodName>(
    method: M, params: object, options: CallOptions): Promise<Methods[M]["result"]>;

  protected abstract invokeWithOptions<M extends MethodName>(
    method: M, params: object, options: CallOptions): Promise<Methods[M]["result"]>;

  /** Describe a VM; never wakes it. Errors: `vm_not_found`. */
  get(options: CallOptions = {}): Promise<VmInfo> {
    return this.invoke("vm.get", {}, options);
  }

  /**
   * Replace options of a VM, asleep or awake; limits of guests and of processes count from the next wake on.
   * Errors: `vm_not_found`, `invalid_argument`.
   */
  configure(options: VmChanges & CallOptions): Promise<VmInfo> {
    return this.invokeWithOptions("vm.configure", {}, options);
  }

  /** Hibernate the VM now: wait for running turns up to graceMs, or force. Errors: `vm_not_found`, `busy`. */
  sleep(options: { graceMs?: number; force?: boolean } & CallOptions = {}): Promise<JsonObject> {
    return this.invoke("vm.sleep", {}, options);
  }

  /** Wake the VM; never needed, since calls do. Errors: `vm_not_found`. */
  wake(options: CallOptions = {}): Promise<VmInfo> {
    return this.invoke("vm.wake", {}, options);
  }

  /** Tell what the VM uses; wakes nothing. Errors: `vm_not_found`. */
  stats(options: CallOptions = {}): Promise<VmStats> {
    return this.invoke("vm.stats", {}, options);
  }

  /** Remove the VM with its sessions, files and everything. Errors: `vm_not_found`. */
  destroy(options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("vm.destroy", {}, options);
  }

  /**
   * Write the VM with its files and sessions to a new file, without the values of env; wakes nothing. Errors:
   * `vm_not_found`, `exists`, `not_found`, `io_error`.
   */
  export(path: string, options: { progressToken?: string } & CallOptions = {}): Promise<Exported> {
    return this.invoke("vm.export", { path }, options);
  }

  /**
   * Start an agent in the VM, which is woken, and open a session with it. Cancelled, it leaves none. Errors:
   * `vm_not_found`, `agent_not_found`, `agent_failed`, `authentication_required`, `session_conflict`,
   * `limit_exceeded`.
   */
  createSession(agentType: string, options: SessionOptions & CallOptions = {}): Promise<SessionInfo> {
    return this.invokeWithOptions("createSession", { agentType }, options);
  }

  /** Stop the agent, keep everything; idempotent. Errors: `vm_not_found`, `session_not_found`. */
  closeSession(sessionId: string, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("closeSession", { sessionId }, options);
  }

  /** Remove the session and all its events. Errors: `vm_not_found`, `session_not_found`. */
  destroySession(sessionId: string, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("destroySession", { sessionId }, options);
  }

  /**
   * Bring a closed or suspended session back. Errors: `vm_not_found`, `session_not_found`, `agent_failed`,
   * `agent_error`, `secrets_required`, `authentication_required`.
   */
  resumeSession(sessionId: string, options: ResumeOptions & CallOptions = {}): Promise<SessionInfo> {
    return this.invokeWithOptions("resumeSession", { sessionId }, options);
  }

  /**
   * Have the agent authenticate itself, now and at its later starts. The agent may wait for a person who logs
   * in. Errors: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
   * `secrets_required`, `authentication_required`.
   */
  authenticate(sessionId: string, methodId: string, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("authenticate", { sessionId, methodId }, options);
  }

  /**
   * Read the transcript by seq; wakes nothing. A very long answer ends early: go on with `after`. Errors:
   * `vm_not_found`, `session_not_found`.
   */
  getSessionEvents(sessionId: string, options: { after?: number; before?: number; limit?: number; types?: string[] } & CallOptions = {}): Promise<SessionEvent[]> {
    return this.invoke("getSessionEvents", { sessionId }, options);
  }

  /** List all sessions of the VM, oldest first; wakes nothing. Errors: `vm_not_found`. */
  listPersistedSessions(options: CallOptions = {}): Promise<SessionRow[]> {
    return this.invoke("listPersistedSessions", {}, options);
  }

  /** List the sessions that are live; wakes nothing. Errors: `vm_not_found`. */
  listSessions(options: CallOptions = {}): Promise<SessionRow[]> {
    return this.invoke("listSessions", {}, options);
  }

  /** Describe a session; wakes nothing. Errors: `vm_not_found`, `session_not_found`. */
  getSession(sessionId: string, options: CallOptions = {}): Promise<SessionDetails> {
    return this.invoke("getSession", { sessionId }, options);
  }

  /**
   * Send any ACP request to the agent and return its result. Errors: `vm_not_found`, `session_not_found`,
   * `session_closed`, `agent_failed`, `agent_error`, `secrets_required`, `authentication_required`.
   */
  rawSend(sessionId: string, method: string, params?: JsonObject, options: CallOptions = {}): Promise<unknown> {
    return this.invoke("rawSend", { sessionId, method, params }, options);
  }

  /**
   * Run one turn and return how it ended; all its events come before this answer. Cancelled, it gives up the
   * answer only. Errors: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`, `agent_error`,
   * `secrets_required`, `authentication_required`, `prompt_in_progress`, `session_conflict`.
   */
  sendPrompt(sessionId: string, prompt: string | JsonObject[], options: { idempotencyKey?: string; timeoutMs?: number; traceContext?: TraceContext } & CallOptions = {}): Promise<PromptResult> {
    return this.invoke("sendPrompt", { sessionId, prompt }, options);
  }

  /** End the turn in progress; answers when it is over. Errors: `vm_not_found`, `session_not_found`. */
  cancelPrompt(sessionId: string, options: { graceMs?: number } & CallOptions = {}): Promise<CancelResult> {
    return this.invoke("cancelPrompt", { sessionId }, options);
  }

  /**
   * Answer a question of the agent; the first valid answer wins. Errors: `vm_not_found`, `session_not_found`,
   * `elicitation_not_pending`.
   */
  respondElicitation(sessionId: string, questionId: string, action: "accept" | "cancel" | "decline", options: { content?: Record<string, string | boolean | number | string[]> } & CallOptions = {}): Promise<JsonObject> {
    return this.invoke("respondElicitation", { sessionId, questionId, action }, options);
  }

  /**
   * Make a new VM, asleep, with the sessions and files of this one as they are, or as they were after an event.
   * Errors: `vm_not_found`, `session_not_found`, `vm_conflict`, `invalid_argument`.
   */
  fork(to: string | string[], options: { at?: ForkPoint } & CallOptions = {}): Promise<VmForked> {
    return this.invoke("vm.fork", { to }, options);
  }

  /**
   * Make a session with the history of another: a new one in its VM, or the same in a fork of the VM. Errors:
   * `vm_not_found`, `session_not_found`, `vm_conflict`, `invalid_argument`.
   */
  forkSession(sessionId: string, options: { at?: number; to?: string | string[] } & CallOptions = {}): Promise<SessionForked> {
    return this.invoke("forkSession", { sessionId }, options);
  }

  /**
   * Set the config option of category `model`. Errors: `vm_not_found`, `session_not_found`, `session_closed`,
   * `agent_failed`, `agent_error`, `secrets_required`, `authentication_required`, `option_read_only`,
   * `unsupported_by_agent`.
   */
  setModel(sessionId: string, value: string, options: CallOptions = {}): Promise<Settings> {
    return this.invoke("setModel", { sessionId, value }, options);
  }

  /**
   * Set the config option of category `thought_level`. Errors: `vm_not_found`, `session_not_found`,
   * `session_closed`, `agent_failed`, `agent_error`, `secrets_required`, `authentication_required`,
   * `option_read_only`, `unsupported_by_agent`.
   */
  setThoughtLevel(sessionId: string, value: string, options: CallOptions = {}): Promise<Settings> {
    return this.invoke("setThoughtLevel", { sessionId, value }, options);
  }

  /**
   * Switch the agent's mode. Errors: `vm_not_found`, `session_not_found`, `session_closed`, `agent_failed`,
   * `agent_error`, `secrets_required`, `authentication_required`, `option_read_only`, `unsupported_by_agent`.
   */
  setMode(sessionId: string, modeId: string, options: CallOptions = {}): Promise<Settings> {
    return this.invoke("setMode", { sessionId, modeId }, options);
  }

  /**
   * Set a config option by its id. Errors: `vm_not_found`, `session_not_found`, `session_closed`,
   * `agent_failed`, `agent_error`, `secrets_required`, `authentication_required`, `option_read_only`,
   * `unsupported_by_agent`.
   */
  setConfigOption(sessionId: string, configId: string, value: string | boolean, options: CallOptions = {}): Promise<Settings> {
    return this.invoke("setConfigOption", { sessionId, configId, value }, options);
  }

  /** Return the agent's modes, null if it has none. Errors: `vm_not_found`, `session_not_found`. */
  getModes(sessionId: string, options: CallOptions = {}): Promise<Modes | null> {
    return this.invoke("getModes", { sessionId }, options);
  }

  /** Return the agent's config options. Errors: `vm_not_found`, `session_not_found`. */
  getConfigOptions(sessionId: string, options: CallOptions = {}): Promise<JsonObject[]> {
    return this.invoke("getConfigOptions", { sessionId }, options);
  }

  /**
   * Return a file, or a piece of it. Errors: `vm_not_found`, `not_found`, `not_a_directory`,
   * `invalid_argument`, `is_a_directory`, `too_large`.
   */
  readFile(path: string, options: { encoding?: "base64" | "utf8"; offset?: number; length?: number } & CallOptions = {}): Promise<FileContent> {
    return this.invoke("readFile", { path }, options);
  }

  /**
   * Create or replace a file, or write a piece of it. Errors: `vm_not_found`, `not_found`, `not_a_directory`,
   * `invalid_argument`, `read_only`, `quota_exceeded`, `is_a_directory`, `too_large`.
   */
  writeFile(path: string, content: string | Uint8Array, options: { createParents?: boolean; offset?: number } & CallOptions = {}): Promise<JsonObject> {
    return this.invoke("writeFile", { path, content }, options);
  }

  /**
   * Return the names in a directory. Errors: `vm_not_found`, `not_found`, `not_a_directory`,
   * `invalid_argument`, `too_large`.
   */
  readdir(path: string, options: CallOptions = {}): Promise<string[]> {
    return this.invoke("readdir", { path }, options);
  }

  /** Describe a file. Errors: `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`. */
  stat(path: string, options: { followLinks?: boolean } & CallOptions = {}): Promise<FileStat> {
    return this.invoke("stat", { path }, options);
  }

  /** Say whether the path names anything. Errors: `vm_not_found`. */
  exists(path: string, options: CallOptions = {}): Promise<boolean> {
    return this.invoke("exists", { path }, options);
  }

  /**
   * Remove a file or a link, or with `recursive` a directory. Errors: `vm_not_found`, `not_found`,
   * `not_a_directory`, `invalid_argument`, `read_only`, `quota_exceeded`, `is_a_directory`,
   * `directory_not_empty`.
   */
  deleteFile(path: string, options: { recursive?: boolean } & CallOptions = {}): Promise<JsonObject> {
    return this.invoke("deleteFile", { path }, options);
  }

  /**
   * Create a directory, with `recursive` its parents. Errors: `vm_not_found`, `not_found`, `not_a_directory`,
   * `invalid_argument`, `read_only`, `quota_exceeded`, `exists`.
   */
  mkdir(path: string, options: { recursive?: boolean } & CallOptions = {}): Promise<JsonObject> {
    return this.invoke("mkdir", { path }, options);
  }

  /**
   * Rename a file, a link or a directory, over a file or an empty directory that is in its place. Errors:
   * `vm_not_found`, `not_found`, `not_a_directory`, `invalid_argument`, `read_only`, `quota_exceeded`,
   * `is_a_directory`, `directory_not_empty`.
   */
  move(from: string, to: string, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("move", { from, to }, options);
  }

  /**
   * Make a symbolic link at `path` to `target`. Errors: `vm_not_found`, `not_found`, `not_a_directory`,
   * `invalid_argument`, `read_only`, `quota_exceeded`, `exists`.
   */
  symlink(target: string, path: string, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("symlink", { target, path }, options);
  }

  /**
   * Return what a symbolic link holds. Errors: `vm_not_found`, `not_found`, `not_a_directory`,
   * `invalid_argument`.
   */
  readlink(path: string, options: CallOptions = {}): Promise<string> {
    return this.invoke("readlink", { path }, options);
  }

  /**
   * Set permission bits; they are kept, and not enforced. Errors: `vm_not_found`, `not_found`,
   * `not_a_directory`, `invalid_argument`, `read_only`, `quota_exceeded`.
   */
  chmod(path: string, mode: number, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("chmod", { path, mode }, options);
  }

  /**
   * Cut a file off, or extend it by zeros that take no space. Errors: `vm_not_found`, `not_found`,
   * `not_a_directory`, `invalid_argument`, `read_only`, `quota_exceeded`, `is_a_directory`, `too_large`.
   */
  truncate(path: string, size: number, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("truncate", { path, size }, options);
  }

  /** Return whole files, or for each why not; 16 MiB all together. Errors: `vm_not_found`. */
  readFiles(paths: string[], options: { encoding?: "base64" | "utf8" } & CallOptions = {}): Promise<FileRead[]> {
    return this.invoke("readFiles", { paths }, options);
  }

  /**
   * Create or replace files, with their directories; each has an outcome of its own. Errors: `vm_not_found`.
   */
  writeFiles(files: FileToWrite[], options: CallOptions = {}): Promise<FileWritten[]> {
    return this.invoke("writeFiles", { files }, options);
  }

  /**
   * Describe the entries of a directory, by name; at most 100,000 at once. Errors: `vm_not_found`, `not_found`,
   * `not_a_directory`, `invalid_argument`, `limit_exceeded`, `too_large`.
   */
  readdirEntries(path: string, options: { after?: string; limit?: number } & CallOptions = {}): Promise<DirEntry[]> {
    return this.invoke("readdirEntries", { path }, options);
  }

  /**
   * Describe everything below a directory, parents first; at most 100,000 entries. Errors: `vm_not_found`,
   * `not_found`, `not_a_directory`, `invalid_argument`, `limit_exceeded`, `too_large`.
   */
  readdirRecursive(path: string, options: { maxDepth?: number; exclude?: string[] } & CallOptions = {}): Promise<TreeEntry[]> {
    return this.invoke("readdirRecursive", { path }, options);
  }

  /**
   * Keep the VM's files as they are now, under a name; costs what changes afterwards. Errors: `vm_not_found`,
   * `exists`, `limit_exceeded`.
   */
  snapshot(options: { name?: string } & CallOptions = {}): Promise<Snapshot> {
    return this.invoke("snapshot", {}, options);
  }

  /**
   * List the snapshots with names, or those of a session's turns, oldest first. Errors: `vm_not_found`,
   * `session_not_found`.
   */
  listSnapshots(options: { sessionId?: string } & CallOptions = {}): Promise<Snapshot[]> {
    return this.invoke("listSnapshots", {}, options);
  }

  /** Delete a snapshot, with what only it has kept. Errors: `vm_not_found`, `not_found`. */
  deleteSnapshot(name: string, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("deleteSnapshot", { name }, options);
  }

  /**
   * Put the VM to sleep and make its files what they were; sessions keep their transcripts. Errors:
   * `vm_not_found`, `session_not_found`, `not_found`, `invalid_argument`, `busy`.
   */
  restore(to: string | ForkPoint, options: { graceMs?: number; force?: boolean } & CallOptions = {}): Promise<Snapshot> {
    return this.invoke("restore", { to }, options);
  }

  /**
   * Tell what is different in the files between two states, or between one and now. Errors: `vm_not_found`,
   * `session_not_found`, `not_found`, `invalid_argument`, `limit_exceeded`.
   */
  diff(from: string | ForkPoint, options: { to?: string | ForkPoint; path?: string } & CallOptions = {}): Promise<FilesDiff> {
    return this.invoke("diff", { from }, options);
  }

  /**
   * Run a command to its end and return its output; wakes the VM. Errors: `vm_not_found`, `not_found`,
   * `not_a_directory`, `invalid_argument`, `limit_exceeded`, `timeout`.
   */
  exec(command: string | string[], options: { env?: Record<string, string>; cwd?: string; stdin?: string | Uint8Array; timeoutMs?: number } & CallOptions = {}): Promise<ProcessResult> {
    return this.invoke("exec", { ...(typeof command === 'string' ? { command } : { argv: command }) }, options);
  }

  /**
   * Start a command and return at once; wakes the VM. Errors: `vm_not_found`, `not_found`, `not_a_directory`,
   * `invalid_argument`, `limit_exceeded`.
   */
  spawn(command: string | string[], options: { env?: Record<string, string>; cwd?: string; stdin?: string | Uint8Array; timeoutMs?: number } & CallOptions = {}): Promise<Spawned> {
    return this.invoke("spawn", { ...(typeof command === 'string' ? { command } : { argv: command }) }, options);
  }

  /**
   * Give a process something to read; returns when there was room for it. Errors: `vm_not_found`, `not_found`,
   * `invalid_argument`.
   */
  writeProcessStdin(pid: number, data: string | Uint8Array, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("writeProcessStdin", { pid, data }, options);
  }

  /**
   * Let a process read the end of its stdin; idempotent. Errors: `vm_not_found`, `not_found`,
   * `invalid_argument`.
   */
  closeProcessStdin(pid: number, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("closeProcessStdin", { pid }, options);
  }

  /**
   * Wait until a process has ended; return how, and its output. Errors: `vm_not_found`, `not_found`,
   * `invalid_argument`, `timeout`.
   */
  waitProcess(pid: number, options: { timeoutMs?: number } & CallOptions = {}): Promise<ProcessResult> {
    return this.invoke("waitProcess", { pid }, options);
  }

  /**
   * Ask a process to end, by the end of its stdin, and kill it after the grace; returns when it is gone.
   * Errors: `vm_not_found`, `not_found`, `invalid_argument`.
   */
  stopProcess(pid: number, options: { graceMs?: number } & CallOptions = {}): Promise<ProcessResult> {
    return this.invoke("stopProcess", { pid }, options);
  }

  /** End a process now; returns when it is gone. Errors: `vm_not_found`, `not_found`, `invalid_argument`. */
  killProcess(pid: number, options: CallOptions = {}): Promise<ProcessResult> {
    return this.invoke("killProcess", { pid }, options);
  }

  /**
   * List the processes that run, and commands that have ended lately; wakes nothing. Errors: `vm_not_found`.
   */
  listProcesses(options: CallOptions = {}): Promise<ProcessInfo[]> {
    return this.invoke("listProcesses", {}, options);
  }

  /** Describe a process; wakes nothing. Errors: `vm_not_found`, `not_found`, `invalid_argument`. */
  getProcess(pid: number, options: { output?: boolean } & CallOptions = {}): Promise<ProcessInfo> {
    return this.invoke("getProcess", { pid }, options);
  }

  /**
   * Start a command on a terminal of its own and return at once; wakes the VM. Errors: `vm_not_found`,
   * `not_found`, `not_a_directory`, `invalid_argument`, `limit_exceeded`.
   */
  openShell(options: { argv?: string[]; env?: Record<string, string>; cwd?: string; rows?: number; columns?: number } & CallOptions = {}): Promise<Shell> {
    return this.invoke("openShell", {}, options);
  }

  /**
   * Type at a shell's terminal; returns when there was room for it. Errors: `vm_not_found`, `not_found`,
   * `invalid_argument`.
   */
  writeShell(shell: string, data: string | Uint8Array, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("writeShell", { shell, data }, options);
  }

  /**
   * Change the size of a shell's terminal, of which its programs are told. Errors: `vm_not_found`, `not_found`,
   * `invalid_argument`.
   */
  resizeShell(shell: string, rows: number, columns: number, options: CallOptions = {}): Promise<JsonObject> {
    return this.invoke("resizeShell", { shell, rows, columns }, options);
  }

  /**
   * Hang up a shell's terminal, and kill what has not ended after the grace; returns when it is gone. Errors:
   * `vm_not_found`, `not_found`, `invalid_argument`.
   */
  closeShell(shell: string, options: { graceMs?: number } & CallOptions = {}): Promise<ShellExit> {
    return this.invoke("closeShell", { shell }, options);
  }

  /**
   * Wait until a shell has ended; return how. Errors: `vm_not_found`, `not_found`, `invalid_argument`,
   * `timeout`.
   */
  waitShell(shell: string, options: { timeoutMs?: number } & CallOptions = {}): Promise<ShellExit> {
    return this.invoke("waitShell", { shell }, options);
  }

  /** List the agents that sessions can run. */
  listAgents(options: CallOptions = {}): Promise<AgentInfo[]> {
    return this.invoke("listAgents", {}, options);
  }
}
