import { useMemo, useState } from "react";
import { Icon } from "../look/Icon";
import { blockIcon } from "../look/kinds";
import type { BlockType } from "../model";
import { useDesk, useStore } from "../state/context";

/** The blocks that may be added: those that have lanes first, then those that change the message, then those that connect. */
export function Palette() {
  const { editor } = useDesk();
  const catalogue = useStore(editor.integration, (integration) => integration.catalogue);
  const [sought, seek] = useState("");
  const groups = useMemo(() => grouped(catalogue.blocks, sought), [catalogue, sought]);
  return (
    <section className="pal" aria-label="Blocks">
      <label className="inp soft">
        <Icon name="search" />
        <input
          className="grow"
          aria-label="Search blocks"
          placeholder={`Search ${catalogue.blocks.length} blocks`}
          value={sought}
          onChange={(event) => seek(event.target.value)}
        />
      </label>
      <div className="pal-l">
        {groups.map(([name, blocks]) => (
          <ul key={name} aria-label={name}>
            {blocks.map((each) => (
              <li key={each.type} data-drag="new" data-type={each.type} title={firstSentence(each.doc)}>
                <Icon name={blockIcon(each.type, each)} />
                <span className="cut">{each.type}</span>
              </li>
            ))}
          </ul>
        ))}
      </div>
    </section>
  );
}

const NAMES = ["Flow", "Message", "Connect"] as const;

export function grouped(blocks: readonly BlockType[], sought: string): [string, BlockType[]][] {
  const words = sought.toLowerCase().trim();
  const found = blocks.filter(
    (each) => each.type.includes(words) || (words.length > 2 && each.doc.toLowerCase().includes(words)),
  );
  const of = (each: BlockType) =>
    each.connector ? "Connect" : each.slots.length > 0 || each.type === "flow-ref" ? "Flow" : "Message";
  return NAMES.map((name): [string, BlockType[]] => [name, found.filter((each) => of(each) === name)]).filter(
    ([, list]) => list.length > 0,
  );
}

const firstSentence = (doc: string) => /^.*?[.:](?=\s|$)/s.exec(doc)?.[0].replace(/\s+/g, " ") ?? doc;
