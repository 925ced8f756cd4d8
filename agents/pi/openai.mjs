// In the place of OpenAI's SDK, of which pi-ai makes a client for each request: what it uses of it, by our own requests.

import { ask } from "./stream.mjs";

export default class OpenAI {
  constructor({ apiKey, baseURL, defaultHeaders }) {
    const base = baseURL.replace(/\/+$/, "");
    const asking = (path) => ({
      create: (body, { signal } = {}) => ({
        async withResponse() {
          const data = await ask({ url: base + path, headers: { authorization: `Bearer ${apiKey.trim()}`, ...lowered(defaultHeaders) }, body }, signal);
          return { data, response: { status: 200, headers: new Map() } };
        },
      }),
    });
    this.chat = { completions: asking("/chat/completions") };
    this.responses = asking("/responses");
  }
}

/** Headers by names in small letters, so that what a provider says takes the place of what is usual. */
const lowered = (headers) => Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
