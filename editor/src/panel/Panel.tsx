import type { ReactNode } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { IconButton } from "../look/Button";
import { useDesk, useStore } from "../state/context";
import { TABS, type Tab as TabId } from "../state/view";
import { Logs } from "./Logs";
import { Messages } from "./Messages";
import "./panel.css";
import { Problems } from "./Problems";
import { ResourceList } from "./ResourceList";
import { Tests } from "./Tests";
import { Variables } from "./Variables";

interface Props {
  /** The key that folds and unfolds it. */
  readonly keys: string;
  readonly onCompose: () => void;
}

/** What happens, what is wrong, what is tested: below the canvas. */
export function Panel({ keys, onCompose }: Props) {
  const { editor, view, running } = useDesk();
  const messages = useStore(running.messages, (all) => all.length);
  const tab = useStore(view.tab);
  const isOpen = useStore(view.panel);
  const { problems, warnings } = useStore(editor.checking);
  const counts: Partial<Record<TabId, number>> = {
    problems: problems.length + warnings.length,
    ...(messages > 0 && { messages }),
  };
  const contents: Record<TabId, ReactNode> = {
    logs: <Logs />,
    messages: <Messages onCompose={onCompose} />,
    problems: <Problems />,
    tests: <Tests />,
    env: <Variables />,
    resources: <ResourceList />,
  };
  return (
    <section className="bot" aria-label="Panel">
      <Tabs className="tabs-box" selectedKey={tab} onSelectionChange={(id) => view.show(id as TabId)}>
        <div className="tabs">
          <TabList aria-label="Panel" className="tabs-l">
            {TABS.map((each) => (
              <Tab key={each.id} id={each.id} className="tab">
                {each.text}
                {counts[each.id] !== undefined && <span className="c">{counts[each.id]}</span>}
              </Tab>
            ))}
          </TabList>
          <span className="grow" />
          <span className="end-r">
            <IconButton
              icon={isOpen ? "down" : "up"}
              label={isOpen ? "Fold the panel" : "Open the panel"}
              keys={keys}
              kind="quiet"
              small
              onPress={() => view.panel.set(!isOpen)}
            />
          </span>
        </div>
        {isOpen &&
          TABS.map((each) => (
            <TabPanel key={each.id} id={each.id} className="tab-p">
              {contents[each.id]}
            </TabPanel>
          ))}
      </Tabs>
    </section>
  );
}
