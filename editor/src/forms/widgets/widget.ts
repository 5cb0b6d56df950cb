import type { Field, Kind, Value } from "../../model";

/** What every widget gets. A value of undefined is not written: the default counts. */
export interface WidgetProps<K extends Kind = Kind> {
  readonly id: string;
  readonly label: string;
  readonly kind: K;
  readonly value: Value | undefined;
  /** What counts while nothing is written; for the placeholder. */
  readonly fallback?: unknown;
  readonly isRequired?: boolean;
  /** The block whose expression it is, for completion; "" outside of blocks. */
  readonly address: string;
  readonly file: string;
  /** undefined removes it. */
  readonly onChange: (value: Value | undefined) => void;
}

/** A word for the kind of a value, as it stands beside the name of a field. */
export function kindWord(kind: Kind): string {
  switch (kind.type) {
    case "text":
      return "string";
    case "expression":
      return kind.result === "any" ? "CEL" : `CEL → ${kind.result === "text" ? "string" : kind.result}`;
    case "choice":
      return "one of";
    case "list":
      return `list of ${kindWord(kind.items)}`;
    case "map":
      return "map";
    case "any":
      return "any value";
    default:
      return kind.type;
  }
}

/** What is written in place of nothing, when a value of this kind is added. */
export function blank(kind: Kind): Value {
  switch (kind.type) {
    case "list":
    case "steps":
    case "chain":
      return [];
    case "object": {
      const required = kind.fields.filter((each) => each.required);
      return Object.fromEntries(required.map((each: Field) => [each.name, blank(each)]));
    }
    case "map":
      return {};
    case "bool":
      return false;
    case "choice":
      return kind.choices[0] ?? "";
    default:
      return "";
  }
}

/** A value as one line of text that `parsed` reads again. */
export function shownValue(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
