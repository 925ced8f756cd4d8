// What agents import.

export { Agent, run } from "./agent.mjs";
export { ClientError } from "./connection.mjs";
export { Blocks, Session, lines } from "./session.mjs";
export { Choice, Toggle } from "./settings.mjs";
export { ToolCall } from "./tool-call.mjs";
