/** One item of a transcript. */

import type { VNode } from "preact";
import type { JsonObject } from "../../../typescript/src/generated.ts";
import type { Item } from "../fold.ts";
import { clock, duration, own, tokens } from "../format.ts";
import { Markdown } from "../markdown.tsx";
import { Output, plain, visible } from "../visible.tsx";
import { Blocks } from "./blocks.tsx";
import { Permission, Question } from "./asked.tsx";
import { Tool } from "./tool.tsx";

export function drawItem(item: Item): VNode {
  return (
    <article key={`${item.kind}${item.seq}`} class={`item ${item.kind}`} data-seq={item.seq}>
      {draw(item)}
    </article>
  );
}

function draw(item: Item): VNode {
  switch (item.kind) {
    case "prompt":
      return (
        <>
          <h3 class="who">
            You <time title={`event ${item.seq}`}>{clock(item.at)}</time>
          </h3>
          <div class="said">{visible(item.text)}</div>
          <Blocks blocks={item.blocks} />
        </>
      );
    case "answer":
      return (
        <>
          <Markdown text={item.text} />
          <Blocks blocks={item.blocks} />
        </>
      );
    case "thought":
      return (
        <details>
          <summary>Thought{item.until - item.at >= 1_000 && ` for ${duration(item.until - item.at)}`}</summary>
          <Markdown text={item.text} />
        </details>
      );
    case "tool":
      return <Tool item={item} />;
    case "plan":
      return <Plan entries={item.data.entries} />;
    case "permission":
      return <Permission item={item} />;
    case "question":
      return <Question item={item} />;
    case "end":
      return <End data={item.data} />;
    case "stderr":
      return (
        <>
          <h3 class="margin">stderr</h3>
          <Output text={item.text} label="stderr" />
        </>
      );
    case "http":
      return <Http data={item.data} />;
    case "note":
      return <Note data={item.data} />;
  }
}

function Plan({ entries }: { entries: unknown }) {
  const steps: JsonObject[] = Array.isArray(entries) ? entries : [];
  const done = steps.filter((step) => step?.status === "completed").length;
  return (
    <>
      <h3 class="margin">
        Plan <span class="soft">{`${done} of ${steps.length}`}</span>
      </h3>
      <ul class="steps">
        {steps.map((step) => (
          <li class={plain(step?.status)}>
            <span class="box" role="img" aria-label={plain(step?.status).replace("_", " ")} />
            <span>{visible(step?.content)}</span>
          </li>
        ))}
      </ul>
    </>
  );
}

const ENDS: Record<string, string> = {
  end_turn: "Done",
  cancelled: "Cancelled",
  max_tokens: "Stopped: no tokens left",
  max_turn_requests: "Stopped: too many requests",
  refusal: "Refused",
};

function End({ data }: { data: JsonObject }) {
  const usage = data.response?.usage;
  const facts = [
    data.tookMs !== undefined && duration(data.tookMs),
    usage && typeof usage === "object" && tokens(numbers(usage)),
  ].filter(Boolean);
  if (data.type === "_torpor/turn_interrupted") {
    return <p class="ended failed">Interrupted: the daemon ended in the middle of this turn</p>;
  }
  if (data.error) {
    return (
      <div class="ended failed" role="alert">
        <p>
          <strong>The turn failed.</strong> {visible(data.error.message)}
        </p>
        <details>
          <summary>Details</summary>
          <Output text={JSON.stringify(data.error, null, 2)} label="error" />
        </details>
      </div>
    );
  }
  const word = data.stopReason ?? data.end;
  return (
    <p class="ended">
      <span>{own(ENDS, word) ?? visible(word)}</span>
      {facts.map((fact) => (
        <span>{fact}</span>
      ))}
    </p>
  );
}

/** What is a number in it: the rest is no count, whatever an agent says. */
function numbers(given: JsonObject): Record<string, number> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => typeof value === "number"));
}

function Http({ data }: { data: JsonObject }) {
  if (data.type === "_torpor/http_requests") {
    return (
      <p class="aside">
        <b>HTTP</b> <span>{visible(data.count)} more requests</span>
      </p>
    );
  }
  const port = data.port === (data.scheme === "https" ? 443 : 80) ? "" : `:${data.port}`;
  return (
    <p class="aside">
      <b>{visible(data.method)}</b>
      <bdi>{visible(`${data.scheme}://${data.host}${port}${data.path}`)}</bdi>
      <span class={data.error ? "bad" : ""}>{visible(data.status ?? data.error)}</span>
      <span>{duration(Number(data.durationMs ?? 0))}</span>
    </p>
  );
}

const NOTES: Record<string, (data: JsonObject) => string> = {
  "_torpor/session_started": (data) => `Session started with ${data.agentType} in ${data.cwd}`,
  "_torpor/session_resumed": () => "The agent was started again",
  "_torpor/session_suspended": () => "Asleep",
  "_torpor/session_closed": () => "Session closed",
  "_torpor/agent_exit": (data) => `The agent ended: ${data.message ?? data.reason}`,
  "_torpor/limit_reached": (data) => `A limit was reached: ${data.limit}. ${data.help ?? ""}`,
  "_torpor/malformed": (data) => `The agent sent what has no place in the protocol: ${data.reason}`,
};

const UNSAID = new Set(["type", "sessionUpdate", "sessionId"]);

function Note({ data }: { data: JsonObject }) {
  const say = own(NOTES, data.type);
  const rest = Object.fromEntries(Object.entries(data).filter(([name]) => !UNSAID.has(name)));
  return (
    <details class="aside">
      <summary>{visible(say ? say(data) : String(data.type).replace("_torpor/", "").replaceAll("_", " "))}</summary>
      <Output text={JSON.stringify(rest, null, 2)} label="details" />
    </details>
  );
}
