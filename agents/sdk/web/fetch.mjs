// fetch over wasi:http, on the loop of loop.mjs. Follows no redirects: an API that redirects is a misconfiguration.

import { handle } from "wasi:http/outgoing-handler@0.2.12";
import { Fields, OutgoingBody, OutgoingRequest } from "wasi:http/types@0.2.12";
import { forget, ready } from "./loop.mjs";
import { writeAll } from "./stdio.mjs";

const READ_SIZE = 65536n;
const METHODS = new Set(["get", "head", "post", "put", "delete", "connect", "options", "trace", "patch"]);
/** What HTTP/1.1 leaves to the host. */
const HOST_HEADERS = new Set(["connection", "content-length", "host", "keep-alive", "transfer-encoding", "upgrade"]);

function outgoing(request) {
  const url = new URL(request.url);
  const encoder = new TextEncoder();
  const headers = [];
  for (const [name, value] of request.headers) {
    if (!HOST_HEADERS.has(name.toLowerCase())) headers.push([name, encoder.encode(value)]);
  }
  const out = new OutgoingRequest(Fields.fromList(headers));
  const method = request.method.toLowerCase();
  out.setMethod(METHODS.has(method) ? { tag: method } : { tag: "other", val: request.method });
  out.setScheme({ tag: url.protocol === "https:" ? "HTTPS" : "HTTP" });
  out.setAuthority(url.host);
  out.setPathWithQuery(url.pathname + url.search);
  return out;
}

async function sendBody(body, bytes) {
  if (bytes?.length) {
    const stream = body.write();
    try {
      await writeAll(stream, bytes);
    } finally {
      stream[Symbol.dispose]();
    }
  }
  OutgoingBody.finish(body, undefined);
}

/** What a person can do about an error whose name does not say it. */
const REMEDIES = { "HTTP-request-denied": "network.allow of the VM does not name this host" };

function failure(error, url) {
  const { tag = String(error), val = REMEDIES[tag] } = error?.payload ?? error ?? {};
  const detail = typeof val === "string" ? `: ${val}` : "";
  return Object.assign(new TypeError(`request to ${new URL(url).host} failed: ${tag}${detail}`), { code: tag });
}

/** The response's body as a stream. However it ends, the connection is given back. */
function bodyStream(response, signal) {
  const body = response.consume();
  const input = body.stream();
  const pollable = input.subscribe();
  let open = true;
  const close = () => {
    if (!open) return;
    open = false;
    forget(pollable);
    pollable[Symbol.dispose]();
    input[Symbol.dispose]();
    body[Symbol.dispose]();
    response[Symbol.dispose]();
  };
  return new ReadableStream(
    {
      start(controller) {
        signal?.addEventListener("abort", () => {
          if (open) controller.error(signal.reason);
          close();
        });
      },
      async pull(controller) {
        while (open) {
          let bytes;
          try {
            bytes = input.read(READ_SIZE);
          } catch (error) {
            const broken = (error?.payload ?? error)?.tag !== "closed";
            close();
            if (broken) controller.error(new TypeError("the connection broke while the response was read"));
            else controller.close();
            return;
          }
          if (bytes.length) {
            controller.enqueue(bytes);
            return;
          }
          await ready(pollable);
        }
      },
      cancel: close,
    },
    { highWaterMark: 0 },
  );
}

/** The signal's own method is of no use: the engine throws, and goes on as if it had not. */
function throwIfAborted(signal) {
  if (signal?.aborted) throw signal.reason;
}

async function responseTo(future, signal) {
  const pollable = future.subscribe();
  const abort = () => forget(pollable);
  signal?.addEventListener("abort", abort);
  try {
    for (;;) {
      throwIfAborted(signal);
      const answer = future.get();
      if (answer) {
        const outcome = answer.val ?? answer;
        if (outcome.tag === "err") throw outcome.val;
        return outcome.val;
      }
      await ready(pollable);
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    pollable[Symbol.dispose]();
    future[Symbol.dispose]();
  }
}

/** The standard fetch, for string and byte bodies. A failure's `code` is the case of wasi:http's error-code. */
export async function fetch(resource, options = {}) {
  const url = typeof resource === "string" ? resource : (resource.url ?? String(resource));
  const { method = "GET", body, signal } = options;
  const headers = new Headers(options.headers);
  throwIfAborted(signal);
  let response;
  try {
    const out = outgoing({ url, method, headers });
    const outBody = out.body();
    const future = handle(out, undefined);
    await sendBody(outBody, typeof body === "string" ? new TextEncoder().encode(body) : body);
    response = await responseTo(future, signal);
  } catch (error) {
    throw signal?.aborted ? signal.reason : failure(error, url);
  }
  const fields = response.headers();
  const answerHeaders = new Headers();
  for (const [name, value] of fields.entries()) answerHeaders.append(name, new TextDecoder().decode(value));
  fields[Symbol.dispose]();
  const status = response.status();
  const stream = bodyStream(response, signal);
  return new Response(status === 204 || status === 304 ? null : stream, { status, headers: answerHeaders });
}
