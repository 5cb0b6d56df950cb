import { useMemo } from "react";
import { ListBox, ListBoxItem } from "react-aria-components";
import type { Step } from "../client/types";
import { Button } from "../look/Button";
import { Icon } from "../look/Icon";
import { located, only } from "../model";
import { useDesk, useStore } from "../state/context";
import { time } from "../state/shown";
import { Change } from "./Change";

/** The messages that came, the steps of the one that is picked, and what the chosen step did to it. */
export function Messages({ onCompose }: { readonly onCompose: () => void }) {
  const { running } = useDesk();
  const messages = useStore(running.messages);
  const picked = useStore(running.picked);
  if (messages.length === 0) {
    return (
      <div className="nothing">
        <p>Send one: every block then shows what it got and gave.</p>
        <Button small onPress={onCompose}>
          <Icon name="send" />
          Compose a request
        </Button>
      </div>
    );
  }
  return (
    <div className="msgs">
      <ListBox
        aria-label="Messages"
        className="mlist"
        selectionMode="single"
        selectionBehavior="replace"
        selectedKeys={picked ? [picked.detail.id] : []}
        onSelectionChange={(keys) => {
          const [id] = keys === "all" ? [] : keys;
          if (id !== undefined) void running.pick(String(id));
        }}
        items={messages.slice(0, 300)}
      >
        {(each) => (
          <ListBoxItem className="mrow" textValue={`${each.flow}, ${each.outcome}`}>
            <span
              className={`dot ${each.outcome === "completed" ? "ok" : each.outcome === "failed" ? "bad" : "warn"}`}
            />
            <span className="cut">{each.trigger || each.flow}</span>
            <span className={each.outcome === "failed" ? "bad cut" : "muted cut"}>{each.code || each.outcome}</span>
            <span className="num muted">{time(each.duration)}</span>
          </ListBoxItem>
        )}
      </ListBox>
      <Steps />
      <Chosen />
    </div>
  );
}

function Steps() {
  const { editor, running } = useDesk();
  const picked = useStore(running.picked);
  const integration = useStore(editor.integration);
  const focus = useStore(editor.selection, (selection) => selection.focus);
  const keys = useMemo(() => {
    const blocks = [...located(integration).values()].flatMap(({ thing }) => (thing.kind === "block" ? [thing] : []));
    return new Map(blocks.map((each) => [each.address, each.key]));
  }, [integration]);
  if (!picked) return <p className="nothing">Pick a message to see its way.</p>;
  const { steps, id } = picked.detail;
  const [first] = steps;
  const total = Math.max(first?.duration ?? 0, 0.001);
  const depth = depths(steps);
  return (
    <div>
      <div className="ph">
        <b className="cut">{first?.flow}</b>
        <span className={first?.outcome === "failed" ? "tag bad" : "tag"}>{first?.outcome}</span>
        <span className="muted num">{time(first?.duration ?? 0)}</span>
        <span className="grow" />
        <Button small kind="quiet" onPress={() => void running.keepAsTest()}>
          Save as test
        </Button>
      </div>
      <ol className="tl" aria-label={`Steps of ${id}`}>
        {steps
          .filter((each) => each.kind === "block")
          .map((each) => {
            const key = keys.get(each.address);
            return (
              <li key={each.span} aria-current={key !== undefined && key === focus}>
                <button
                  type="button"
                  className={`tl-b d${Math.min(3, depth.get(each.span) ?? 0)}${each.outcome === "failed" ? " bad" : ""}`}
                  onClick={() => key !== undefined && editor.selection.set(only(key))}
                >
                  <em className="cut">{nameOf(each.address)}</em>
                  <svg className="wf" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden>
                    <rect className="t" y="4" width="100" height="2" />
                    <rect
                      className={each.outcome === "failed" ? "x" : "b"}
                      x={Math.min(99, ((each.at - (first?.at ?? 0)) / total) * 100)}
                      width={Math.max(1, (each.duration / total) * 100)}
                      height="10"
                    />
                  </svg>
                  <span className="num">{time(each.duration)}</span>
                  <code className="cut">{said(each)}</code>
                </button>
              </li>
            );
          })}
      </ol>
    </div>
  );
}

function Chosen() {
  const { editor, running } = useDesk();
  const picked = useStore(running.picked);
  const integration = useStore(editor.integration);
  const focus = useStore(editor.selection, (selection) => selection.focus);
  const thing = focus === undefined ? undefined : located(integration).get(focus)?.thing;
  const step = thing?.kind === "block" ? picked?.steps.get(thing.address) : undefined;
  if (!picked) return <div />;
  if (!step) return <p className="nothing">{thing ? "The message did not come here." : "Choose a step."}</p>;
  return <Change key={step.span} step={step} />;
}

const nameOf = (address: string) => address.split(".").at(-1) ?? address;

/** What a step did, in a few words. */
export function said({ error, changed }: Step): string {
  if (error) return error.message ?? error.code ?? "failed";
  const parts = [...changed.set.map((each) => `+ vars.${each}`), ...changed.unset.map((each) => `- vars.${each}`)];
  return [...(changed.body ? ["~ body"] : []), ...parts].join(", ");
}

function depths(steps: readonly Step[]): Map<string, number> {
  const found = new Map<string, number>();
  for (const each of steps) found.set(each.span, each.parent === null ? -1 : (found.get(each.parent) ?? -1) + 1);
  return found;
}
