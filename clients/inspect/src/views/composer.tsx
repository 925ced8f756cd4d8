/** The place to speak: a text, the stop of a turn, the agent's settings. */

import { useEffect, useRef, useState } from "preact/hooks";
import type { JsonObject, SessionDetails } from "../../../typescript/src/generated.ts";
import { duration } from "../format.ts";
import { Icon } from "../icons.tsx";
import { daemon, reason, type Session } from "../state.ts";
import { plain, visible } from "../visible.tsx";

interface Props {
  session: Session;
  details: SessionDetails;
  turnSince: number | undefined;
}

/** What was typed and not sent, by the sessions' keys: it outlives a look at another one. */
const drafts = new Map<string, string>();

export function Composer({ session, details, turnSince }: Props) {
  const [text, setText] = useState(drafts.get(session.key) ?? "");
  const [problem, setProblem] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  const isRunning = details.status === "running";
  const canSend = text.trim() !== "" && !isRunning && daemon.state.value === "open";
  const where = { vm: session.vm, sessionId: session.id };
  const write = (given: string): void => {
    drafts.set(session.key, given);
    setText(given);
  };
  useEffect(() => {
    // As high as the text, up to what the style allows.
    area.current!.style.height = "auto";
    area.current!.style.height = `${area.current!.scrollHeight}px`;
  }, [text]);
  const attempt = async (call: Promise<unknown>): Promise<boolean> => {
    try {
      setProblem(undefined);
      await call;
      return true;
    } catch (error) {
      setProblem(reason(error));
      return reason(error) === undefined; // the connection is lost: the transcript will tell what came of it
    }
  };
  const send = async (): Promise<void> => {
    if (!canSend) {
      return;
    }
    write("");
    if (!(await attempt(daemon.call("sendPrompt", { ...where, prompt: text })))) {
      write(drafts.get(session.key) || text);
    }
  };
  const stop = (): void => void attempt(daemon.call("cancelPrompt", where));
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      void send();
    } else if (event.key === "Escape" && isRunning) {
      stop();
    }
  };
  return (
    <footer class="composer">
      <div class="column">
        {problem && (
          <p class="problem" role="alert">
            {visible(problem)}
          </p>
        )}
        <form
          class="box"
          onSubmit={(event) => {
            event.preventDefault();
            void send();
          }}
        >
          <textarea
            ref={area}
            rows={1}
            value={text}
            placeholder={isRunning ? "The agent is at work" : "Ask the agent"}
            aria-label="Prompt"
            onInput={({ currentTarget }) => write(currentTarget.value)}
            onKeyDown={onKeyDown}
          />
          <div class="below">
            <Settings details={details} attempt={attempt} where={where} />
            {isRunning && turnSince !== undefined && <Elapsed since={turnSince} />}
            {isRunning ? (
              <button type="button" class="round" aria-label="Stop" title="Stop (Esc)" onClick={stop}>
                <Icon name="stop" />
              </button>
            ) : (
              <button type="submit" class="round primary" aria-label="Send" title="Send (Enter)" disabled={!canSend}>
                <Icon name="send" />
              </button>
            )}
          </div>
        </form>
      </div>
    </footer>
  );
}

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span class="elapsed">
      <span class="pulse" aria-hidden="true" /> {duration(Math.max(0, now - since), true)}
    </span>
  );
}

interface SettingsProps {
  details: SessionDetails;
  where: { vm: string | string[]; sessionId: string };
  attempt(call: Promise<unknown>): Promise<boolean>;
}

function Settings({ details: { modes, configOptions }, where, attempt }: SettingsProps) {
  const options = configOptions.filter((option) => option?.type === "select" && choices(option).length > 1);
  const hasMode = options.some(({ category }) => category === "mode");
  return (
    <div class="settings">
      {options.map((option) => (
        <Choice
          key={option.id}
          name={option.name ?? option.id}
          value={option.currentValue}
          choices={choices(option)}
          choose={(value) => attempt(daemon.call("setConfigOption", { ...where, configId: option.id, value }))}
        />
      ))}
      {modes && !hasMode && (
        <Choice
          name="Mode"
          value={modes.currentModeId}
          choices={modes.availableModes.map(({ id, name }: JsonObject) => ({ value: id, name }))}
          choose={(modeId) => attempt(daemon.call("setMode", { ...where, modeId }))}
        />
      )}
    </div>
  );
}

/** The values of an option, which may be in groups. */
function choices(option: JsonObject): JsonObject[] {
  const given: JsonObject[] = Array.isArray(option.options) ? option.options : [];
  return given.flatMap((each) => (Array.isArray(each?.options) ? each.options : [each]));
}

interface ChoiceProps {
  name: unknown;
  value: unknown;
  choices: JsonObject[];
  choose(value: string): Promise<boolean>;
}

function Choice({ name, value, choices, choose }: ChoiceProps) {
  return (
    <label class="choice">
      <span>{visible(name)}</span>
      <select value={String(value)} onChange={({ currentTarget }) => void choose(currentTarget.value)}>
        {choices.map((each) => (
          <option key={each.value} value={each.value}>
            {plain(each.name ?? each.value)}
          </option>
        ))}
      </select>
    </label>
  );
}
