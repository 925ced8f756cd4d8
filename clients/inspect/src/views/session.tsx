/** A session: its transcript as it grows, and the place to speak. */

import type { SessionDetails } from "../../../typescript/src/generated.ts";
import { amount, money, tokens } from "../format.ts";
import { href, route, vmText } from "../route.ts";
import type { Session } from "../state.ts";
import { drawItem } from "../transcript/item.tsx";
import { Windowed } from "../transcript/windowed.tsx";
import { visible } from "../visible.tsx";
import { Composer } from "./composer.tsx";
import { Files } from "./files.tsx";
import { Tabs } from "./tabs.tsx";

const TABS = { "": "Transcript", files: "Files" };

export function SessionView({ session }: { session: Session }) {
  const details = session.details.value;
  const view = route.value.view ?? "";
  if (details === undefined) {
    return <p class="empty">{visible(session.gone.value ?? "")}</p>;
  }
  return (
    <div class="view">
      <header class="top">
        <a class="back" href={href({ vm: session.vm })}>
          <bdi>{visible(vmText(session.vm))}</bdi>
        </a>
        <h1>{visible(details.title ?? session.id)}</h1>
        <Facts details={details} />
        <Tabs tabs={TABS} shown={view} place={{ vm: session.vm, session: session.id }} />
      </header>
      {view === "files" ? <Files vm={session.vm} session={session} /> : <Conversation session={session} details={details} />}
    </div>
  );
}

function Facts({ details: { agentInfo, agentType, status, usage } }: { details: SessionDetails }) {
  return (
    <p class="status">
      <span>{visible(agentInfo?.title ?? agentType)}</span>
      <span class={`state ${status}`}>{status}</span>
      {usage.tokens && <span>{tokens(usage.tokens)}</span>}
      {usage.cost && <span>{money(usage.cost)}</span>}
      {usage.context && usage.context.size > 0 && (
        <span class={usage.context.used / usage.context.size >= 0.8 ? "high" : ""}>
          context {Math.round((100 * usage.context.used) / usage.context.size)} % of {amount(usage.context.size)}
        </span>
      )}
    </p>
  );
}

function Conversation({ session, details }: { session: Session; details: SessionDetails }) {
  session.version.value; // has this drawn anew with each change
  const { items, turnSince } = session.transcript.value;
  return (
    <>
      <Windowed items={[...items]} draw={drawItem} label="Transcript">
        {session.isCut ? (
          <button type="button" class="quiet" onClick={() => session.readAll()}>
            Read earlier events
          </button>
        ) : undefined}
      </Windowed>
      {items.length === 0 && session.complete.value && <p class="empty">Nothing has been said yet.</p>}
      <Composer session={session} details={details} turnSince={turnSince} />
    </>
  );
}
