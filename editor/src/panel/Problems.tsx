import { ListBox, ListBoxItem } from "react-aria-components";
import type { Problem } from "../client/types";
import { Icon } from "../look/Icon";
import { type Block, type Flow, offsetOf, only, thingAt } from "../model";
import { useDesk, useStore } from "../state/context";

/** What is wrong in all files. Choosing one chooses the block. */
export function Problems() {
  const { editor, view } = useDesk();
  const { problems, warnings, isCurrent } = useStore(editor.checking);
  const integration = useStore(editor.integration);
  const { files } = integration;
  const rows = [
    ...problems.map((each, index) => ({ id: `p${index}`, problem: each, isError: true })),
    ...warnings.map((each, index) => ({ id: `w${index}`, problem: each, isError: false })),
  ];
  const placeOf = ({ file, line, column }: Problem) => {
    const text = integration.files.get(file)?.tree.text;
    return text === undefined ? undefined : thingAt(integration, file, offsetOf(text, line, column));
  };
  const go = (id: unknown) => {
    const problem = rows.find((each) => each.id === id)?.problem;
    if (!problem) return;
    view.file.set(problem.file);
    const placed = placeOf(problem);
    if (placed) editor.selection.set(only(placed.key));
  };
  if (rows.length === 0) {
    const text = files.size === 1 ? "1 file" : `${files.size} files`;
    return <p className="nothing">{isCurrent ? `No problems in ${text}.` : "Checking…"}</p>;
  }
  return (
    <ListBox aria-label="Problems" className="plist" items={rows} onAction={go}>
      {({ problem, isError }) => (
        <ListBoxItem className="prow" textValue={problem.message}>
          <Icon
            name={isError ? "err" : "warn"}
            className={isError ? "bad" : "warn"}
            label={isError ? "error" : "warning"}
          />
          <span className="prow-t">
            <span>{problem.message}</span>
            {problem.hint && <span className="muted">{problem.hint}</span>}
          </span>
          <span className="muted cut">{nameOf(placeOf(problem))}</span>
          <code className="muted">
            {problem.file}:{problem.line}:{problem.column}
          </code>
          <code className="muted">{problem.code}</code>
        </ListBoxItem>
      )}
    </ListBox>
  );
}

function nameOf(thing: Flow | Block | undefined): string {
  return thing?.kind === "flow" ? thing.name : (thing?.label ?? "");
}
