// pi-coding-agent without its faces: its index would bring the terminal's along.

export { getAgentDir, VERSION } from "../node_modules/@mariozechner/pi-coding-agent/dist/config.js";
export { AuthStorage } from "../node_modules/@mariozechner/pi-coding-agent/dist/core/auth-storage.js";
export { ModelRegistry } from "../node_modules/@mariozechner/pi-coding-agent/dist/core/model-registry.js";
export { DefaultResourceLoader } from "../node_modules/@mariozechner/pi-coding-agent/dist/core/resource-loader.js";
export { createAgentSession } from "../node_modules/@mariozechner/pi-coding-agent/dist/core/sdk.js";
export { SessionManager } from "../node_modules/@mariozechner/pi-coding-agent/dist/core/session-manager.js";
export { SettingsManager } from "../node_modules/@mariozechner/pi-coding-agent/dist/core/settings-manager.js";
