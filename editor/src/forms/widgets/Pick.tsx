import { Choice } from "../../look/Choice";
import { Segments } from "../../look/Segments";
import { Switch } from "../../look/Switch";
import type { Value } from "../../model";
import { useDesk, useStore } from "../../state/context";
import { Line } from "./Line";
import type { WidgetProps } from "./widget";

/** Up to this many choices are all in sight. */
const SEEN = 4;
const UNSET = "\0";

/** One of a few: segments, or a list that opens. Choosing what counts anyway removes the field. */
export function Pick({
  label,
  kind,
  value,
  fallback,
  onChange,
}: WidgetProps<Extract<WidgetProps["kind"], { type: "choice" }>>) {
  const choices = kind.choices.map((each) => ({ value: String(each), text: String(each), real: each as Value }));
  const chosen = value ?? (fallback as Value | undefined);
  const choose = (text: string) => {
    const found = choices.find((each) => each.value === text);
    onChange(found?.real === fallback ? undefined : found?.real);
  };
  const isKnown = chosen !== undefined && chosen !== null && choices.some((each) => each.real === chosen);
  if (choices.length <= SEEN && (isKnown || value === undefined)) {
    return (
      <Segments
        label={label}
        value={isKnown ? String(chosen) : ""}
        choices={choices.map((each) => ({ value: each.value, shown: each.text }))}
        onChange={choose}
      />
    );
  }
  const unknown =
    isKnown || value === undefined ? [] : [{ value: String(value), text: String(value), says: "unknown" }];
  return (
    <Choice
      label={label}
      value={chosen === undefined || chosen === null ? null : String(chosen)}
      choices={[...choices, ...unknown]}
      wide
      onChange={choose}
    />
  );
}

/** On or off; a variable or another text stays a text. */
export function Toggle(props: WidgetProps) {
  const { label, value, fallback, onChange } = props;
  if (value !== undefined && typeof value !== "boolean") return <Line {...props} />;
  const isOn = value ?? fallback === true;
  return <Switch label={label} on={isOn} onChange={(on) => onChange(on === (fallback === true) ? undefined : on)} />;
}

interface NameProps extends WidgetProps {
  readonly names: readonly { readonly value: string; readonly text: string; readonly says?: string }[];
  readonly none: string;
}

/** A name of something that there is. One that there is not stays, and is said to be missing. */
export function NamePick({ label, value, names, none, isRequired, onChange }: NameProps) {
  const chosen = value === undefined || value === null ? null : String(value);
  const missing = chosen !== null && !names.some((each) => each.value === chosen);
  const choices = [
    ...(isRequired ? [] : [{ value: UNSET, text: none }]),
    ...names,
    ...(missing ? [{ value: chosen, text: chosen, says: "missing" }] : []),
  ];
  return (
    <Choice
      label={label}
      value={chosen ?? (isRequired ? null : UNSET)}
      choices={choices}
      wide
      onChange={(text) => onChange(text === UNSET ? undefined : text)}
    />
  );
}

/** A flow to call. */
export function FlowPick(props: WidgetProps) {
  const { editor } = useDesk();
  const flows = useStore(editor.integration, (integration) => integration.flows);
  const names = flows.map((each) => ({ value: each.name, text: each.name, says: each.source ? each.source.type : "" }));
  return <NamePick {...props} names={names} none="—" />;
}
