import { useEffect, useRef } from "react";
import type { Kind, Value } from "../../model";
import { shownValue, type WidgetProps } from "./widget";

/** A line to type in: texts, numbers, durations. Each key is written at once, and an empty line removes the field. */
export function Line({ id, kind, value, fallback, isRequired, onChange }: WidgetProps) {
  const isLong = kind.type === "text" && typeof value === "string" && value.includes("\n");
  const shown = shownValue(value);
  const placeholder = fallback === undefined || fallback === null ? "" : shownValue(fallback);
  const change = (text: string) => onChange(text === "" && !isRequired ? undefined : read(kind, text));
  if (isLong) return <Area id={id} text={shown} onChange={change} />;
  return (
    <span className="inp">
      <input
        id={id}
        className="grow mono"
        value={shown}
        placeholder={placeholder}
        spellCheck={false}
        autoComplete="off"
        inputMode={kind.type === "int" ? "numeric" : kind.type === "number" ? "decimal" : undefined}
        onChange={(event) => change(event.target.value)}
      />
    </span>
  );
}

/** The value that a text stands for: a number where one is meant and written, else the text itself. */
export function read(kind: Kind, text: string): Value {
  if (kind.type === "int" && /^[+-]?\d{1,15}$/.test(text)) return Number(text);
  if (kind.type === "number" && /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
  return text;
}

interface AreaProps {
  readonly id: string;
  readonly text: string;
  readonly onChange: (text: string) => void;
}

/** Several lines, as high as they are. */
export function Area({ id, text, onChange }: AreaProps) {
  const area = useRef<HTMLTextAreaElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the height follows the text
  useEffect(() => {
    if (!area.current) return;
    area.current.style.height = "0";
    area.current.style.height = `${Math.min(area.current.scrollHeight + 2, 320)}px`;
  }, [text]);
  return (
    <textarea
      id={id}
      ref={area}
      className="area mono"
      value={text}
      spellCheck={false}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
