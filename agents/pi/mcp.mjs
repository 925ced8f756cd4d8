// MCP servers, their tools offered to the model: streamable HTTP through the official SDK. The runtime runs local servers in
// the VM and offers them to us as HTTP too.

import "./mcp-web.mjs";
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { fetch } from "../sdk/web/fetch.mjs";
import { log } from "../sdk/web/stdio.mjs";
import { cut } from "./text.mjs";
import { toolName, toolResult, toolSchema } from "./mcp-tools.mjs";

/** A server that does not answer its first requests in this time is left out of the turn: the user waits meanwhile. */
const CONNECT_TIMEOUT_MS = 20_000;
/** A server whose failure took its time is not tried again at every turn, but after this while. */
const SLOW_FAILURE_MS = 1000;
const RETRY_AFTER_MS = 60_000;
/** A call without progress for this long is given up, as a command of the shell is, unless PI_MCP_TIMEOUT_MS says otherwise. */
const CALL_TIMEOUT_MS = 120_000;
/** However much progress it reports: an agent that works unattended must not wait for ever. */
const LONGEST_CALL_MS = 30 * 60_000;
/** Characters of a server's instructions that go into the system prompt; more would crowd out the work. */
const MAX_INSTRUCTIONS = 4096;
/** Where the runtime serves local servers: requests to it are no connections. */
const RUNTIME_HOST = "mcp.torpor.internal";
/** What HTTP answers when the server has forgotten our MCP session, which begins a new one (MCP, "Session Management"). */
const NOT_FOUND = 404;
const METHOD_NOT_ALLOWED = 405;

/**
 * No stream for the news of a remote server, which would take a connection for as long as the session is there, of the few that all
 * sessions of the VM share. A stream that goes on with the answer to a call is no such (MCP, "Resumability and Redelivery").
 */
async function mcpFetch(url, init) {
  const isNews = init.method === "GET" && url.host !== RUNTIME_HOST && !init.headers.has("last-event-id");
  return isNews ? new Response(null, { status: METHOD_NOT_ALLOWED }) : fetch(url, init);
}

class Server {
  constructor({ name, url, headers }, version) {
    this.name = name;
    this.url = new URL(url);
    this.headers = headers ?? [];
    this.version = version;
    this.tools = [];
    this.stale = false; // the server has said that its tools are others now
    this.fresh = false; // the tools were listed when the session or the server started, and no turn has begun since
    this.failure = undefined; // why it cannot be used, if so
    this.notBefore = 0; // when to try again
    this.client = undefined;
  }

  /** Connects and lists the tools, as far as that is not done; does not throw. */
  async connect() {
    const begun = Date.now();
    if (this.client ? !this.outdated() : begun < this.notBefore) return;
    try {
      if (!this.client) {
        this.client = await this.open();
        this.fresh = true;
      }
      this.stale = false;
      this.tools = (await this.client.listTools(undefined, { timeout: CONNECT_TIMEOUT_MS, cacheMode: "refresh" })).tools;
      this.failure = undefined;
    } catch (error) {
      this.close();
      if (this.failure !== error.message) log(`pi: the MCP server ${this.name} cannot be used: ${error.message}`);
      this.failure = error.message;
      if (Date.now() - begun > SLOW_FAILURE_MS) this.notBefore = Date.now() + RETRY_AFTER_MS;
    }
  }

  /** Whether the tools must be listed again. What a remote server would tell about that we do not hear. */
  outdated() {
    const wasFresh = this.fresh;
    this.fresh = false;
    if (this.stale) return true;
    return !wasFresh && this.url.host !== RUNTIME_HOST && Boolean(this.client.getServerCapabilities()?.tools?.listChanged);
  }

  async open() {
    const client = new Client({ name: "pi", version: this.version });
    client.onerror = () => {}; // what matters fails a request too; a broken event stream is opened again
    client.setNotificationHandler("notifications/tools/list_changed", () => void (this.stale = true));
    const requestInit = { headers: this.headers.map(({ name, value }) => [name, value]) };
    const transport = new StreamableHTTPClientTransport(this.url, { fetch: mcpFetch, requestInit });
    await client.connect(transport, { timeout: CONNECT_TIMEOUT_MS });
    return client;
  }

  async call(name, args, signal, onUpdate) {
    const options = {
      signal,
      timeout: Number(process.env.PI_MCP_TIMEOUT_MS) || CALL_TIMEOUT_MS,
      resetTimeoutOnProgress: true,
      maxTotalTimeout: LONGEST_CALL_MS,
      onprogress: ({ message }) => message && onUpdate?.({ content: [{ type: "text", text: message }], details: {} }),
    };
    const call = async () => {
      if (!this.client) throw new Error(`the MCP server ${this.name} cannot be used: ${this.failure}`);
      return this.client.callTool({ name, arguments: args }, options);
    };
    try {
      return await call();
    } catch (error) {
      if ((error.data?.status ?? error.status) !== NOT_FOUND) throw error;
      this.close();
      await this.connect();
      return call();
    }
  }

  close() {
    this.client?.close().catch(() => {});
    this.client = undefined;
    this.tools = [];
  }
}

/** The MCP servers of a session. They are connected to at once, beside everything else. */
export class McpServers {
  constructor(servers, version) {
    this.servers = servers.map((server) => new Server(server, version));
    this.connect();
  }

  connect() {
    this.connecting = true;
    this.connected = Promise.all(this.servers.map((server) => server.connect())).then(() => (this.connecting = false));
  }

  /** Waits until every server is connected or has failed; those that failed before are tried again at each turn. */
  async ready() {
    if (!this.connecting) this.connect();
    await this.connected;
  }

  /** The tools of all servers as pi takes them. */
  tools() {
    const taken = new Set();
    return this.servers.flatMap((server) =>
      server.tools.map((tool) => ({
        name: toolName(server.name, tool.name, taken),
        label: tool.title ?? tool.annotations?.title ?? tool.name,
        description: tool.description ?? tool.title ?? tool.name,
        parameters: toolSchema(tool.inputSchema),
        execute: async (_, args, signal, onUpdate) => toolResult(await server.call(tool.name, args, signal, onUpdate)),
      })),
    );
  }

  /** What the system prompt says about the servers. */
  instructions() {
    return this.servers.flatMap(({ name, client, failure }) => {
      if (failure) return [`The MCP server ${name} cannot be used: ${failure}`];
      const text = client?.getInstructions();
      return text ? [`# The MCP server ${name}\n\n${cut(text, MAX_INSTRUCTIONS)}`] : [];
    });
  }

  close() {
    for (const server of this.servers) server.close();
  }
}
