// What pi-ai needs of Anthropic's SDK, in the SDK's place: one request, whose answer pi-ai reads by itself.
//
// The SDK's client is made anew for each request and takes a fifth of a turn's time in a guest. It would also try again and
// give up after ten minutes: retry.mjs does the one, the host the other.

const VERSION = "2023-06-01";

export default class Anthropic {
  constructor({ apiKey, authToken, baseURL, defaultHeaders }) {
    this.url = `${baseURL.replace(/\/$/, "")}/v1/messages`;
    const headers = {
      "anthropic-version": VERSION,
      "content-type": "application/json",
      "x-api-key": apiKey,
      authorization: authToken && `Bearer ${authToken}`,
      ...defaultHeaders,
    };
    // null is how a caller takes a header away.
    this.headers = Object.fromEntries(Object.entries(headers).filter(([, value]) => value != null));
    this.messages = { create: (params, options) => ({ asResponse: () => this.post(params, options) }) };
  }

  /** The response, if it is an answer. An error's message is "STATUS BODY", as the SDK's are. */
  async post(params, { signal } = {}) {
    const response = await fetch(this.url, { method: "POST", headers: this.headers, body: JSON.stringify(params), signal });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response;
  }
}
