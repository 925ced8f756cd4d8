/** What is shown, as the address has it after `#`: a VM, a session in it, one of its views. */

import { signal } from "@preact/signals";

export type VmName = string | string[];

export interface Route {
  vm?: VmName;
  session?: string;
  /** Of a session or, without one, of the VM. */
  view?: string;
  path?: string;
}

/** One text for a VM: parts of a name are joined, as `--vm` has them. */
export function vmText(vm: VmName): string {
  return typeof vm === "string" ? vm : vm.join("/");
}

export function href({ vm, session, view, path }: Route): string {
  const parts = vm === undefined ? [] : ["vm", vmText(vm), ...(session === undefined ? [] : ["session", session])];
  const query = path === undefined ? "" : `?path=${encodeURIComponent(path)}`;
  return `#/${[...parts, ...(view === undefined ? [] : [view])].map(encodeURIComponent).join("/")}${query}`;
}

function parse(hash: string): Route {
  const [place = "", query = ""] = hash.replace(/^#\/?/, "").split("?");
  const parts = place.split("/").map(decode);
  const path = new URLSearchParams(query).get("path") ?? undefined;
  if (parts[0] !== "vm" || !parts[1]) {
    return {};
  }
  const vm = parts[1].includes("/") ? parts[1].split("/") : parts[1];
  const [, , word, session, view] = parts;
  const found: Route = word === "session" && session ? { vm, session, view } : { vm, view: word };
  return Object.fromEntries(Object.entries({ ...found, path }).filter(([, value]) => value)) as Route;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = signal<Route>(parse(location.hash));

addEventListener("hashchange", () => (route.value = parse(location.hash)));

export function go(to: Route): void {
  location.hash = href(to);
}
