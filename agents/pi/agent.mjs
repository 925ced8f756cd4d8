// pi's ACP face: which requests it answers, and with what.

import * as acp from "@agentclientprotocol/sdk";
import { log } from "../sdk/web/stdio.mjs";
import { McpServers } from "./mcp.mjs";
import { configOptions, setOption } from "./options.mjs";
import { MODES } from "./modes.mjs";
import { VERSION } from "./pi.mjs";
import { openSession } from "./session.mjs";

const { agent: methods } = acp.methods;

export function createApp() {
  const sessions = new Map();

  function find(sessionId) {
    const session = sessions.get(sessionId);
    if (!session) throw acp.RequestError.sessionNotFound(sessionId);
    return session;
  }

  async function open(client, params) {
    const live = params.sessionId && sessions.get(params.sessionId);
    if (live) return live;
    const servers = (params.mcpServers ?? []).filter(({ type }) => type === "http");
    for (const { name, type } of params.mcpServers ?? []) {
      if (type !== "http") log(`pi: the MCP server ${name} is left out: pi speaks MCP over streamable HTTP only`);
    }
    const mcp = servers.length ? new McpServers(servers, VERSION) : undefined;
    const session = await openSession({ id: params.sessionId, cwd: params.cwd, directories: params.additionalDirectories ?? [], client, mcp });
    if (!session) throw acp.RequestError.sessionNotFound(params.sessionId);
    sessions.set(session.id, session);
    return session;
  }

  const about = (session) => ({ configOptions: configOptions(session), modes: { currentModeId: session.mode, availableModes: MODES } });

  return acp
    .agent({ name: "pi" })
    .onRequest(methods.initialize, () => {
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
    .onRequest(methods.session.new, async ({ params, client }) => {
      const session = await open(client, params);
      session.announce();
      return { sessionId: session.id, ...about(session) };
    })
    .onRequest(methods.session.load, async ({ params, client }) => {
      const session = await open(client, params);
      await session.replay();
      session.announce();
      return about(session);
    })
    .onRequest(methods.session.resume, async ({ params, client }) => {
      const session = await open(client, params);
      session.announce();
      return about(session);
    })
    .onRequest(methods.session.setMode, ({ params }) => {
      if (!find(params.sessionId).setMode(params.modeId)) throw acp.RequestError.invalidParams({ modeId: params.modeId });
      return {};
    })
    .onRequest(methods.session.setConfigOption, async ({ params }) => {
      const session = find(params.sessionId);
      if (!(await setOption(session, params.configId, params.value))) {
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
