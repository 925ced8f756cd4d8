/** What an agent asks, with the answers that there are while it waits. */

import { useState } from "preact/hooks";
import type { JsonObject } from "../../../typescript/src/generated.ts";
import type { Item } from "../fold.ts";
import { own } from "../format.ts";
import { Icon } from "../icons.tsx";
import { daemon, reason, session } from "../state.ts";
import { visible } from "../visible.tsx";
import { Arguments, ToolContent, list } from "./tool.tsx";

/** Whether the request waits: the transcript alone does not tell, since a daemon may have ended meanwhile. */
function waits(pending: JsonObject[] | undefined, name: string, id: unknown): boolean {
  return pending?.some((request) => request[name] === id) ?? false;
}

const OUTCOMES: Record<string, string> = {
  allow_once: "Allowed",
  allow_always: "Allowed from now on",
  reject_once: "Rejected",
  reject_always: "Rejected from now on",
};
const BY: Record<string, string> = { policy: "by the policy", remembered: "as before" };

export function Permission({ item: { data } }: { item: Item }) {
  const options = list(data.options);
  const call: JsonObject = data.toolCall ?? {};
  const reply: JsonObject | undefined = data.reply;
  const chosen = options.find(({ optionId }) => optionId === reply?.optionId);
  if (!reply && waits(session.value?.details.value?.pendingPermissions, "permissionId", data.permissionId)) {
    return <Pending data={data} call={call} options={options} />;
  }
  const word = reply?.outcome === "selected" ? (own(OUTCOMES, chosen?.kind) ?? chosen?.name ?? reply.optionId) : "Not answered";
  return (
    <p class="aside">
      <Icon name="lock" />
      <span>
        {visible(word)} {BY[reply?.by]}: {visible(call.title ?? call.toolCallId)}
      </span>
    </p>
  );
}

function Pending({ data, call, options }: { data: JsonObject; call: JsonObject; options: JsonObject[] }) {
  const [problem, setProblem] = useState<string>();
  const answer = async (optionId: string): Promise<void> => {
    const { vm, id: sessionId } = session.value!;
    try {
      await daemon.call("respondPermission", { vm, sessionId, permissionId: data.permissionId, optionId });
    } catch (error) {
      setProblem(reason(error));
    }
  };
  return (
    <section class="asks" aria-label="Permission">
      <h3>
        <Icon name="lock" /> <span>{visible(call.title ?? call.toolCallId)}</span>
      </h3>
      {data.description && <p>{visible(data.description)}</p>}
      <Arguments given={call.rawInput} />
      <ToolContent contents={list(call.content)} />
      <div class="answers">
        {options.map(({ optionId, name, kind }) => (
          <button type="button" class={kind === "allow_once" ? "primary" : ""} onClick={() => answer(optionId)}>
            {visible(name ?? optionId)}
          </button>
        ))}
      </div>
      {problem && <p role="alert">{visible(problem)}</p>}
    </section>
  );
}

export function Question({ item: { data } }: { item: Item }) {
  const [problem, setProblem] = useState<string>();
  const pending = waits(session.value?.details.value?.pendingElicitations, "questionId", data.questionId);
  if (data.reply || !pending) {
    return (
      <p class="aside">
        <b>Question</b>
        <span>
          {visible(data.message)} — {visible(data.reply?.action ?? "not answered")}
        </span>
      </p>
    );
  }
  const decline = async (): Promise<void> => {
    const { vm, id: sessionId } = session.value!;
    try {
      await daemon.call("respondElicitation", { vm, sessionId, questionId: data.questionId, action: "decline" });
    } catch (error) {
      setProblem(reason(error));
    }
  };
  return (
    <section class="asks" aria-label="Question">
      <h3>The agent asks</h3>
      <p>{visible(data.message)}</p>
      {data.url && <p>{visible(data.url)}</p>}
      <p class="soft">The terminal can answer it: torpor run.</p>
      <div class="answers">
        <button type="button" onClick={decline}>
          Decline
        </button>
      </div>
      {problem && <p role="alert">{visible(problem)}</p>}
    </section>
  );
}
