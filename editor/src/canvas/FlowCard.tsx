import { memo } from "react";
import { Icon } from "../look/Icon";
import { connectorIcon } from "../look/kinds";
import { blocksIn, connectorOf, connectorType, type Flow, type Source } from "../model";
import { useDesk, useStore } from "../state/context";
import { useMarks } from "../state/marks";
import { Chain } from "./LaneList";
import { sourceSays } from "./saying";

interface Props {
  readonly flow: Flow;
  readonly index: number;
  readonly callers: number;
}

/** A flow: its source, its blocks, what the caller gets, and its error lane. */
export const FlowCard = memo(function FlowCard({ flow, index, callers }: Props) {
  const { editor, view } = useDesk();
  const isFolded = useStore(view.folded, () => view.isFolded(flow.key, index));
  const isSelected = useStore(editor.selection, (selection) => selection.keys.includes(flow.key));
  const isLast = useStore(editor.selection, (selection) => selection.focus === flow.key);
  const mark = useMarks(flow.key);
  return (
    <section className="flow" aria-label={`flow ${flow.name}`}>
      <header
        className={isSelected ? "flow-h is-sel" : "flow-h"}
        role="treeitem"
        tabIndex={isLast ? 0 : -1}
        aria-level={1}
        aria-selected={isSelected}
        aria-expanded={!isFolded}
        aria-label={`${flow.name}, flow${mark ? `, ${mark.text}` : ""}`}
        data-key={flow.key}
      >
        <button type="button" className="fold" tabIndex={-1} aria-hidden onClick={() => view.fold(flow.key, !isFolded)}>
          <Icon name={isFolded ? "right" : "down"} small />
        </button>
        <Icon name="flow" />
        <h3>{flow.name}</h3>
        {!flow.source && <span className="muted">{callers === 0 ? "called by none" : `called by ${callers}`}</span>}
        <span className="st">
          {isFolded && <span>{count(flow)} blocks</span>}
          {mark && (
            <Icon
              name={mark.kind === "error" ? "err" : "warn"}
              className={mark.kind === "error" ? "bad" : "warn"}
              label={mark.text}
            />
          )}
        </span>
      </header>
      {!isFolded && (
        <>
          {flow.source && <SourceRow source={flow.source} />}
          <Chain lane={flow.process} level={2} />
          <p className="end">
            <Icon name="reply" />
            <span>{flow.source ? "the caller gets the body" : "whoever calls it goes on with the body"}</span>
          </p>
          {flow.error && (
            <div className="err">
              <header className="err-h">
                <Icon name="shield" small />
                <b>on error</b>
                <span>runs when a block above fails</span>
              </header>
              <Chain lane={flow.error} level={2} />
            </div>
          )}
        </>
      )}
    </section>
  );
});

const count = (flow: Flow) => [...blocksIn(flow.process)].length + (flow.error ? [...blocksIn(flow.error)].length : 0);

function SourceRow({ source }: { readonly source: Source }) {
  const { editor } = useDesk();
  const isSelected = useStore(editor.selection, (selection) => selection.keys.includes(source.key));
  const isLast = useStore(editor.selection, (selection) => selection.focus === source.key);
  const connector = useStore(editor.integration, (integration) => connectorOf(integration, source));
  const mark = useMarks(source.key);
  const { catalogue } = editor.integration.get();
  const type = connector?.type ?? source.type;
  const fields = connectorType(catalogue, type)?.sources.find((each) => each.type === source.type)?.fields ?? [];
  const name = connector?.name || source.connector || source.type || "source";
  return (
    <div className="lane src-lane">
      <div
        className={`blk src${isSelected ? " is-sel" : ""}${mark?.kind === "error" ? " is-wrong" : ""}`}
        role="treeitem"
        tabIndex={isLast ? 0 : -1}
        aria-level={2}
        aria-selected={isSelected}
        aria-label={`${name}, ${source.type} source${mark ? `, ${mark.text}` : ""}`}
        data-key={source.key}
      >
        <span className="blk-i">
          <Icon name={connectorIcon(type)} />
        </span>
        <span className="blk-n">
          <span>{name}</span>
        </span>
        <span className="blk-t">{source.type} source</span>
        <code className="blk-s">{sourceSays(source, fields)}</code>
        <span className="blk-c" />
        <span className="blk-d" />
        <span className="blk-k" />
      </div>
    </div>
  );
}
