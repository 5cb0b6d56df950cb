import { Button, Tree, TreeItem, TreeItemContent } from "react-aria-components";
import { Icon, type IconName } from "../look/Icon";
import { blockIcon, connectorIcon } from "../look/kinds";
import type { Block, Flow, Lane } from "../model";
import { only } from "../model";
import { useDesk, useStore } from "../state/context";
import { useMarks } from "../state/marks";

/** The flows and the blocks in them, as a tree. */
export function FlowTree({ flows }: { readonly flows: readonly Flow[] }) {
  const { editor } = useDesk();
  const keys = useStore(editor.selection, (selection) => selection.keys);
  return (
    <Tree
      aria-label="Flows"
      className="tree"
      selectionMode="single"
      selectionBehavior="replace"
      selectedKeys={keys}
      onSelectionChange={(chosen) => {
        const [key] = chosen === "all" ? [] : chosen;
        if (key !== undefined) editor.selection.set(only(String(key)));
      }}
    >
      {flows.map((flow) => (
        <TreeItem key={flow.key} id={flow.key} textValue={flow.name} className="tree-n">
          <Line id={flow.key} icon="flow" text={flow.name} isHead />
          {flow.source && (
            <TreeItem id={flow.source.key} textValue={flow.source.type} className="tree-n">
              <Line
                id={flow.source.key}
                icon={connectorIcon(flow.source.type)}
                text={flow.source.connector || flow.source.type}
              />
            </TreeItem>
          )}
          {blocks(flow.process)}
          {flow.error && (
            <TreeItem id={flow.error.key} textValue="on error" className="tree-n">
              <Line id={flow.error.key} icon="shield" text="on error" />
              {blocks(flow.error)}
            </TreeItem>
          )}
        </TreeItem>
      ))}
    </Tree>
  );
}

/** Nested items of the blocks of a lane. */
function blocks(lane: Lane) {
  return lane.blocks.map((block) => (
    <TreeItem key={block.key} id={block.key} textValue={block.label} className="tree-n">
      <Line id={block.key} icon={blockIcon(block.type, block.known)} text={block.label || "not a block"} />
      {inner(block).map((each) => blocks(each))}
    </TreeItem>
  ));
}

const inner = (block: Block): readonly Lane[] => block.lanes.filter((each) => each.blocks.length > 0);

interface LineProps {
  readonly id: string;
  readonly icon: IconName;
  readonly text: string;
  readonly isHead?: boolean;
}

function Line({ id, icon, text, isHead }: LineProps) {
  const mark = useMarks(id);
  return (
    <TreeItemContent>
      {({ hasChildItems, isExpanded, level, isSelected }) => (
        <span className={`tree-i${isSelected ? " sel-row" : ""}${isHead ? " hd" : ""} l${Math.min(level - 1, 6)}`}>
          {hasChildItems ? <Chevron isExpanded={isExpanded} /> : <span className="chev" />}
          <Icon name={icon} />
          <span className="cut">{text}</span>
          {mark && (
            <span className="r">
              <Icon
                name={mark.kind === "error" ? "err" : "warn"}
                small
                className={mark.kind === "error" ? "bad" : "warn"}
                label={mark.text}
              />
            </span>
          )}
        </span>
      )}
    </TreeItemContent>
  );
}

function Chevron({ isExpanded }: { readonly isExpanded: boolean }) {
  return (
    <Button slot="chevron" className="chev">
      <Icon name={isExpanded ? "down" : "right"} small />
    </Button>
  );
}
