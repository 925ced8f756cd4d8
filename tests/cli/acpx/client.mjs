// A client on the official TypeScript library: `node client.mjs CWD COMMAND...` starts an agent as an editor does, and prints
// what it has seen as JSON.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import { client, methods, ndJsonStream } from "@agentclientprotocol/sdk/unstable";

const [cwd, program, ...rest] = process.argv.slice(2);
const seen = { updates: [], asked: [] };

const started = spawn(program, rest, { stdio: ["pipe", "pipe", "inherit"] });
const stream = ndJsonStream(Writable.toWeb(started.stdin), Readable.toWeb(started.stdout));

const app = client({ name: "tests" })
  .onNotification(methods.client.session.update, ({ params }) => {
    seen.updates.push(params.update);
  })
  .onRequest(methods.client.session.requestPermission, ({ params }) => {
    seen.asked.push(methods.client.session.requestPermission);
    const { optionId } = params.options.find(({ kind }) => kind === "allow_once");
    return { outcome: { outcome: "selected", optionId } };
  })
  .onRequest(methods.client.fs.readTextFile, ({ params }) => {
    seen.asked.push(params.path);
    return { content: "unsaved" };
  });

await app.connectWith(stream, async (agent) => {
  const { session } = methods.agent;
  const clientCapabilities = { fs: { readTextFile: true, writeTextFile: false } };
  seen.hello = await agent.request(methods.agent.initialize, { protocolVersion: 1, clientCapabilities });
  const made = await agent.request(session.new, { cwd, mcpServers: [] });
  const sessionId = made.sessionId;
  const prompt = [{ type: "text", text: "say hello; permission Rm; read open" }];
  seen.ended = await agent.request(session.prompt, { sessionId, prompt });
  const forked = await agent.request(session.fork, { sessionId, cwd, mcpServers: [] });
  seen.listed = (await agent.request(session.list, { cwd })).sessions.map((row) => row.sessionId);
  seen.sessions = [sessionId, forked.sessionId];
  const before = seen.updates.length;
  await agent.request(session.load, { sessionId, cwd, mcpServers: [] });
  seen.replayed = seen.updates.splice(before).map((update) => update.sessionUpdate);
  await agent.request(session.delete, { sessionId: forked.sessionId });
  await agent.request(session.close, { sessionId });
});
started.kill("SIGTERM");
const [code] = await once(started, "exit");
console.log(JSON.stringify({ ...seen, code }));
