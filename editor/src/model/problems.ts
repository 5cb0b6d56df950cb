/** Problems that `octo check` has found: where they are in the text, and what they belong to. */

import type { Changes, Integration } from "./integration";
import { located, thingAt } from "./selection";
import { mapped } from "./text";

/** As `octo check --format json` has it. Lines and columns count from 1, columns in characters. */
export interface Told {
  readonly code: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly hint?: string;
}

export interface Problem extends Told {
  readonly isWarning: boolean;
  /** Where it begins and ends in the text as it is now. */
  readonly from: number;
  readonly to: number;
}

/** Find the places of problems in the texts that were checked. */
export function placed(integration: Integration, told: readonly Told[], isWarning = false): Problem[] {
  return told.map((each) => {
    const text = integration.files.get(each.file)?.tree.text ?? "";
    const from = offsetOf(text, each.line, each.column);
    return { ...each, isWarning, from, to: endOf(integration, each.file, from) };
  });
}

/** The problems after changes, until the texts are checked again. */
export function moved(problems: readonly Problem[], changes: Changes): Problem[] {
  return problems.map((each) => {
    const change = changes.get(each.file);
    if (!change) return each;
    const from = mapped(each.from, change, 1);
    return { ...each, from, to: Math.max(from, mapped(each.to, change, -1)) };
  });
}

/** The problems of each flow and block, by its key. What belongs to neither is under its file. */
export function byThing(integration: Integration, problems: readonly Problem[]): Map<string, Problem[]> {
  const found = new Map<string, Problem[]>();
  for (const each of problems) {
    const key = thingAt(integration, each.file, each.from)?.key ?? each.file;
    found.set(key, [...(found.get(key) ?? []), each]);
  }
  return found;
}

/** The field that a problem is about: the keys and indices below its block, without `settings`. */
export function fieldOfProblem(integration: Integration, { file, from }: Problem): (string | number)[] {
  const tree = integration.files.get(file)?.tree;
  const all = located(integration);
  const path = tree?.path(from) ?? [];
  const start = path.findLastIndex((each) => all.has(`${each.id}`));
  const steps: (string | number)[] = [];
  for (const [index, entry] of path.entries()) {
    if (index <= start) continue;
    const owner = path[index - 1]?.value;
    const at = owner?.kind === "sequence" ? owner.entries.indexOf(entry) : undefined;
    const key = entry.key?.kind === "scalar" ? entry.key.text : "";
    if (steps.length > 0 || key !== "settings") steps.push(at ?? key);
  }
  return steps;
}

/** The offset of a line and column. What is past the end of a line is its end. */
export function offsetOf(text: string, line: number, column: number): number {
  let start = text.startsWith("\uFEFF") ? 1 : 0;
  for (let count = 1; count < line; count += 1) {
    const end = text.indexOf("\n", start);
    if (end < 0) return text.length;
    start = end + 1;
  }
  const end = text.indexOf("\n", start);
  const characters = [...text.slice(start, end < 0 ? text.length : end)].slice(0, column - 1);
  return start + characters.join("").length;
}

/** The end of the scalar or key that begins there, or one character. */
function endOf(integration: Integration, file: string, from: number): number {
  const tree = integration.files.get(file)?.tree;
  const entry = tree?.path(from).at(-1);
  if (!tree || !entry) return from + 1;
  const parts = [entry.key, entry.value].flatMap((each) => (each && each.kind === "scalar" ? [each] : []));
  const part = parts.find((each) => tree.from(each) <= from && from < tree.to(each));
  const newline = tree.text.indexOf("\n", from);
  const lineEnd = newline < 0 ? tree.text.length : newline;
  return part ? Math.min(tree.to(part), Math.max(lineEnd, from + 1)) : Math.min(from + 1, tree.text.length);
}
