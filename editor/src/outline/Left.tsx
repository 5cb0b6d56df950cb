import { Icon } from "../look/Icon";
import { connectorIcon } from "../look/kinds";
import { only } from "../model";
import { useDesk, useStore } from "../state/context";
import { FlowTree } from "./FlowTree";
import "./left.css";
import { Palette } from "./Palette";

/** What the project has, and what may be added to it. */
export function Left({ onFind, findKeys }: { readonly onFind: () => void; readonly findKeys: string }) {
  const { editor } = useDesk();
  const { flows, connectors } = useStore(editor.integration);
  return (
    <aside className="left" aria-label="Outline and palette">
      <div className="find">
        <button type="button" className="inp soft" onClick={onFind}>
          <Icon name="search" />
          <span className="grow cut">Find or add</span>
          <kbd>{findKeys}</kbd>
        </button>
      </div>
      <div className="outline">
        <h3 className="sec">Flows</h3>
        <FlowTree flows={flows} />
        <h3 className="sec">Connectors</h3>
        <ul className="tree">
          {connectors.map((each) => (
            <li key={each.key}>
              <Chosen choice={each.key} icon={connectorIcon(each.type)} text={each.name} says={each.type} />
            </li>
          ))}
        </ul>
      </div>
      <Palette />
    </aside>
  );
}

interface ChosenProps {
  readonly choice: string;
  readonly icon: ReturnType<typeof connectorIcon>;
  readonly text: string;
  readonly says: string;
}

function Chosen({ choice, icon, text, says }: ChosenProps) {
  const { editor } = useDesk();
  const isChosen = useStore(editor.selection, (selection) => selection.keys.includes(choice));
  return (
    <button
      type="button"
      className={isChosen ? "tree-i sel-row" : "tree-i"}
      aria-pressed={isChosen}
      onClick={() => editor.selection.set(only(choice))}
    >
      <Icon name={icon} />
      <span className="cut">{text}</span>
      <span className="r">{says}</span>
    </button>
  );
}
