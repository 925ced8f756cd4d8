// node:https, for clients.

import http, { Agent, client } from "./http.mjs";
import { absent } from "./errors.mjs";

export { Agent };
export const { request, get } = client("https:");
export const globalAgent = new Agent();
export const createServer = absent("https.createServer");
export const Server = createServer;
export default { ...http, Agent, createServer, get, globalAgent, request, Server };
