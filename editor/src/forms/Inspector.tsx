import { useState } from "react";
import { Button } from "../look/Button";
import { Icon } from "../look/Icon";
import { dataOf, type Field, type Value } from "../model";
import { useDesk, useStore } from "../state/context";
import { useMarks } from "../state/marks";
import { FieldRow } from "./FieldRow";
import "./forms.css";
import { type Shown, shownOf, thingOf } from "./shown";
import { NamePick } from "./widgets/Pick";

/** The fields of what is chosen, and help for the one that has the focus. */
export function Inspector() {
  const { editor } = useDesk();
  const integration = useStore(editor.integration);
  const { keys, focus: last } = useStore(editor.selection);
  const thing = last === undefined ? undefined : thingOf(integration, last);
  if (keys.length > 1) return <Frame title={`${keys.length} blocks`} says="chosen together" />;
  if (!thing) return <Frame title="Nothing chosen" says="Choose a block to see its fields." />;
  return <Fields key={thing.key} shown={shownOf(integration, thing)} />;
}

function Frame({ title, says }: { readonly title: string; readonly says: string }) {
  return (
    <aside className="insp" aria-label="Inspector">
      <header className="insp-h">
        <div>
          <b>{title}</b>
          <p>{says}</p>
        </div>
      </header>
    </aside>
  );
}

function Fields({ shown }: { readonly shown: Shown }) {
  const { editor } = useDesk();
  const { thing } = shown;
  const [focused, focus] = useState<Field | undefined>();
  const [isAll, showAll] = useState(false);
  const mark = useMarks(thing.key);
  const written = new Map(shown.settings.map((each) => [each.name, each]));
  const tree = editor.integration.get().files.get(thing.file)?.tree;
  const value = (name: string): Value | undefined => {
    const setting = written.get(name);
    return setting && tree ? dataOf(tree, setting.node) : undefined;
  };
  const set = (name: string, next: Value | undefined) => editor.setField(thing, name, next);
  const isSeen = (each: Field) => each.group === "common" || written.has(each.name) || isAll;
  const hidden = shown.fields.filter((each) => !isSeen(each)).length;
  const unknown = shown.settings.filter(
    (each) => !shown.fields.some((field) => field.name === each.name) && isOdd(shown, each.name),
  );
  return (
    <aside className="insp" aria-label="Inspector">
      <header className="insp-h">
        <Icon name={shown.icon} />
        <div>
          <b className="cut">{shown.name}</b>
          <p>
            {shown.kind} in <code>{thing.file}</code>
          </p>
        </div>
      </header>
      <form className="form" onSubmit={(event) => event.preventDefault()}>
        {mark && (
          <div className={mark.kind === "error" ? "prob bad" : "prob"} role="status">
            <Icon name={mark.kind === "error" ? "err" : "warn"} />
            <span>{mark.text}</span>
          </div>
        )}
        {shown.uses && (
          <Uses shown={shown} value={value(shown.uses.key)} onChange={(next) => set(shown.uses?.key ?? "", next)} />
        )}
        {shown.fields.filter(isSeen).map((each) => (
          <FieldRow
            key={each.name}
            field={each}
            value={value(each.name)}
            address={shown.address}
            file={thing.file}
            onChange={(next) => set(each.name, next)}
            onFocus={() => focus(each)}
          />
        ))}
        {unknown.map((each) => (
          <p key={each.name} className="help">
            <code>{each.name}</code> is no field that Octo knows; it stays in the text.
          </p>
        ))}
        {hidden > 0 && (
          <Button kind="quiet" small onPress={() => showAll(true)}>
            <Icon name="down" small />
            {hidden} more {hidden === 1 ? "field" : "fields"}
          </Button>
        )}
      </form>
      <section className="docs" aria-label="Help" aria-live="polite">
        <h4>
          <Icon name="book" />
          {focused ? focused.name : shown.kind}
        </h4>
        <p>{focused ? focused.doc : shown.doc}</p>
      </section>
    </aside>
  );
}

/** Whether a setting that no field is for is no lane and no connector either. */
function isOdd({ thing, uses }: Shown, name: string): boolean {
  const known = thing.kind === "block" ? (thing.known?.fields.map((each) => each.name) ?? []) : [];
  return !known.includes(name) && name !== uses?.key && !["description"].includes(name);
}

interface UsesProps {
  readonly shown: Shown;
  readonly value: Value | undefined;
  readonly onChange: (value: Value | undefined) => void;
}

/** The connector that a block uses. */
function Uses({ shown, value, onChange }: UsesProps) {
  const { editor } = useDesk();
  const connectors = useStore(editor.integration, (integration) => integration.connectors);
  const { key, types, required } = shown.uses ?? { key: "", types: [], required: false };
  const names = connectors
    .filter((each) => types.includes(each.type))
    .map((each) => ({ value: each.name, text: each.name, says: each.type }));
  return (
    <div className="fld">
      <span className="lab">
        <b>{key}</b>
        <span className="kind">connector</span>
      </span>
      <NamePick
        id={key}
        label={key}
        kind={{ type: "text" }}
        value={value}
        address=""
        file={shown.thing.file}
        isRequired={required}
        names={names}
        none="the only one"
        onChange={onChange}
      />
    </div>
  );
}
