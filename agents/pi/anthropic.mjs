// In the place of Anthropic's SDK, of which pi-ai makes a client for each request. This one sends nothing: it hands over what pi-ai
// wanted to send: see request.mjs.

const VERSION = "2023-06-01";
/** Under which name the headers carry the function that takes the request. pi-ai hands headers on as they are. */
export const TAKE = Symbol("take");

export default class Anthropic {
  constructor({ apiKey, authToken, baseURL, defaultHeaders: { [TAKE]: take, ...others } }) {
    const all = {
      "anthropic-version": VERSION,
      "content-type": "application/json",
      "x-api-key": apiKey,
      authorization: authToken && `Bearer ${authToken}`,
      ...others,
    };
    // null is how a caller takes a header away.
    const headers = Object.fromEntries(Object.entries(all).filter(([, value]) => value != null));
    const url = `${baseURL.replace(/\/+$/, "")}/v1/messages`;
    const asResponse = async (body) => {
      take({ url, headers, body });
      throw new Error("the request is sent by somebody else");
    };
    this.messages = { create: (body) => ({ asResponse: () => asResponse(body) }) };
  }
}
