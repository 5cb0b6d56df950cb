import { useMemo, useState } from "react";
import { Dialog as AriaDialog, Modal, ModalOverlay } from "react-aria-components";
import { blockSays } from "../canvas/saying";
import { Icon, type IconName } from "../look/Icon";
import { blockIcon, connectorIcon } from "../look/kinds";
import { blocksOf, type Integration, only } from "../model";
import { add } from "../state/acting";
import { useDesk } from "../state/context";

interface Hit {
  readonly id: string;
  readonly icon: IconName;
  readonly text: string;
  readonly says: string;
  readonly kind: "go" | "add";
  readonly act: () => void;
}

const MOST = 12;

/** Find what there is, or add a block: one line to type in, the best hits below. */
export function Find({ onClose }: { readonly onClose: () => void }) {
  const { editor } = useDesk();
  const [sought, seek] = useState("");
  const [chosen, choose] = useState(0);
  const hits = useMemo(() => {
    const integration = editor.integration.get();
    const all = [
      ...places(integration, (key) => editor.selection.set(only(key))),
      ...types(integration, (type) => add(editor, type)),
    ];
    return ranked(all, sought).slice(0, MOST);
  }, [editor, sought]);
  const take = (hit: Hit | undefined) => {
    if (!hit) return;
    onClose();
    hit.act();
  };
  return (
    <ModalOverlay className="scrim top-scrim" isOpen isDismissable onOpenChange={(open) => !open && onClose()}>
      <Modal className="dlg-m find-m">
        <AriaDialog className="find-d" aria-label="Find or add">
          <div className="inp">
            <Icon name="search" />
            <input
              // biome-ignore lint/a11y/noAutofocus: the dialog is this line
              autoFocus
              className="grow"
              role="combobox"
              aria-expanded
              aria-label="Find or add"
              aria-controls="find-hits"
              aria-activedescendant={hits[chosen] ? `hit-${chosen}` : undefined}
              value={sought}
              placeholder="A flow, a block, an expression, or a block to add"
              onChange={(event) => {
                seek(event.target.value);
                choose(0);
              }}
              onKeyDown={(event) => {
                const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
                if (step !== 0) choose((at) => (at + step + hits.length) % Math.max(1, hits.length));
                else if (event.key === "Enter") take(hits[chosen]);
                else return;
                event.preventDefault();
              }}
            />
          </div>
          <div id="find-hits" role="listbox" aria-label="Hits" className="find-l">
            {hits.map((hit, index) => (
              <div
                key={hit.id}
                id={`hit-${index}`}
                className="menu-i"
                role="option"
                tabIndex={-1}
                aria-selected={index === chosen}
                data-focused={index === chosen || undefined}
                onMouseDown={() => take(hit)}
              >
                <Icon name={hit.icon} />
                <span>{hit.text}</span>
                <code className="muted cut grow">{hit.says}</code>
                <span className="tag">{hit.kind === "add" ? "add" : "go to"}</span>
              </div>
            ))}
            {hits.length === 0 && <p className="nothing">Nothing is called "{sought}".</p>}
          </div>
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}

function* places({ flows, connectors }: Integration, go: (key: string) => void): Generator<Hit> {
  for (const flow of flows) {
    yield { id: flow.key, icon: "flow", text: flow.name, says: "flow", kind: "go", act: () => go(flow.key) };
    for (const block of blocksOf(flow)) {
      const says = `${block.type} ${blockSays(block)}`;
      yield {
        id: block.key,
        icon: blockIcon(block.type, block.known),
        text: block.label,
        says,
        kind: "go",
        act: () => go(block.key),
      };
    }
  }
  for (const each of connectors) {
    yield {
      id: each.key,
      icon: connectorIcon(each.type),
      text: each.name,
      says: each.type,
      kind: "go",
      act: () => go(each.key),
    };
  }
}

function* types({ catalogue }: Integration, take: (type: string) => void): Generator<Hit> {
  for (const each of catalogue.blocks) {
    const says = each.doc.split("\n")[0] ?? "";
    yield {
      id: `new ${each.type}`,
      icon: blockIcon(each.type, each),
      text: each.type,
      says,
      kind: "add",
      act: () => take(each.type),
    };
  }
}

/** The hits whose text or words hold what is sought: names that begin with it first, then names, then words. */
export function ranked<H extends { readonly text: string; readonly says: string }>(
  hits: readonly H[],
  sought: string,
): H[] {
  const words = sought.toLowerCase().trim();
  const rank = ({ text, says }: H): number => {
    const name = text.toLowerCase();
    if (name.startsWith(words)) return 0;
    if (name.includes(words)) return 1;
    return says.toLowerCase().includes(words) ? 2 : 3;
  };
  return hits
    .map((hit, index) => ({ hit, index, rank: rank(hit) }))
    .filter((each) => each.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map((each) => each.hit);
}
