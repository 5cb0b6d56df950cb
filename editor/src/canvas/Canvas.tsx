import { type ClipboardEvent, useEffect, useMemo, useRef } from "react";
import { blocksOf, type Integration, located, only, refusal, selectedBlocks, toggled } from "../model";
import { add, copyText, moveTo, paste, remove } from "../state/acting";
import { useDesk, useStore } from "../state/context";
import { dragging, type Host } from "./dragging";
import { FlowCard } from "./FlowCard";
import { rowOf } from "./walking";
import "./canvas.css";

/** All flows, one below the other. It is one stop of the Tab key and a tree for screen readers. */
export function Canvas() {
  const { editor } = useDesk();
  const canvas = useRef<HTMLDivElement>(null);
  const integration = useStore(editor.integration);
  const callers = useMemo(() => callersOf(integration), [integration]);
  const zoom = useStore(useDesk().view.zoom);

  useEffect(() => {
    const laneAt = (key: string) => {
      const thing = located(editor.integration.get()).get(key)?.thing;
      return thing?.kind === "lane" ? thing : undefined;
    };
    const host: Host = {
      loadOf(element) {
        const { key, type } = element.dataset;
        if (type !== undefined) return { type };
        if (key === undefined) return undefined;
        const { keys } = editor.selection.get();
        return { keys: keys.includes(key) ? keys : [key] };
      },
      refusal(key, load) {
        const now = editor.integration.get();
        const lane = laneAt(key);
        if (!lane) return "This lane is gone.";
        if ("type" in load) return undefined;
        const blocks = selectedBlocks(now, { keys: load.keys, anchor: undefined, focus: undefined });
        return refusal(lane, blocks);
      },
      drop(load, { lane: key, index }) {
        const lane = laneAt(key);
        if (!lane) return;
        if ("type" in load) add(editor, load.type, { lane, index });
        else moveTo(editor, load.keys, { lane, index });
      },
      say: (text) => editor.notice.set(text),
    };
    return dragging(document.body, () => canvas.current, host);
  }, [editor]);

  // The chosen row comes into sight, and has the focus if the canvas has it.
  const last = useStore(editor.selection, (selection) => selection.focus);
  useEffect(() => {
    const place = canvas.current;
    const row = place && last !== undefined ? rowOf(place, last) : null;
    row?.scrollIntoView({ block: "nearest" });
    if (place?.contains(document.activeElement)) row?.focus({ preventScroll: true });
  }, [last]);

  const choose = (target: EventTarget, more: boolean) => {
    const row = target instanceof Element ? target.closest<HTMLElement>("[data-key]") : null;
    const key = row?.dataset.key;
    if (key === undefined) return;
    row?.focus({ preventScroll: true });
    editor.selection.update((selection) => (more ? toggled(selection, key) : only(key)));
  };
  const copy = (event: ClipboardEvent, cut: boolean) => {
    const text = copyText(editor);
    if (text === "") return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
    if (cut) remove(editor);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the window has the keys of the canvas, see app/keys.ts
    <div
      className="canvas"
      ref={canvas}
      role="tree"
      aria-label="Flows"
      aria-multiselectable
      tabIndex={last === undefined ? 0 : -1}
      data-zoom={zoom}
      onClick={(event) => choose(event.target, event.ctrlKey || event.metaKey)}
      onCopy={(event) => copy(event, false)}
      onCut={(event) => copy(event, true)}
      onPaste={(event) => paste(editor, event.clipboardData.getData("text/plain"))}
    >
      {integration.flows.map((flow, index) => (
        <FlowCard key={flow.key} flow={flow} index={index} callers={callers.get(flow.name) ?? 0} />
      ))}
    </div>
  );
}

/** How many blocks call each flow. */
function callersOf(integration: Integration): Map<string, number> {
  const found = new Map<string, number>();
  for (const flow of integration.flows) {
    for (const block of blocksOf(flow)) {
      for (const each of block.settings) {
        const field = block.known?.fields.find((field) => field.name === each.name);
        if (field?.type !== "flow" || each.node.kind !== "scalar") continue;
        found.set(each.node.text, (found.get(each.node.text) ?? 0) + 1);
      }
    }
  }
  return found;
}
