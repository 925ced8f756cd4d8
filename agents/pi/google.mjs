// In the place of Google's SDK, of which pi-ai makes a client for each request: what it uses of it, by our own requests.

import { ask } from "./stream.mjs";

/** Enumerations whose members are named as they are written. */
const words = () => new Proxy({}, { get: (_, name) => name });
export const FinishReason = words();
export const FunctionCallingConfigMode = words();

export class GoogleGenAI {
  constructor({ apiKey, httpOptions: { baseUrl, headers } }) {
    this.models = {
      generateContentStream({ model, contents, config }) {
        const { abortSignal, systemInstruction, tools, toolConfig, ...generationConfig } = config;
        const url = `${baseUrl.replace(/\/+$/, "")}/models/${model}:streamGenerateContent?alt=sse`;
        const system = systemInstruction && { systemInstruction: { parts: [{ text: systemInstruction }] } };
        const body = { contents, ...system, tools, toolConfig, generationConfig };
        return ask({ url, headers: { "x-goog-api-key": apiKey.trim(), ...headers }, body }, abortSignal);
      },
    };
  }
}
