/** The views of what is shown, as links. */

import { type Route, href } from "../route.ts";

export function Tabs({ tabs, shown, place }: { tabs: Record<string, string>; shown: string; place: Route }) {
  return (
    <nav class="tabs" aria-label="Views">
      {Object.entries(tabs).map(([view, title]) => (
        <a key={view} href={href({ ...place, ...(view && { view }) })} aria-current={view === shown ? "page" : undefined}>
          {title}
        </a>
      ))}
    </nav>
  );
}
