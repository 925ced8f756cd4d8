/** All VMs, with what each has and uses. */

import { useEffect, useState } from "preact/hooks";
import type { VmInfo, VmStats } from "../../../typescript/src/generated.ts";
import { amount, bytes, count, money, moment } from "../format.ts";
import { href, vmText } from "../route.ts";
import { daemon, vms } from "../state.ts";
import { visible } from "../visible.tsx";

/** VMs whose figures are asked for: what a person looks through. */
const MAX_CARDS = 100;

export function Home() {
  const all = vms.value;
  if (all === undefined) {
    return <p class="empty">{daemon.state.value === "connecting" ? "Connecting to the daemon…" : ""}</p>;
  }
  if (all.length === 0) {
    return (
      <div class="empty">
        <h1>Nothing here yet</h1>
        <p>A VM comes with its first session. In a terminal:</p>
        <pre>torpor run pi "Write a haiku about sleep to haiku.txt"</pre>
      </div>
    );
  }
  const awake = all.filter(({ state }) => state === "awake").length;
  return (
    <div class="page">
      <header class="heading">
        <h1>VMs</h1>
        <p class="soft">
          {count(all.length, "VM")}, {awake} awake
        </p>
      </header>
      <ul class="cards">
        {all.slice(0, MAX_CARDS).map((each) => (
          <Card key={vmText(each.vm)} info={each} />
        ))}
      </ul>
      {all.length > MAX_CARDS && <p class="soft">{all.length - MAX_CARDS} more are in the list beside.</p>}
    </div>
  );
}

function Card({ info }: { info: VmInfo }) {
  const [stats, setStats] = useState<VmStats>();
  useEffect(() => {
    // With each look at the list: what a VM uses is told to nobody.
    daemon.call("vm.stats", { vm: info.vm }).then(setStats, () => {});
  }, [info]);
  return (
    <li>
      <a class="card" href={href({ vm: info.vm })}>
        <span class="card-head">
          <span class={`dot ${info.state}`} aria-hidden="true" />
          <bdi>{visible(vmText(info.vm))}</bdi>
          <span class="soft">{info.state}</span>
        </span>
        <span class="facts">
          {stats && (
            <>
              <span>{count(stats.sessions.total, "session")}</span>
              {stats.sessions.running > 0 && <span class="running">{stats.sessions.running} running</span>}
              <span>{count(stats.files.count, "file")}</span>
              <span>{bytes(stats.files.bytes)}</span>
              {stats.memoryBytes > 0 && <span>{bytes(stats.memoryBytes)} memory</span>}
              <span>{amount(stats.events)} events</span>
              {stats.cost && <span>{money(stats.cost)}</span>}
            </>
          )}
        </span>
        <span class="soft since">since {moment(info.createdAt)}</span>
      </a>
    </li>
  );
}
