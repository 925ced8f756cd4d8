import type { JsonObject } from "./generated.js";

/** What agents ask of clients: the member of `getSession` with the requests that wait, and what names each. */
export const ASKED: Record<string, { waiting: "pendingPermissions" | "pendingElicitations"; id: string }> = {
  permissionRequest: { waiting: "pendingPermissions", id: "permissionId" },
  elicitationRequest: { waiting: "pendingElicitations", id: "questionId" },
};

/** Requests of agents that are remembered as told: many times what can wait at once. */
const MAX_ASKED = 1_000;

/** The requests of agents that a connection has told of: each is told once, however often the connection is made anew. */
export class Asked {
  readonly #told = new Set<string>();

  /** Says whether a request, in the params of its notification, has not been told of, and takes it as told. */
  isNew(method: string, params: JsonObject): boolean {
    const key = `${params.sessionId} ${params.request[ASKED[method]!.id]}`;
    if (this.#told.has(key)) {
      return false;
    }
    if (this.#told.size >= MAX_ASKED) {
      this.#told.delete(this.#told.values().next().value!);
    }
    this.#told.add(key);
    return true;
  }
}
