import { useMemo } from "react";
import { blocksOf, type Integration } from "../model";
import { useDesk, useStore } from "../state/context";
import { only, toggled } from "../state/selection";
import { FlowCard } from "./FlowCard";
import "./canvas.css";

/** All flows, one below the other. It is one stop of the Tab key and a tree for screen readers. */
export function Canvas() {
  const { editor } = useDesk();
  const integration = useStore(editor.integration);
  const callers = useMemo(() => callersOf(integration), [integration]);
  const choose = (target: EventTarget, more: boolean) => {
    const key = target instanceof Element ? target.closest<HTMLElement>("[data-key]")?.dataset.key : undefined;
    if (key === undefined) return;
    editor.selection.update((selection) => (more ? toggled(selection, key) : only(key)));
  };
  return (
    <div
      className="canvas"
      role="tree"
      aria-label="Flows"
      aria-multiselectable
      tabIndex={-1}
      onClick={(event) => choose(event.target, event.ctrlKey || event.metaKey)}
      onKeyDown={() => undefined}
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
