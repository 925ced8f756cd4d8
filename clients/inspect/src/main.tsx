/** The page: what the address names, beside the list of VMs. */

import "./style/fonts.css";
import "./style/base.css";
import "./style/frame.css";
import "./style/transcript.css";
import "./style/views.css";
import { effect, useSignalEffect } from "@preact/signals";
import { render } from "preact";
import { route, vmText } from "./route.ts";
import { daemon, session, show, vm } from "./state.ts";
import { plain } from "./visible.tsx";
import { Home } from "./views/home.tsx";
import { SessionView } from "./views/session.tsx";
import { Sidebar } from "./views/sidebar.tsx";
import { VmView } from "./views/vm.tsx";

// The address that opened the page works no more; it need not stand there, or in the browser's history.
if (location.search !== "") {
  history.replaceState(null, "", location.pathname + location.hash);
}

effect(() => show(route.value.vm, route.value.session));

function App() {
  useSignalEffect(() => {
    const title = session.value?.details.value?.title ?? session.value?.id;
    document.title = [title, vm.value && vmText(vm.value.name), "Torpor"].filter(Boolean).map(plain).join(" – ");
  });
  return (
    <div class={`frame ${route.value.vm === undefined ? "at-home" : ""}`}>
      <Sidebar />
      <main>
        {daemon.state.value === "lost" && (
          <p class="banner" role="status">
            The daemon is away. The page goes on as soon as it is back.
          </p>
        )}
        {session.value ? (
          <SessionView key={session.value.key} session={session.value} />
        ) : vm.value ? (
          <VmView key={vmText(vm.value.name)} vm={vm.value} />
        ) : (
          <Home />
        )}
      </main>
    </div>
  );
}

render(<App />, document.getElementById("page")!);
