/** The list of VMs, and of the one that is shown its sessions. */

import { useState } from "preact/hooks";
import type { SessionRow, VmInfo } from "../../../typescript/src/generated.ts";
import { moment } from "../format.ts";
import { Icon } from "../icons.tsx";
import { href, route, vmText } from "../route.ts";
import { daemon, vm, vms } from "../state.ts";
import { plain, visible } from "../visible.tsx";

/** So many VMs are found without a filter. */
const FEW = 12;
/** Rows that are in the page at once: who has more filters. */
const MAX_ROWS = 200;

export function Sidebar() {
  const [wanted, setWanted] = useState("");
  const all = vms.value ?? [];
  const found = all.filter((each) => vmText(each.vm).includes(wanted));
  return (
    <nav class="sidebar" aria-label="VMs and sessions">
      <a class="brand" href="#/">
        <img src="/icon.svg" alt="" width="22" height="22" /> Torpor
      </a>
      {all.length > FEW && (
        <input
          type="search"
          placeholder="Filter VMs"
          aria-label="Filter VMs"
          value={wanted}
          onInput={({ currentTarget }) => setWanted(currentTarget.value)}
        />
      )}
      <ul class="vms">
        {found.slice(0, MAX_ROWS).map((each) => (
          <VmEntry key={vmText(each.vm)} info={each} />
        ))}
      </ul>
      {found.length > MAX_ROWS && <p class="soft">{found.length - MAX_ROWS} more: filter by name</p>}
      <footer>
        <span class={`dot ${daemon.state.value}`} aria-hidden="true" />
        {daemon.state.value === "open" ? `torpor ${plain(daemon.welcome.value?.version)}` : "no daemon"}
      </footer>
    </nav>
  );
}

function VmEntry({ info }: { info: VmInfo }) {
  const name = vmText(info.vm);
  const isShown = vm.value !== undefined && vmText(vm.value.name) === name;
  const sessions = isShown ? vm.value?.sessions.value : undefined;
  return (
    <li class={isShown ? "shown" : ""}>
      <a
        class="vm"
        href={href({ vm: info.vm })}
        aria-current={isShown && route.value.session === undefined ? "page" : undefined}
      >
        <span class={`dot ${info.state}`} title={info.state} />
        <bdi>{visible(name)}</bdi>
        {info.state === "asleep" && <Icon name="moon" />}
      </a>
      {sessions && sessions.length > 0 && (
        <ul class="sessions">
          {sessions.slice(0, MAX_ROWS).map((row) => (
            <SessionEntry key={row.sessionId} row={row} />
          ))}
        </ul>
      )}
    </li>
  );
}

function SessionEntry({ row }: { row: SessionRow }) {
  const isShown = route.value.session === row.sessionId;
  return (
    <li>
      <a href={href({ vm: vm.value!.name, session: row.sessionId })} aria-current={isShown ? "page" : undefined}>
        <span class="name">{visible(row.title ?? row.sessionId)}</span>
        <span class="facts">
          {row.status === "running" ? <span class="running">running</span> : moment(row.updatedAt)}
        </span>
      </a>
    </li>
  );
}
