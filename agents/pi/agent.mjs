// pi's ACP face: which requests it answers, and with what.

import * as acp from "@agentclientprotocol/sdk";
import { log } from "../sdk/web/stdio.mjs";
import { McpServers } from "./mcp.mjs";
import { chooseModel, chooseThinking, configOptions, setOption } from "./models.mjs";
import { load } from "./persist.mjs";
import { Session } from "./session.mjs";

const VERSION = "0.1.0";
const { agent: methods } = acp.methods;

export function createApp() {
  const sessions = new Map();
  let capabilities = {};

  function find(sessionId) {
    const session = sessions.get(sessionId);
    if (!session) throw acp.RequestError.sessionNotFound(sessionId);
    return session;
  }

  function open(client, params, saved) {
    const servers = (params.mcpServers ?? []).filter(({ type }) => type === "http");
    for (const { name, type } of params.mcpServers ?? []) {
      if (type !== "http") log(`pi: the MCP server ${name} is left out: pi speaks MCP over streamable HTTP only`);
    }
    const model = chooseModel(saved?.model ?? process.env.PI_MODEL);
    const session = new Session({
      id: saved?.id ?? crypto.randomUUID(),
      cwd: params.cwd,
      directories: params.additionalDirectories ?? [],
      client,
      capabilities,
      model,
      thinking: chooseThinking(model, saved?.thinking ?? process.env.PI_THINKING),
      saved,
      mcp: servers.length ? new McpServers(servers, VERSION) : undefined,
    });
    sessions.set(session.id, session);
    return session;
  }

  function restore(client, params) {
    const live = sessions.get(params.sessionId);
    if (live) return live;
    const saved = load(params.sessionId);
    if (!saved) throw acp.RequestError.sessionNotFound(params.sessionId);
    return open(client, params, saved);
  }

  return acp
    .agent({ name: "pi" })
    .onRequest(methods.initialize, ({ params }) => {
      capabilities = params.clientCapabilities ?? {};
      return {
        protocolVersion: acp.PROTOCOL_VERSION,
        agentCapabilities: {
          loadSession: true,
          promptCapabilities: { image: true, embeddedContext: true },
          mcpCapabilities: { http: true },
          sessionCapabilities: { resume: {}, close: {}, additionalDirectories: {} },
        },
        agentInfo: { name: "pi", title: "pi", version: VERSION },
        authMethods: [],
      };
    })
    .onRequest(methods.session.new, ({ params, client }) => {
      const session = open(client, params);
      return { sessionId: session.id, configOptions: configOptions(session) };
    })
    .onRequest(methods.session.load, async ({ params, client }) => {
      const session = restore(client, params);
      await session.replay();
      return { configOptions: configOptions(session) };
    })
    .onRequest(methods.session.resume, ({ params, client }) => ({ configOptions: configOptions(restore(client, params)) }))
    .onRequest(methods.session.setConfigOption, ({ params }) => {
      const session = find(params.sessionId);
      if (!setOption(session, params.configId, params.value)) {
        throw acp.RequestError.invalidParams({ configId: params.configId, value: params.value });
      }
      return { configOptions: configOptions(session) };
    })
    .onRequest(methods.session.prompt, ({ params }) => find(params.sessionId).prompt(params.prompt))
    .onNotification(methods.session.cancel, ({ params }) => sessions.get(params.sessionId)?.cancel())
    .onRequest(methods.session.close, ({ params }) => {
      find(params.sessionId).close();
      sessions.delete(params.sessionId);
      return {};
    });
}
