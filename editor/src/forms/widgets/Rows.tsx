import { Button, IconButton } from "../../look/Button";
import { Icon } from "../../look/Icon";
import type { Kind, Value } from "../../model";
import { Widget } from "../Widget";
import { blank, type WidgetProps } from "./widget";

type ListKind = Extract<Kind, { type: "list" }>;
type MapKind = Extract<Kind, { type: "map" }>;
type ObjectKind = Extract<Kind, { type: "object" }>;

/** A row per entry. A single value that stands for a list is shown as one. */
export function ListRows(props: WidgetProps<ListKind>) {
  const { id, label, kind, value, onChange } = props;
  const entries: readonly Value[] =
    value === undefined || value === null ? [] : Array.isArray(value) ? value : [value as Value];
  const put = (next: readonly Value[]) => onChange(next.length === 0 && !props.isRequired ? undefined : next);
  return (
    <div className="rows">
      {entries.map((entry, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: entries have no other identity than their place
        <div key={index} className="row">
          <Widget
            {...props}
            id={`${id}-${index}`}
            label={`${label} ${index + 1}`}
            kind={kind.items}
            value={entry}
            isRequired
            onChange={(changed) =>
              put(changed === undefined ? entries.toSpliced(index, 1) : entries.with(index, changed))
            }
          />
          <IconButton
            icon="x"
            label={`Remove ${label} ${index + 1}`}
            kind="quiet"
            small
            onPress={() => put(entries.toSpliced(index, 1))}
          />
        </div>
      ))}
      <Button kind="quiet" small onPress={() => put([...entries, blank(kind.items)])}>
        <Icon name="plus" small />
        Add
      </Button>
    </div>
  );
}

/** A row per key. */
export function MapRows(props: WidgetProps<MapKind>) {
  const { id, label, kind, value, onChange } = props;
  const pairs = isMapping(value) ? Object.entries(value) : [];
  const put = (next: readonly (readonly [string, Value])[]) =>
    onChange(next.length === 0 && !props.isRequired ? undefined : Object.fromEntries(next));
  const fresh = () => {
    let name = "name";
    for (let count = 2; pairs.some(([key]) => key === name); count += 1) name = `name${count}`;
    return name;
  };
  return (
    <div className="rows">
      {pairs.map(([key, entry], index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the key is what one types in
        <div key={index} className="row pair">
          <span className="inp">
            <input
              className="grow mono"
              aria-label={`Key ${index + 1} of ${label}`}
              value={key}
              spellCheck={false}
              onChange={(event) => {
                const name = event.target.value;
                if (!pairs.some(([other], at) => at !== index && other === name)) put(pairs.with(index, [name, entry]));
              }}
            />
          </span>
          <Widget
            {...props}
            id={`${id}-${index}`}
            label={`${label} ${key}`}
            kind={kind.items}
            value={entry}
            isRequired
            onChange={(changed) =>
              put(changed === undefined ? pairs.toSpliced(index, 1) : pairs.with(index, [key, changed]))
            }
          />
          <IconButton
            icon="x"
            label={`Remove ${key}`}
            kind="quiet"
            small
            onPress={() => put(pairs.toSpliced(index, 1))}
          />
        </div>
      ))}
      <Button kind="quiet" small onPress={() => put([...pairs, [fresh(), blank(kind.items)]])}>
        <Icon name="plus" small />
        Add
      </Button>
    </div>
  );
}

/** The fields of a group, set in. What is written short stays short until another field is needed. */
export function Group(props: WidgetProps<ObjectKind>) {
  const { id, label, kind, value, onChange } = props;
  const isShort = value !== undefined && value !== null && !isMapping(value);
  const fields = isMapping(value) ? value : isShort && kind.short ? { [kind.short]: value as Value } : {};
  const put = (name: string, changed: Value | undefined) => {
    const next: Record<string, Value> = { ...fields };
    if (changed === undefined) delete next[name];
    else next[name] = changed;
    const names = Object.keys(next);
    if (isShort && names.length === 1 && kind.short && names[0] === kind.short) onChange(next[kind.short]);
    else onChange(names.length === 0 && !props.isRequired ? undefined : next);
  };
  return (
    <fieldset className="group-f" aria-label={label}>
      {kind.fields
        .filter((each) => each.type !== "steps" && each.type !== "chain")
        .map((each) => (
          <label key={each.name} className="group-l" htmlFor={`${id}-${each.name}`}>
            <b>
              {each.name}
              {each.required && <span className="req">*</span>}
            </b>
            <Widget
              {...props}
              id={`${id}-${each.name}`}
              label={`${label} ${each.name}`}
              kind={each}
              value={fields[each.name]}
              fallback={each.default}
              isRequired={each.required}
              onChange={(changed) => put(each.name, changed)}
            />
          </label>
        ))}
    </fieldset>
  );
}

function isMapping(value: Value | undefined): value is { readonly [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
