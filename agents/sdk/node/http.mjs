// node:http, for clients: a request is sent whole, by fetch, when it has been ended; its answer is a stream.

import { fetch } from "../web/fetch.mjs";
import { Buffer } from "./buffer.mjs";
import { absent } from "./errors.mjs";
import { EventEmitter } from "./events.mjs";
import { Readable, Writable } from "./stream.mjs";

export const METHODS = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
export const STATUS_CODES = {
  200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 301: "Moved Permanently", 302: "Found", 303: "See Other",
  304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
  405: "Method Not Allowed", 408: "Request Timeout", 409: "Conflict", 410: "Gone", 413: "Payload Too Large", 415: "Unsupported Media Type",
  422: "Unprocessable Entity", 429: "Too Many Requests", 500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway",
  503: "Service Unavailable", 504: "Gateway Timeout",
};
export const maxHeaderSize = 16384;

/** The answer to a request. */
export class IncomingMessage extends Readable {
  #reader;

  constructor(response) {
    super();
    const pairs = [...response.headers];
    Object.assign(this, {
      statusCode: response.status,
      statusMessage: response.statusText || (STATUS_CODES[response.status] ?? ""),
      headers: Object.fromEntries(pairs.map(([name, value]) => [name, name === "set-cookie" ? response.headers.getSetCookie?.() ?? [value] : value])),
      rawHeaders: pairs.flat(), trailers: {}, httpVersion: "1.1", httpVersionMajor: 1, httpVersionMinor: 1, complete: false,
    });
    this.#reader = response.body?.getReader();
  }
  async _read() {
    try {
      const { done, value } = (await this.#reader?.read()) ?? { done: true };
      this.complete = done;
      this.push(done ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength));
    } catch (error) {
      this.destroy(error);
    }
  }
  _destroy(error, callback) {
    this.#reader?.cancel().catch(() => {});
    callback(error);
  }
  setTimeout() {
    return this;
  }
}

/** Where a request goes, of the forms in which callers say it. */
function target(protocol, first, second, third) {
  const isPlace = typeof first === "string" || first instanceof URL;
  const callback = [first, second, third].find((one) => typeof one === "function");
  const options = { ...(isPlace ? (typeof second === "object" ? second : {}) : first) };
  if (isPlace) return { url: new URL(first), options, callback };
  const { hostname, host = "localhost", port, path = "/" } = options;
  const base = `${options.protocol ?? protocol}//${hostname ?? host}${port ? `:${port}` : ""}`;
  // Not as a URL beneath the other: //elsewhere is a path here.
  return { url: new URL(`${base}${path.startsWith("/") ? "" : "/"}${path}`), options, callback };
}

export class ClientRequest extends Writable {
  #headers = new Map(); // lower case -> [name, value]
  #parts = [];
  #abort = new AbortController();
  #timer;

  constructor(protocol, ...args) {
    super({ autoDestroy: false }); // it has been sent, and its answer is still to come
    const { url, options, callback } = target(protocol, ...args);
    Object.assign(this, { url, method: (options.method ?? "GET").toUpperCase(), protocol: url.protocol, host: url.hostname, path: url.pathname + url.search, aborted: false, reusedSocket: false });
    for (const [name, value] of Object.entries(options.headers ?? {})) if (value !== undefined) this.setHeader(name, value);
    if (options.auth) this.setHeader("authorization", `Basic ${Buffer.from(options.auth).toString("base64")}`);
    if (options.timeout) this.setTimeout(options.timeout);
    options.signal?.addEventListener("abort", () => this.destroy(options.signal.reason), { once: true });
    if (callback) this.once("response", callback);
  }
  setHeader(name, value) {
    this.#headers.set(name.toLowerCase(), [name, Array.isArray(value) ? value.join(", ") : String(value)]);
    return this;
  }
  getHeader(name) {
    return this.#headers.get(name.toLowerCase())?.[1];
  }
  getHeaders() {
    return Object.fromEntries([...this.#headers].map(([name, [, value]]) => [name, value]));
  }
  getHeaderNames() {
    return [...this.#headers.keys()];
  }
  hasHeader(name) {
    return this.#headers.has(name.toLowerCase());
  }
  removeHeader(name) {
    this.#headers.delete(name.toLowerCase());
  }
  flushHeaders() {}
  setNoDelay() {}
  setSocketKeepAlive() {}
  setTimeout(ms, callback) {
    if (callback) this.once("timeout", callback);
    clearTimeout(this.#timer);
    if (ms) this.#timer = setTimeout(() => this.emit("timeout"), ms);
    return this;
  }
  abort() {
    this.aborted = true;
    this.destroy();
  }
  _write(chunk, _encoding, callback) {
    this.#parts.push(chunk);
    callback();
  }
  _final(callback) {
    callback();
    this.#send();
  }
  async #send() {
    const body = this.#parts.length ? Buffer.concat(this.#parts) : undefined;
    try {
      const response = await fetch(this.url.href, { method: this.method, headers: [...this.#headers.values()], body, signal: this.#abort.signal });
      clearTimeout(this.#timer);
      const message = new IncomingMessage(response);
      // Who does not ask for the answer does not wait for it either.
      if (!this.emit("response", message)) message.resume();
    } catch (error) {
      if (!this.destroyed) this.destroy(error);
    }
  }
  _destroy(error, callback) {
    clearTimeout(this.#timer);
    this.#abort.abort(error ?? new Error("the request was given up"));
    callback(error);
  }
}

export class Agent extends EventEmitter {
  constructor(options = {}) {
    super();
    this.options = options;
  }
  destroy() {}
}
export const globalAgent = new Agent();

/** node:https is the same with another protocol. */
export function client(protocol) {
  const request = (...args) => new ClientRequest(protocol, ...args);
  const get = (...args) => {
    const asked = request(...args);
    asked.end();
    return asked;
  };
  return { request, get };
}

export const { request, get } = client("http:");
export const createServer = absent("http.createServer");
export const Server = createServer;
export const OutgoingMessage = Writable;
export const ServerResponse = Writable;
export const validateHeaderName = () => {};
export const validateHeaderValue = () => {};

export default {
  Agent, ClientRequest, createServer, get, globalAgent, IncomingMessage, maxHeaderSize, METHODS, OutgoingMessage, request, Server, ServerResponse, STATUS_CODES,
  validateHeaderName, validateHeaderValue,
};
