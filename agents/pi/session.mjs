// One conversation: pi's own session, told to a client of ACP.

import { methods } from "@agentclientprotocol/sdk";
import { serveAnthropic } from "@mariozechner/pi-ai"; // providers.mjs, which stands for one of its modules
import { costOf, readBlocks, totalUsage } from "./content.mjs";
import { promptError } from "./failure.mjs";
import { soundBlock } from "./images.mjs";
import { Journal } from "./journal.mjs";
import { streamAnswer } from "./model.mjs";
import { isMode, noticeOf, permission, planTool, toolsOf } from "./modes.mjs";
import { checkKey, chooseModel, firstModel, registryOf } from "./options.mjs";
import { DefaultResourceLoader, SettingsManager, createAgentSession, getAgentDir } from "./pi.mjs";
import { present } from "./present.mjs";
import { cut } from "./text.mjs";
import { findShell, guarded, ownTools, soundTool, usableTools } from "./tools/index.mjs";
import { Reporter, replayUpdates } from "./updates.mjs";

const TITLE_LENGTH = 80;
const STOP_REASONS = { stop: "end_turn", toolUse: "end_turn", length: "max_tokens", refusal: "refusal", aborted: "cancelled" };
const NO_SHELL = "There is no shell: you cannot run programs, so do not claim that something was tested.";

let current; // the session whose turn it is

serveAnthropic((model, context, options) =>
  streamAnswer(model, context, {
    ...options,
    apiKey: options.apiKey?.trim(), // files of keys end with a line end
    withdrawImages: (messages, first) => current.journal.withdrawImages(messages.slice(first)),
  }),
);

/** A new session, or the one of an id; undefined if there is none of that. */
export async function openSession({ id, cwd, directories, client, mcp }) {
  const journal = id ? Journal.find(id, cwd) : Journal.begin(cwd);
  if (!journal) return undefined;
  process.chdir(cwd);
  const agentDir = getAgentDir();
  const shell = findShell();
  const modelRegistry = registryOf(agentDir);
  const settingsManager = SettingsManager.create(cwd, agentDir);
  const session = new Session({ cwd, client, mcp, journal });
  const resourceLoader = new DefaultResourceLoader({
    cwd,
    agentDir,
    settingsManager,
    extensionFactories: [(extension) => extension.on("before_agent_start", ({ systemPrompt }) => ({ systemPrompt: session.promptOf(systemPrompt) }))],
    appendSystemPromptOverride: (base) => [...base, ...partsOfPrompt(directories, shell)],
  });
  await resourceLoader.reload(); // which reads the settings anew
  adapt(settingsManager, shell);
  const { model: kept } = journal.buildSessionContext();
  const { session: pi } = await createAgentSession({
    cwd,
    agentDir,
    authStorage: modelRegistry.authStorage,
    modelRegistry,
    settingsManager,
    resourceLoader,
    model: id && kept ? chooseModel(modelRegistry, `${kept.provider}/${kept.modelId}`) : firstModel(modelRegistry, settingsManager, process.env.PI_MODEL),
    thinkingLevel: id ? undefined : process.env.PI_THINKING,
    sessionManager: journal,
    tools: [...usableTools(shell), "plan"],
    customTools: [...ownTools(cwd), planTool((update) => session.update(update))],
  });
  session.begin(pi, resourceLoader);
  return session;
}

/** What the system prompt has besides pi's own parts. */
function partsOfPrompt(directories, shell) {
  const more = directories.length ? `Further directories of this project: ${directories.join(", ")}` : undefined;
  return [process.env.TORPOR_INSTRUCTIONS, shell ? undefined : NO_SHELL, more].filter(Boolean);
}

/** The settings of the VM's user, but for what an agent behind ACP does in another way. */
function adapt(settings, shell) {
  settings.applyOverrides({
    retry: { enabled: false }, // model.mjs does that, as long as nothing has been shown
    images: { autoResize: false },
    ...(shell && { shellPath: shell }),
  });
  // What is chosen in one session is not what the next one begins with.
  settings.setDefaultModelAndProvider = settings.setDefaultThinkingLevel = () => {};
}

class Session {
  constructor({ cwd, client, mcp, journal }) {
    Object.assign(this, { cwd, client, mcp, journal, id: journal.getSessionId(), title: journal.getSessionName() });
    this.answers = []; // the model's, of this turn
    this.cancelled = false;
    this.waiting = undefined; // the turn that waits for MCP servers: an AbortController
    this.again = undefined; // the run that follows a compaction: a promise of its end
  }

  begin(pi, resourceLoader) {
    const { agent } = pi;
    Object.assign(this, { pi, agent, resourceLoader });
    agent.toolExecution = "sequential"; // they all work on the same files
    // The run that follows a compaction. Where the answer is complete there is none, which pi tells nobody.
    const goOn = agent.continue.bind(agent);
    agent.continue = () => goOn().finally(() => this.endOfAgain?.());
    const { beforeToolCall, transformContext } = agent;
    agent.beforeToolCall = async (call, signal) => (await beforeToolCall(call, signal)) ?? this.ask(call);
    const { afterToolCall } = agent;
    agent.afterToolCall = async (call, signal) => {
      const changed = await afterToolCall(call, signal);
      return { ...changed, content: (changed?.content ?? call.result.content).map(soundBlock) };
    };
    // Without anybody who changes it, pi's copy of the whole conversation is for nothing, and images could not be taken out of it.
    agent.transformContext = (messages) => (pi.extensionRunner.hasHandlers("context") ? transformContext(messages) : messages);
    this.reporter = new Reporter({ cwd: this.cwd, cost: costOf(this.journal.messages()), model: () => pi.model, update: (update) => this.update(update) });
    // Of the pieces of an answer pi tells its extensions alone, at a promise or five each.
    const handle = pi._handleAgentEvent;
    pi._handleAgentEvent = (event) => (event.type !== "message_update" || pi.extensionRunner.hasHandlers("message_update") ? handle(event) : undefined);
    pi._disconnectFromAgent();
    pi._reconnectToAgent();
    agent.subscribe((event) => this.hear(event));
    pi.subscribe((event) => this.hearPi(event));
    this.own = agent.state.tools.map((tool) => soundTool(tool, this.cwd));
    this.setMode("auto");
  }

  update(update) {
    return this.client.notify(methods.client.session.update, { sessionId: this.id, update });
  }

  hear(event) {
    if (event.type === "agent_start" && this.cancelled) this.agent.abort();
    if (event.type === "message_end" && event.message.role === "assistant") this.answers.push(event.message);
    return this.reporter.report(event);
  }

  hearPi({ type, reason, willRetry, errorMessage }) {
    if (type === "compaction_start" && reason !== "manual") this.think("The context is full: the conversation is being compacted.");
    if (type !== "compaction_end") return;
    if (errorMessage) this.think(errorMessage);
    if (willRetry) this.again = new Promise((resolve) => (this.endOfAgain = resolve));
  }

  think(text) {
    return this.update({ sessionUpdate: "agent_thought_chunk", content: { type: "text", text } });
  }

  /** Whether a call may be made: see modes.mjs. */
  ask({ toolCall, args }) {
    if (this.mode === "auto") return undefined;
    return permission({ mode: this.mode, client: this.client, sessionId: this.id, toolCall, shown: present(toolCall.name, args, this.cwd) });
  }

  /** Tells the commands, once the request that has made the session is answered. */
  announce() {
    const templates = this.pi.promptTemplates.map(({ name, description }) => ({ name, description: description ?? "" }));
    const { skills } = this.resourceLoader.getSkills();
    const availableCommands = [
      { name: "compact", description: "Go on from a summary of the conversation", input: { hint: "what the summary is to keep" } },
      ...templates,
      ...skills.map(({ name, description }) => ({ name: `skill:${name}`, description })),
    ];
    setTimeout(() => this.update({ sessionUpdate: "available_commands_update", availableCommands }), 0);
  }

  /** False if there is no such mode. */
  setMode(mode) {
    if (!isMode(mode)) return false;
    this.mode = mode;
    return true;
  }

  setModel(model) {
    this.agent.state.model = model;
    this.journal.appendModelChange(model.provider, model.id);
    this.pi.setThinkingLevel(this.pi.thinkingLevel); // as far as this model has it
  }

  /** The system prompt of a turn. */
  promptOf(systemPrompt) {
    return [systemPrompt, ...(this.mcp?.instructions() ?? []), ...noticeOf(this.mode)].join("\n\n");
  }

  /** Runs a turn. @returns ACP's PromptResponse; throws RequestError */
  async prompt(blocks) {
    current = this;
    this.cancelled = false;
    this.answers = [];
    await checkKey(this.pi.modelRegistry, this.pi.model);
    const { text, images } = readBlocks(blocks);
    const [isCompact, wanted] = /^\/compact(?:\s+(.*))?$/s.exec(text) ?? [];
    if (isCompact) return this.compact(wanted);
    if (this.mcp && !(await this.connected())) return { stopReason: "cancelled" };
    this.agent.state.tools = toolsOf(this.mode, [...this.own, ...(this.mcp?.tools().map(guarded) ?? [])]);
    const before = this.agent.state.messages;
    const leaf = this.journal.getLeafId();
    // Not awaited before the turn has begun: a cancel that comes in between would find nothing to stop.
    const titled = this.title ? undefined : this.setTitle(text);
    await this.pi.prompt(text, { images: images.length ? images : undefined });
    await this.settled();
    await titled;
    await this.reporter.finish();
    const last = this.answers.at(-1);
    if (last?.stopReason === "error") throw promptError(last);
    const stopReason = this.cancelled ? "cancelled" : (STOP_REASONS[last?.stopReason] ?? "end_turn");
    if (stopReason === "refusal") this.forget(before, leaf);
    return this.answers.length ? { stopReason, usage: totalUsage(this.answers) } : { stopReason };
  }

  /** Waits for what pi does after a turn: it keeps messages, compacts the conversation, and may run once more then. */
  async settled() {
    for (;;) {
      await this.pi._agentEventQueue;
      if (!this.again) return;
      await this.again;
      this.again = this.endOfAgain = undefined;
    }
  }

  /** ACP on a refusal: the prompt and what came after it are not in the next one. The model would refuse that as well. */
  forget(before, leaf) {
    this.journal.goBack(leaf);
    this.agent.state.messages = before;
  }

  /** Waits for the MCP servers. False: the turn was cancelled meanwhile. */
  async connected() {
    const waiting = (this.waiting = new AbortController());
    const cancelled = new Promise((resolve) => waiting.signal.addEventListener("abort", resolve));
    await Promise.race([this.mcp.ready(), cancelled]);
    this.waiting = undefined;
    return !waiting.signal.aborted;
  }

  async compact(wanted) {
    let said = "The conversation was compacted.";
    try {
      await this.pi.compact(wanted);
    } catch (error) {
      said = `The conversation was not compacted: ${error.message}`;
    }
    if (this.cancelled) return { stopReason: "cancelled" };
    await this.update({ sessionUpdate: "agent_message_chunk", content: { type: "text", text: said } });
    return { stopReason: "end_turn" };
  }

  cancel() {
    this.cancelled = true;
    this.waiting?.abort();
    this.agent.abort();
    this.pi.abortCompaction();
  }

  close() {
    this.cancel();
    this.mcp?.close();
    this.pi.dispose();
  }

  async setTitle(text) {
    const line = text.trim().split("\n", 1)[0];
    this.title = line.length > TITLE_LENGTH ? `${cut(line, TITLE_LENGTH - 1)}…` : line;
    this.journal.appendSessionInfo(this.title);
    await this.update({ sessionUpdate: "session_info_update", title: this.title });
  }

  /** Tells the client the conversation so far, as session/load must. */
  async replay() {
    for (const update of replayUpdates(this.pi.messages, this.cwd)) await this.update(update);
  }
}
