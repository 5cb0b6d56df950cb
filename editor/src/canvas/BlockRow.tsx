import { memo } from "react";
import type { Step } from "../client/types";
import { Icon } from "../look/Icon";
import { blockIcon } from "../look/kinds";
import type { Block } from "../model";
import { useDesk, useStore } from "../state/context";
import { useMarks } from "../state/marks";
import { time } from "../state/shown";
import { LaneList } from "./LaneList";
import { blockSays } from "./saying";

interface Props {
  readonly block: Block;
  readonly level: number;
}

/** One block, and in it the lanes that it has. */
export const BlockRow = memo(function BlockRow({ block, level }: Props) {
  const { view } = useDesk();
  const isFolded = useStore(view.folded, () => view.isFolded(block.key));
  const lanes = block.lanes.filter((each) => each.node || each.chain || isRequired(block, each.slot));
  if (lanes.length === 0) {
    return (
      <li role="none">
        <Row block={block} level={level} />
      </li>
    );
  }
  return (
    <li role="none" className="cmp">
      <Row block={block} level={level} folded={isFolded} />
      {!isFolded && <LaneList block={block} lanes={lanes} level={level + 1} />}
    </li>
  );
});

function isRequired(block: Block, slot: string): boolean {
  return block.known?.fields.find((each) => each.name === slot)?.required ?? false;
}

function Row({ block, level, folded }: Props & { readonly folded?: boolean }) {
  const { editor, view, running } = useDesk();
  const isSelected = useStore(editor.selection, (selection) => selection.keys.includes(block.key));
  const isLast = useStore(editor.selection, (selection) => selection.focus === block.key);
  const mark = useMarks(block.key);
  const step = useStore(running.picked, (picked) => picked?.steps.get(block.address));
  const isPicked = useStore(running.picked, (picked) => picked !== null);
  const classes = [
    "blk",
    isSelected && "is-sel",
    mark?.kind === "error" && "is-wrong",
    mark?.kind === "warning" && "is-odd",
    step?.outcome === "failed" && "is-fail",
    isPicked && !step && "is-not",
  ];
  const shownName = block.label || "not a block";
  return (
    <div
      className={classes.filter(Boolean).join(" ")}
      role="treeitem"
      tabIndex={isLast ? 0 : -1}
      aria-level={level}
      aria-selected={isSelected}
      aria-expanded={folded === undefined ? undefined : !folded}
      aria-label={`${shownName}, ${block.name ? block.type : "block"}${mark ? `, ${mark.text}` : ""}`}
      data-key={block.key}
      data-drag="block"
    >
      <span className="blk-i">
        <Icon name={blockIcon(block.type, block.known)} />
      </span>
      <span className="blk-n">
        <span>{shownName}</span>
      </span>
      <span className="blk-t">{block.name ? block.type : ""}</span>
      <code className="blk-s">{folded ? inside(block) : blockSays(block)}</code>
      <span className="blk-c" />
      <span className="blk-d">{step ? time(step.duration) : ""}</span>
      {folded === undefined ? (
        <Outcome step={step} />
      ) : (
        <button type="button" className="fold" tabIndex={-1} aria-hidden onClick={() => view.fold(block.key, !folded)}>
          <Icon name={folded ? "right" : "down"} small className="blk-k" />
        </button>
      )}
      {step?.error && <p className="blk-e">{step.error.message}</p>}
    </div>
  );
}

/** How the picked message left the block. */
function Outcome({ step }: { readonly step: Step | undefined }) {
  if (!step) return <span className="blk-k" />;
  const isWell = step.outcome === "completed";
  return <Icon name={isWell ? "check" : "x"} small className={isWell ? "blk-k y" : "blk-k n"} />;
}

/** What a folded block says of its inside. */
function inside(block: Block): string {
  const count = (of: Block): number =>
    of.lanes.flatMap((lane) => lane.blocks).reduce((sum, each) => sum + 1 + count(each), 0);
  const [lanes, blocks] = [block.lanes.filter((each) => each.chain).length, count(block)];
  return `folded: ${lanes} ${lanes === 1 ? "lane" : "lanes"}, ${blocks} ${blocks === 1 ? "block" : "blocks"}`;
}
