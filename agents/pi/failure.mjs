// What goes wrong between pi and the model's API: one kind of error, whose message is for a person and whose members are for
// programs.

import { RequestError } from "@agentclientprotocol/sdk";
import { cut } from "./text.mjs";

const INTERNAL = -32603;
/** Characters of a page that stands where JSON is expected: enough to see which proxy it is from. */
const MAX_EXCERPT = 300;
/** The API's own words on what may go away by itself (Anthropic's documentation, "Errors"). */
const TRANSIENT_TYPES = new Set(["overloaded_error", "api_error", "rate_limit_error", "timeout_error"]);
const TRANSIENT_STATUSES = new Set([408, 409, 429, 500, 502, 503, 504, 529]);

export class ModelError extends Error {
  /**
   * @param {string} message
   * @param {{status?: number, type?: string, transient?: boolean, headers?: Headers}} about `transient`: it may help to try
   * again; said by status and type where it is left out
   */
  constructor(message, { status, type, headers, transient } = {}) {
    super(message);
    this.data = { ...(status && { status }), ...(type && { type }) };
    this.headers = headers;
    const asked = headers?.get("x-should-retry");
    this.transient =
      transient ?? (asked === "true" || (asked !== "false" && (TRANSIENT_STATUSES.has(status) || TRANSIENT_TYPES.has(type))));
  }
}

/** Whether the API refuses a request for what it shows: an image that is none, or more of them than it takes. */
export function refusesImages({ message, data }) {
  return data?.status === 413 || (data?.status === 400 && /image/i.test(message));
}

const isText = (value) => typeof value === "string" && value.trim() !== "";

/** The text of a page without its markup, or the beginning of what is no page. */
export function excerpt(body) {
  const [, title] = /<title[^>]*>([^<]*)/i.exec(body) ?? [];
  const text = isText(title) ? title : body.replace(/<(style|script)[\s\S]*?<\/\1>|<[^>]*>/gi, " ");
  return cut(text.replace(/\s+/g, " ").trim(), MAX_EXCERPT);
}

/** The error that a body tells of, whoever wrote it: the API's {error: {type, message}}, a proxy's variants of it, a page. */
export function errorFrom(body, { status, headers } = {}) {
  let said;
  try {
    said = JSON.parse(body);
  } catch {
    said = undefined;
  }
  const error = said?.error ?? said;
  const words = [error?.message, error, said?.message, error?.detail, error?.type].find(isText);
  const type = isText(error?.type) && error !== said ? error.type : undefined;
  const answered = status ? `the model's server answered with HTTP status ${status}` : "the model's server answered with an error";
  const place = status >= 300 && status < 400 && headers?.get("location");
  if (place) return new ModelError(`${answered}: it has moved to ${place}, which ANTHROPIC_BASE_URL should name`, { status });
  const rest = words ? "" : excerpt(body);
  return new ModelError(words ?? (rest ? `${answered}: ${rest}` : answered), { status, type, headers });
}

/** Throws RequestError for a key that no request can carry. */
export function checkKey(key) {
  const variable = "ANTHROPIC_API_KEY";
  if (!key) throw RequestError.authRequired({ variable }, `${variable} is not set`);
  if (/[^\x21-\x7e]/.test(key)) throw RequestError.authRequired({ variable }, `${variable} has characters that no key has`);
}

/** The JSON-RPC error of a turn whose last message is this one. */
export function promptError({ errorMessage, errorData }) {
  const text = errorMessage || "the model gave no answer";
  if (errorData?.status === 401) return RequestError.authRequired(errorData, text);
  return new RequestError(INTERNAL, text, errorData ?? {});
}
