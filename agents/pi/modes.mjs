// What pi may do by itself: the modes of a session.

import { methods } from "@agentclientprotocol/sdk";
import { Type } from "typebox";

export const MODES = [
  { id: "auto", name: "Auto", description: "Asks nothing: the VM is the sandbox" },
  { id: "ask", name: "Ask", description: "Asks before it writes files and runs commands" },
  { id: "plan", name: "Plan", description: "Reads only, and makes a plan" },
];

export const isMode = (mode) => MODES.some(({ id }) => id === mode);

const CHANGING = new Set(["write", "edit", "bash"]);
/** Whether a tool may change something. What those of MCP servers do they alone know. */
const changes = (name) => CHANGING.has(name) || name.startsWith("mcp__");

/** Those of a session's tools that a mode has. */
export function toolsOf(mode, tools) {
  return tools.filter(({ name }) => (mode === "plan" ? !changes(name) : name !== "plan"));
}

/** What the model is told of the mode, if anything. */
export const noticeOf = (mode) =>
  mode === "plan" ? ["You are in plan mode: read what you need, change nothing, and show your plan with the tool `plan`."] : [];

/** A tool by which the model writes the plan that the client shows. */
export function planTool(update) {
  return {
    name: "plan",
    label: "Plan",
    description: "Show the user the plan: all of its steps, in their order. It replaces the one before.",
    parameters: Type.Object({
      steps: Type.Array(
        Type.Object({
          content: Type.String({ description: "What is to be done" }),
          priority: Type.Optional(Type.Union(["high", "medium", "low"].map((each) => Type.Literal(each)))),
        }),
      ),
    }),
    async execute(_id, { steps }) {
      const entries = steps.map(({ content, priority = "medium" }) => ({ content, priority, status: "pending" }));
      await update({ sessionUpdate: "plan", entries });
      return { content: [{ type: "text", text: "The user sees the plan." }], details: undefined };
    },
  };
}

const OPTIONS = [
  { optionId: "allow", name: "Allow", kind: "allow_once" },
  { optionId: "reject", name: "Reject", kind: "reject_once" },
];

/**
 * Whether a tool may run, in the modes in which not all may: asks the client.
 *
 * @param {object} shown what the client is told of the call
 * @returns {Promise<{block: true, reason: string} | undefined>} undefined: it may
 */
export async function permission({ mode, client, sessionId, toolCall, shown }) {
  if (!changes(toolCall.name)) return undefined;
  // The turn may have begun in another mode, with all tools.
  if (mode === "plan") return { block: true, reason: "You are in plan mode: change nothing." };
  const asked = { sessionId, toolCall: { toolCallId: toolCall.id, ...shown }, options: OPTIONS };
  const { outcome } = await client.request(methods.client.session.requestPermission, asked);
  if (outcome.outcome === "selected" && outcome.optionId === "allow") return undefined;
  return { block: true, reason: outcome.outcome === "cancelled" ? "The turn was cancelled." : "The user did not allow it." };
}
