/** The catalogue that `octo schema` gives, as types: see `octo.config.catalogue` for what each part means. */

export const VERSION = 1;

export interface Catalogue {
  readonly version: typeof VERSION;
  readonly octo: string;
  readonly flow: readonly Field[];
  readonly env: readonly Field[];
  readonly connectors: readonly ConnectorType[];
  readonly blocks: readonly BlockType[];
}

export interface ConnectorType {
  readonly type: string;
  /** What connectors that can stand in for one another have in common, such as `llm`; "" for one that is alone. */
  readonly family: string;
  readonly doc: string;
  readonly fields: readonly Field[];
  readonly sources: readonly SourceType[];
  /** The blocks that use it. */
  readonly blocks: readonly string[];
  readonly stub: Form | null;
  readonly trigger: Form | null;
}

export interface Form {
  readonly doc: string;
  readonly fields: readonly Field[];
}

export interface SourceType {
  readonly type: string;
  readonly doc: string;
  readonly push: boolean;
  readonly once: boolean;
  readonly guarantee: string | null;
  readonly promises: readonly unknown[];
  readonly silence: string | null;
  readonly sets: readonly Field[] | null;
  readonly naming: boolean;
  readonly fields: readonly Field[];
}

export interface BlockType {
  readonly type: string;
  readonly doc: string;
  readonly connector: Uses | null;
  readonly promises: readonly unknown[];
  readonly fields: readonly Field[];
  /** Where chains may be: `then`, `branches[]`, `cases[].process`. */
  readonly slots: readonly string[];
  /** Whether it takes the rest of its flow, so that it stands directly in the flow. */
  readonly tail: boolean;
}

/** The connector of a block: `key` names one of the types `of`. */
export interface Uses {
  readonly type: string;
  readonly of: readonly string[];
  readonly key: string;
  readonly required: boolean;
}

/** What a value may be. */
export type Kind =
  | TextKind
  | NumberKind
  | { readonly type: "bool" | "duration" | "time" | "steps" | "chain" | "source" | "flow" }
  | { readonly type: "choice"; readonly choices: readonly (string | number | boolean)[] }
  | ExpressionKind
  | { readonly type: "list"; readonly items: Kind; readonly least?: number; readonly most?: number }
  | { readonly type: "map"; readonly items: Kind }
  | ObjectKind
  | { readonly type: "any"; readonly of?: readonly Kind[] };

export interface TextKind {
  readonly type: "text";
  readonly secret?: boolean;
  /** The type or family of the connector whose name it is. */
  readonly connector?: string;
  readonly pattern?: string;
  readonly least?: number;
  readonly most?: number;
}

export interface NumberKind {
  readonly type: "int" | "number";
  readonly minimum?: number;
  readonly above?: number;
  readonly maximum?: number;
  readonly below?: number;
}

export interface ExpressionKind {
  readonly type: "expression";
  /** The type of what it gives: `any`, `text`, `bool`, `list`, `int`, `map`. */
  readonly result: string;
  /** What it sees, if that is not the message. */
  readonly names?: readonly string[];
}

export interface ObjectKind {
  readonly type: "object";
  readonly fields: readonly Field[];
  /** It may be written as the value of that field. */
  readonly short?: string;
}

export type Field = Kind & {
  readonly name: string;
  readonly label: string;
  readonly doc: string;
  readonly group: "common" | "advanced";
  readonly examples?: readonly unknown[];
  readonly required: boolean;
  readonly secret: boolean;
  readonly expression: boolean;
  readonly null: boolean;
  readonly default?: unknown;
  readonly reaches?: Reaches;
  readonly listens?: Listens;
};

export interface Reaches {
  readonly ports: Readonly<Record<string, number>>;
  readonly bare: string;
  readonly home: string;
  readonly when: { readonly setting: string; readonly is: readonly unknown[] } | null;
}

export interface Listens {
  readonly variable: string;
  readonly default: number;
  readonly host: string;
  readonly all: string;
}

export function blockType(catalogue: Catalogue, type: string): BlockType | undefined {
  return catalogue.blocks.find((each) => each.type === type);
}

/** Whether a block is there to run chains: one that may have a chain besides is none. */
export function isComposite({ slots, fields }: BlockType): boolean {
  return slots.some((slot) => fieldOf(fields, slot.split(/[.[]/)[0] ?? "")?.required);
}

export function connectorType(catalogue: Catalogue, type: string): ConnectorType | undefined {
  return catalogue.connectors.find((each) => each.type === type);
}

export function fieldOf(fields: readonly Field[], name: string): Field | undefined {
  return fields.find((each) => each.name === name);
}

/** The kinds of the value at a path below fields: names of fields and keys, indices of lists. */
export function kindsAt(fields: readonly Field[], path: readonly (string | number)[]): Kind[] {
  const [first, ...rest] = path;
  const field = fieldOf(fields, String(first));
  return field ? rest.reduce<Kind[]>((kinds, step) => kinds.flatMap((each) => inside(each, step)), [field]) : [];
}

function inside(kind: Kind, step: string | number): Kind[] {
  switch (kind.type) {
    case "object":
      return kind.fields.filter((each) => each.name === step);
    case "list":
    case "map":
      return [kind.items];
    case "any":
      return (kind.of ?? []).flatMap((each) => inside(each, step));
    default:
      return [];
  }
}
