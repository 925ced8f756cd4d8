// In the place of pi-ai's register-builtins.js: the providers that this agent has. Anthropic's API is spoken as in ../pi; those that a
// guest cannot reach (Bedrock, Vertex, Codex's websockets) are not there.

import { clearApiProviders, registerApiProvider } from "../node_modules/@mariozechner/pi-ai/dist/api-registry.js";
import { streamGoogle, streamSimpleGoogle } from "../node_modules/@mariozechner/pi-ai/dist/providers/google.js";
import { streamOpenAICompletions, streamSimpleOpenAICompletions } from "../node_modules/@mariozechner/pi-ai/dist/providers/openai-completions.js";
import { streamOpenAIResponses, streamSimpleOpenAIResponses } from "../node_modules/@mariozechner/pi-ai/dist/providers/openai-responses.js";

let anthropic;

/** The function that speaks Anthropic's API; it needs pi-ai itself, so that it is handed over. */
export function serveAnthropic(stream) {
  anthropic = stream;
}

export function registerBuiltInApiProviders() {
  const speak = (...args) => anthropic(...args);
  registerApiProvider({ api: "anthropic-messages", stream: speak, streamSimple: speak });
  registerApiProvider({ api: "openai-completions", stream: streamOpenAICompletions, streamSimple: streamSimpleOpenAICompletions });
  registerApiProvider({ api: "openai-responses", stream: streamOpenAIResponses, streamSimple: streamSimpleOpenAIResponses });
  registerApiProvider({ api: "google-generative-ai", stream: streamGoogle, streamSimple: streamSimpleGoogle });
}

export function resetApiProviders() {
  clearApiProviders();
  registerBuiltInApiProviders();
}

export function setBedrockProviderModule() {}

registerBuiltInApiProviders();
