/** A session's events as a person reads them: chunks joined, tool calls with their updates, one item for each thing that happened. */

import type { JsonObject, SessionEvent } from "../../typescript/src/generated.ts";

export type Kind =
  | "prompt"
  | "answer"
  | "thought"
  | "tool"
  | "plan"
  | "permission"
  | "question"
  | "end"
  | "stderr"
  | "http"
  | "note";

/** One thing that happened. Items are replaced, never changed, so that what shows them sees by identity what is new. */
export interface Item {
  kind: Kind;
  /** The event that it began with, and the last one that it is made of. */
  seq: number;
  last: number;
  /** When these were recorded, in milliseconds since the epoch. */
  at: number;
  until: number;
  /** What was said, of texts. */
  text: string;
  /** What its events say, the later ones over the earlier. */
  data: JsonObject;
  /** Content that is no text: images, resources. */
  blocks: JsonObject[];
}

const CHUNKS = new Map<string, Kind>([
  ["user_message_chunk", "prompt"],
  ["agent_message_chunk", "answer"],
  ["agent_thought_chunk", "thought"],
]);
/** What comes beside the conversation, sooner or later: it does not part a text in two. */
const BESIDE = new Set<Kind>(["http", "stderr"]);
/** What is shown elsewhere, or says nothing to people. */
const SILENT = new Set([
  ...["available_commands_update", "session_info_update", "config_option_update", "current_mode_update", "usage_update"],
]);

const NAMES = new Map<string, Kind>([
  ["session/request_permission", "permission"],
  ["elicitation/create", "question"],
  ["_torpor/turn_ended", "end"],
  ["_torpor/turn_interrupted", "end"],
  ["_torpor/stderr", "stderr"],
  ["_torpor/mcp_stderr", "stderr"],
  ["_torpor/http_request", "http"],
  ["_torpor/http_requests", "http"],
]);

/** The type by which the API selects events. */
export function typeOf(event: JsonObject): string {
  return event.method === "session/update" ? String(event.params?.update?.sessionUpdate) : String(event.method);
}

export class Transcript {
  readonly items: Item[] = [];
  /** The last event that is in it; -1: none. */
  last = -1;
  /** When the turn that goes on began; undefined between turns. */
  turnSince: number | undefined;
  readonly #tools = new Map<string, number>();
  readonly #asked = new Map<string, number>();
  #plan: number | undefined;

  /** Takes the next event. */
  add({ seq, createdAt, event }: SessionEvent): void {
    this.last = seq;
    const type = typeOf(event);
    const params: JsonObject = event.params ?? {};
    const data: JsonObject = params.update ?? params;
    const put = (kind: Kind, more: Partial<Item> = {}): number =>
      this.items.push({ kind, seq, last: seq, at: createdAt, until: createdAt, text: "", data: {}, blocks: [], ...more }) - 1;
    const merge = (index: number, more: Partial<Item>): void => {
      this.items[index] = { ...this.items[index]!, last: seq, until: createdAt, ...more };
    };

    const chunk = CHUNKS.get(type);
    if (chunk !== undefined) {
      this.#chunk(chunk, data.content ?? {}, put, merge);
    } else if (type === "tool_call" || type === "tool_call_update") {
      const id = String(data.toolCallId);
      const known = this.#tools.get(id);
      const given = Object.fromEntries(Object.entries(data).filter(([, value]) => value !== null && value !== undefined));
      if (known === undefined) {
        this.#tools.set(id, put("tool", { data: given }));
      } else {
        merge(known, { data: { ...this.items[known]!.data, ...given } });
      }
    } else if (type === "plan") {
      if (this.#plan === undefined) {
        this.#plan = put("plan", { data });
      } else {
        merge(this.#plan, { data });
      }
    } else if (type === "session/request_permission") {
      this.#asked.set(String(params.permissionId), put("permission", { data: params }));
    } else if (type === "elicitation/create") {
      this.#asked.set(String(params.questionId), put("question", { data: params }));
    } else if (type === "_torpor/permission_reply" || type === "_torpor/elicitation_reply") {
      const asked = this.#asked.get(String(params.permissionId ?? params.questionId));
      if (asked !== undefined) {
        merge(asked, { data: { ...this.items[asked]!.data, reply: params } });
      }
    } else if (type === "_torpor/turn_started") {
      this.turnSince = createdAt;
      this.#plan = undefined;
    } else if (NAMES.get(type) === "end") {
      const started = this.turnSince;
      this.turnSince = undefined;
      put("end", { data: { ...params, type, tookMs: started === undefined ? undefined : createdAt - started } });
    } else if (NAMES.get(type) === "stderr") {
      const before = this.items.length - 1;
      const text = String(data.text ?? "");
      if (this.items[before]?.kind === "stderr") {
        merge(before, { text: this.items[before]!.text + text });
      } else {
        put("stderr", { text, data: { type } });
      }
    } else if (!SILENT.has(type)) {
      put(NAMES.get(type) ?? "note", { data: { ...data, type } });
    }
  }

  #chunk(
    kind: Kind,
    content: JsonObject,
    put: (kind: Kind, more: Partial<Item>) => number,
    merge: (index: number, more: Partial<Item>) => void,
  ): void {
    const text = typeof content.text === "string" ? content.text : "";
    const blocks = typeof content.text === "string" ? [] : [content];
    let before = this.items.length - 1;
    while (before >= 0 && BESIDE.has(this.items[before]!.kind)) {
      before--;
    }
    const item = this.items[before];
    // The blocks of one prompt belong together; those of two do not follow each other without the end of a turn.
    if (item?.kind === kind) {
      const gap = kind === "prompt" && item.text !== "" && text !== "" ? "\n" : "";
      merge(before, { text: item.text + gap + text, blocks: [...item.blocks, ...blocks] });
    } else {
      put(kind, { text, blocks });
    }
  }
}
