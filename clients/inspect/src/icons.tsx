/** Small pictures beside words; they say nothing that the words do not. */

const PATHS: Record<string, string> = {
  read: "M4 2.5h5l3 3v8H4zM9 2.5v3h3M6 8.5h4M6 11h4",
  edit: "M3 13l.7-2.8L10.9 3l2.1 2.1-7.2 7.2zM9.6 4.3l2.1 2.1",
  delete: "M3.5 4.5h9M6.5 4.5v-2h3v2M4.5 4.5l.6 9h5.8l.6-9",
  move: "M2.5 8h10M9 4.5L12.5 8 9 11.5",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3L13.5 13.5",
  execute: "M3 4l3.5 4L3 12M8.5 12.5h5",
  think: "M8 2.5a4 4 0 0 1 2 7.4v1.6H6V9.9a4 4 0 0 1 2-7.4zM6.5 13.5h3",
  fetch: "M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11zM2.5 8h11M8 2.5c3.5 3 3.5 8 0 11M8 2.5c-3.5 3-3.5 8 0 11",
  switch_mode: "M3 5.5h9L9.5 3M13 10.5H4L6.5 13",
  other: "M8 3.5v9M3.5 8h9",
  folder: "M2.5 4.5h4l1.5 1.5h5.5v6.5h-11z",
  file: "M4 2.5h5l3 3v8H4zM9 2.5v3h3",
  symlink: "M6.5 9.5l3-3M7 5l1.5-1.5a2.5 2.5 0 0 1 4 4L11 9M9 11l-1.5 1.5a2.5 2.5 0 0 1-4-4L5 7",
  chevron: "M6 4l4 4-4 4",
  moon: "M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6z",
  lock: "M4 7.5h8v6H4zM5.5 7.5v-2a2.5 2.5 0 0 1 5 0v2",
  send: "M8 13V3.5M4 7l4-4 4 4",
  stop: "M4.5 4.5h7v7h-7z",
};

export function Icon({ name: given }: { name: string }) {
  const name = Object.hasOwn(PATHS, given) ? given : "other";
  return (
    <svg class={`icon ${name}`} viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
