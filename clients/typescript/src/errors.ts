import type { JsonObject } from "./generated.js";

/** Stable strings for JSON-RPC's own codes, for which the daemon's answer may carry none. */
const PROTOCOL_CODES = new Map([
  [-32700, "parse_error"],
  [-32600, "invalid_request"],
  [-32601, "method_not_found"],
  [-32602, "invalid_params"],
  [-32603, "internal_error"],
  [-32800, "cancelled"],
]);

/** What the daemon refused, or what became of the connection. `code` is the stable string to match on. */
export class TorporError extends Error {
  override name = "TorporError";
  /** Such as `session_not_found`; the message beside it is prose and may change. */
  readonly code: string;
  /** JSON-RPC's number; undefined for what happened on this side of the connection. */
  readonly rpcCode: number | undefined;
  /** All that came with the error: `code`, `retryable`, and what is particular to it. */
  readonly data: JsonObject;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;

  constructor(code: string, message: string, data: JsonObject = {}, rpcCode?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.rpcCode = rpcCode;
    this.data = data;
    this.retryable = data.retryable === true;
  }

  /** Makes the error of a JSON-RPC error object. */
  static fromRpc(error: { code: number; message: string; data?: JsonObject }): TorporError {
    const data = typeof error.data === "object" && error.data !== null ? error.data : {};
    const code = typeof data.code === "string" ? data.code : (PROTOCOL_CODES.get(error.code) ?? "error");
    return new TorporError(code, error.message, data, error.code);
  }
}

/** No daemon answers (`connect_failed`), it went away (`connection_lost`), or this client was closed (`client_closed`). */
export class ConnectionError extends TorporError {
  override name = "ConnectionError";
  declare readonly code: "connect_failed" | "connection_lost" | "client_closed";

  constructor(code: "connect_failed" | "connection_lost" | "client_closed", message: string, cause?: unknown) {
    super(code, message, { code, retryable: code !== "client_closed" }, undefined, { cause });
  }
}

/** Where a method was called: V8's text, from which the stacks of errors are made. */
export interface CallSite {
  stack?: string;
}

/** Returns an error of a call, its stack beginning in the line that made the call; one that many calls have got as a copy. */
export function asCalled(error: unknown, site: CallSite): unknown {
  if (!(error instanceof TorporError)) {
    return error;
  }
  const own = error instanceof ConnectionError ? new ConnectionError(error.code, error.message, error.cause) : error;
  const frames = site.stack?.indexOf("\n    at ") ?? -1;
  if (frames >= 0) {
    own.stack = `${own.name}: ${own.message}${site.stack!.slice(frames)}`;
  }
  return own;
}

/** The endpoint cannot be used (`invalid_endpoint`); the message says why. */
export class EndpointError extends TorporError {
  override name = "EndpointError";

  constructor(message: string, cause?: unknown) {
    super("invalid_endpoint", message, { code: "invalid_endpoint", retryable: false }, undefined, { cause });
  }
}

/** Whatever was thrown, as an error of the client's. */
export function asTorporError(error: unknown): TorporError {
  return error instanceof TorporError ? error : new TorporError("error", String(error), {}, undefined, { cause: error });
}

/** Returns undefined where a session has been destroyed meanwhile. */
export async function unlessGone<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof TorporError && error.code === "session_not_found") {
      return undefined;
    }
    throw error;
  }
}
