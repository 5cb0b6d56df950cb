/** How a file is written: what is added to it looks like the rest. */

import type { Node } from "./node";
import type { Tree } from "./tree";

export interface Layout {
  readonly newline: "\n" | "\r\n";
  /** Columns from a mapping to a mapping in it. */
  readonly step: number;
  /** Columns from a key to the dashes of its list. */
  readonly dash: number;
  /** The quotes of a text that could have either. */
  readonly quote: "single" | "double";
  /** What stands inside of `{ }`. */
  readonly padding: "" | " ";
}

/** So many collections tell enough. */
const ENOUGH = 400;

const known = new WeakMap<Tree, Layout>();

export function layoutOf(tree: Tree): Layout {
  const found = known.get(tree) ?? measured(tree);
  known.set(tree, found);
  return found;
}

function measured({ text, root }: Tree): Layout {
  const [steps, dashes]: [number[], number[]] = [[], []];
  const waiting: Node[] = [root];
  for (let node = waiting.pop(); node && steps.length + dashes.length < ENOUGH; node = waiting.pop()) {
    if (node.kind !== "mapping" && node.kind !== "sequence") continue;
    if (node.style === "flow") continue;
    for (const { value } of node.entries) {
      waiting.push(value);
      if (node.kind !== "mapping" || !("style" in value) || value.style !== "block") continue;
      (value.kind === "mapping" ? steps : dashes).push(value.column - node.column);
    }
  }
  return {
    newline: /\r\n/.test(text.slice(0, text.indexOf("\n") + 1)) ? "\r\n" : "\n",
    step: Math.max(1, mostFrequent(steps) ?? 2),
    dash: Math.max(0, mostFrequent(dashes) ?? 2),
    quote: count(text, /[:-] +'[^'"\\\n]*'/g) > count(text, /[:-] +"[^'"\\\n]*"/g) ? "single" : "double",
    padding: count(text, /\{ \S/g) > count(text, /\{[^ }\n]/g) ? " " : "",
  };
}

function mostFrequent(numbers: readonly number[]): number | undefined {
  const counts = new Map<number, number>();
  for (const each of numbers) counts.set(each, (counts.get(each) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0];
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}
