import type { Block, Lane } from "../model";
import { BlockRow } from "./BlockRow";
import { nodeSays } from "./saying";

interface LanesProps {
  readonly block: Block;
  readonly lanes: readonly Lane[];
  readonly level: number;
}

/** The lanes of a block, side by side as wells inside its row. */
export function LaneList({ block, lanes, level }: LanesProps) {
  const isParallel = block.type === "fork";
  return (
    <div className={isParallel ? "lanes par" : "lanes"}>
      {lanes.map((lane, index) => (
        <section key={lane.key} className={isErrorLane(block, lane) ? "case errl" : "case"}>
          <header className="case-h">
            <LaneHead lane={lane} index={index} />
          </header>
          <Chain lane={lane} level={level} />
        </section>
      ))}
    </div>
  );
}

const isErrorLane = (block: Block, lane: Lane) =>
  lane.slot === "error" && block.lanes.some((each) => each.slot === "process");

function LaneHead({ lane, index }: { readonly lane: Lane; readonly index: number }) {
  const when = lane.fields.find((each) => each.name === "when");
  if (when) {
    return (
      <>
        <span>{index + 1}</span>
        <code className="cut">{nodeSays(when.node)}</code>
      </>
    );
  }
  const named = lane.fields.find((each) => each.name === "name");
  const text = named ? nodeSays(named.node) : lane.item ? `${index + 1}` : lane.slot === "default" ? "else" : lane.slot;
  return <span className="cut">{text}</span>;
}

/** The blocks of a lane on their spine. */
export function Chain({ lane, level }: { readonly lane: Lane; readonly level: number }) {
  return (
    <ol className="lane" role="group" data-lane={lane.key} aria-label={lane.address}>
      {lane.blocks.map((each) => (
        <BlockRow key={each.key} block={each} level={level} />
      ))}
      {lane.blocks.length === 0 && (
        <li className="gap" role="none">
          Add a block, or drop one here
        </li>
      )}
    </ol>
  );
}
