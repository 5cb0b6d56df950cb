import { useId } from "react";
import type { Field, Value } from "../model";
import { Widget } from "./Widget";
import { kindWord } from "./widgets/widget";

interface Props {
  readonly field: Field;
  /** undefined: not written. */
  readonly value: Value | undefined;
  readonly address: string;
  readonly file: string;
  readonly onChange: (value: Value | undefined) => void;
  readonly onFocus: () => void;
}

/** A field: its key, its kind, the widget for it. */
export function FieldRow({ field, value, address, file, onChange, onFocus }: Props) {
  const id = useId();
  return (
    <div className="fld" role="group" aria-label={field.name} onFocus={onFocus}>
      <label className="lab" htmlFor={id}>
        <b>{field.name}</b>
        {field.required && (
          <span className="req" title="required">
            *
          </span>
        )}
        <span className="kind">{kindWord(field)}</span>
      </label>
      <Widget
        id={id}
        label={field.name}
        kind={field}
        value={value}
        fallback={field.default}
        isRequired={field.required}
        address={address}
        file={file}
        onChange={onChange}
      />
    </div>
  );
}
