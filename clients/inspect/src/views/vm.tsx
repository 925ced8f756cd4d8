/** A VM: what it uses of what it may, its sessions, and the way to a new one. */

import { useState } from "preact/hooks";
import type { SessionRow, VmStats } from "../../../typescript/src/generated.ts";
import { amount, bytes, count, money, moment, tokens } from "../format.ts";
import { go, href, route, vmText } from "../route.ts";
import { agents, daemon, reason, type Vm } from "../state.ts";
import { plain, visible } from "../visible.tsx";
import { Files } from "./files.tsx";
import { Tabs } from "./tabs.tsx";

const TABS = { "": "Overview", files: "Files" };

export function VmView({ vm }: { vm: Vm }) {
  const info = vm.info.value;
  const gone = vm.gone.value;
  const view = route.value.view ?? "";
  return (
    <div class="view">
      <header class="top">
        <a class="back" href="#/">
          VMs
        </a>
        <h1>
          <bdi>{visible(vmText(vm.name))}</bdi>
        </h1>
        {info && <State vm={vm} state={info.state} />}
        <Tabs tabs={TABS} shown={view} place={{ vm: vm.name }} />
      </header>
      {gone ? <p class="empty">{visible(gone)}</p> : view === "files" ? <Files vm={vm.name} /> : <Overview vm={vm} />}
    </div>
  );
}

function State({ vm, state }: { vm: Vm; state: "asleep" | "awake" }) {
  const [problem, setProblem] = useState<string>();
  const change = async (): Promise<void> => {
    try {
      await daemon.call(state === "awake" ? "vm.sleep" : "vm.wake", { vm: vm.name });
      setProblem(undefined);
    } catch (error) {
      setProblem(reason(error));
    }
  };
  return (
    <p class="status">
      <span class={`dot ${state}`} aria-hidden="true" /> {state}
      <button type="button" class="quiet" onClick={change}>
        {state === "awake" ? "Put to sleep" : "Wake"}
      </button>
      {problem && <span role="alert">{visible(problem)}</span>}
    </p>
  );
}

function Overview({ vm }: { vm: Vm }) {
  const sessions = vm.sessions.value ?? [];
  return (
    <div class="page">
      {vm.stats.value && <Meters stats={vm.stats.value} limits={vm.info.value?.options?.limits ?? {}} />}
      <section>
        <h2>Sessions</h2>
        {sessions.length === 0 && <p class="soft">None yet.</p>}
        <ul class="rows">
          {sessions.map((row) => (
            <Row key={row.sessionId} vm={vm} row={row} />
          ))}
        </ul>
        <NewSession vm={vm} />
      </section>
    </div>
  );
}

function Row({ vm, row }: { vm: Vm; row: SessionRow }) {
  const { usage } = row;
  return (
    <li>
      <a href={href({ vm: vm.name, session: row.sessionId })}>
        <span class="name">{visible(row.title ?? row.sessionId)}</span>
        <span class="facts">
          <span>{visible(row.agentType)}</span>
          <span class={row.status === "running" ? "running" : ""}>{row.status}</span>
          <span>{count(row.lastSeq + 1, "event")}</span>
          {usage.tokens && <span>{tokens(usage.tokens)}</span>}
          {usage.cost && <span>{money(usage.cost)}</span>}
          <time>{moment(row.updatedAt)}</time>
        </span>
      </a>
    </li>
  );
}

function NewSession({ vm }: { vm: Vm }) {
  const [problem, setProblem] = useState<string>();
  const [busy, setBusy] = useState(false);
  const start = async (agentType: string): Promise<void> => {
    setBusy(true);
    try {
      const { sessionId } = await daemon.call("createSession", { vm: vm.name, agentType });
      go({ vm: vm.name, session: sessionId });
    } catch (error) {
      setProblem(reason(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <div class="new">
      <span class="soft">New session with</span>
      {agents.value
        .filter(({ installed }) => installed)
        .map(({ id, title }) => (
          <button type="button" key={id} disabled={busy} onClick={() => start(id)}>
            {visible(title)}
          </button>
        ))}
      {problem && <p role="alert">{visible(problem)}</p>}
    </div>
  );
}

/** The daemon's defaults (docs/limits.md), which a VM's options may replace. */
const LIMITS: Record<string, number> = { fileBytes: 10 * 2 ** 30, files: 1_000_000, transcriptBytes: 4 * 2 ** 30 };

function Meters({ stats, limits }: { stats: VmStats; limits: Record<string, number> }) {
  const limit = (name: string): number => limits[name] ?? LIMITS[name]!;
  return (
    <dl class="meters">
      <Meter name="Files" value={bytes(stats.files.bytes)} of={bytes(limit("fileBytes"))} share={stats.files.bytes / limit("fileBytes")} />
      <Meter name="Entries" value={amount(stats.files.count)} of={amount(limit("files"))} share={stats.files.count / limit("files")} />
      <Meter
        name="Transcripts"
        value={bytes(stats.eventBytes)}
        of={bytes(limit("transcriptBytes"))}
        share={stats.eventBytes / limit("transcriptBytes")}
      />
      <Meter name="Memory" value={bytes(stats.memoryBytes)} note={`peak ${bytes(stats.peakMemoryBytes)}`} />
      <Meter name="Processes" value={amount(stats.processes.count)} note={`${amount(stats.fuelUsed)} fuel used`} />
      {stats.tokens && (
        <Meter name="Tokens" value={amount(stats.tokens.totalTokens ?? 0)} note={stats.cost ? money(stats.cost) : ""} />
      )}
    </dl>
  );
}

/** Of a limit: from here on it is worth a look. */
const WARNS = 0.8;

function Meter({ name, value, of, share, note }: { name: string; value: string; of?: string; share?: number; note?: string }) {
  return (
    <div class={`meter ${share !== undefined && share >= WARNS ? "high" : ""}`}>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong> <span class="soft">{of === undefined ? note : `of ${of}`}</span>
        {share !== undefined && (
          <span class="bar" role="meter" aria-label={plain(name)} aria-valuenow={Math.round(share * 100)} aria-valuemin={0} aria-valuemax={100}>
            <span style={{ width: `${Math.min(100, Math.max(share * 100, share > 0 ? 1 : 0))}%` }} />
          </span>
        )}
      </dd>
    </div>
  );
}
