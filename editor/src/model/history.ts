/** What was done to the files, to be taken back and done again. Plain values: each function gives a new history. */

import type { Done, Spot } from "./commands/draft";
import type { Changes, Integration } from "./integration";
import { type Change, composed, type Edit, inverse, mapped } from "./text";
import type { Moved } from "./yaml/tree";

export interface History {
  /** The last one first. */
  readonly past: readonly Step[];
  readonly future: readonly Step[];
}

export interface Step {
  readonly changes: Changes;
  readonly moved: ReadonlyMap<string, readonly Moved[]>;
  /** What takes it back. */
  readonly back: Changes;
  readonly selectedBefore: readonly Spot[];
  readonly selectedAfter: readonly Spot[];
  /** What is typed into, if it is typing. */
  readonly typing: string | undefined;
  readonly at: number;
}

export const EMPTY: History = { past: [], future: [] };

const MOST = 1000;

/** Typing in one place is one step as long as pauses are shorter, in milliseconds. */
const PAUSE = 1000;

export interface Recorded {
  /** What is selected before it. */
  readonly selected?: readonly Spot[];
  /** A word for the place that is typed into, such as a file or a field. */
  readonly typing?: string;
  /** When, in milliseconds. */
  readonly at: number;
}

/** Add what is about to be done to the integration as it is. */
export function recorded(history: History, before: Integration, done: Done, told: Recorded): History {
  const back = new Map([...done.changes].map(([path, change]) => [path, inverse(textOf(before, path), change)]));
  const { changes, moved, selected: selectedAfter } = done;
  const { selected: selectedBefore = [], typing, at } = told;
  const step = { changes, moved, back, selectedBefore, selectedAfter, typing, at };
  const [last, ...rest] = history.past;
  const isMore = last !== undefined && typing !== undefined && last.typing === typing && at - last.at < PAUSE;
  const past = isMore ? [joined(last, step), ...rest] : [step, ...history.past];
  return { past: past.slice(0, MOST), future: [] };
}

/** What takes the last step back, and the history then; undefined if nothing was done. */
export function undone({ past, future }: History): [Done, History] | undefined {
  const [step, ...rest] = past;
  if (!step) return undefined;
  const done = { changes: step.back, moved: reversed(step.moved), selected: step.selectedBefore };
  return [done, { past: closed(rest), future: [step, ...future] }];
}

/** What does the step again that was taken back last. */
export function redone({ past, future }: History): [Done, History] | undefined {
  const [step, ...rest] = future;
  if (!step) return undefined;
  const done = { changes: step.changes, moved: step.moved, selected: step.selectedAfter };
  return [done, { past: [step, ...closed(past)], future: rest }];
}

/**
 * The history after a file was changed by somebody else, which cannot be taken back here.
 *
 * Steps are moved over the change. From the first on that touches the same text, they are forgotten.
 */
export function changedOutside({ past }: History, path: string, change: Change): History {
  const kept: Step[] = [];
  let over = change;
  for (const step of past) {
    const own = step.back.get(path) ?? [];
    const back = movedOver(own, over);
    const before = movedOver(over, own);
    if (!back || !before) break;
    const forth = movedOver(step.changes.get(path) ?? [], before);
    if (!forth) break;
    const replaced = (changes: Changes, with_: Change) =>
      changes.has(path) ? new Map([...changes, [path, with_]]) : changes;
    kept.push({ ...step, back: replaced(step.back, back), changes: replaced(step.changes, forth), typing: undefined });
    over = before;
  }
  return { past: kept, future: [] };
}

/** A change as it is after another one; undefined if they touch the same text. */
export function movedOver(change: Change, over: Change): Change | undefined {
  const touches = (a: Edit, b: Edit) => a.from <= b.to && b.from <= a.to;
  if (change.some((each) => over.some((one) => touches(each, one)))) return undefined;
  return change.map(({ from, to, insert }) => ({ from: mapped(from, over), to: mapped(to, over), insert }));
}

function joined(first: Step, second: Step): Step {
  return {
    ...second,
    changes: both(first.changes, second.changes),
    back: both(second.back, first.back),
    moved: new Map(),
    selectedBefore: first.selectedBefore,
  };
}

function both(first: Changes, second: Changes): Changes {
  const paths = new Set([...first.keys(), ...second.keys()]);
  return new Map([...paths].map((path) => [path, composed(first.get(path) ?? [], second.get(path) ?? [])]));
}

function reversed(moved: ReadonlyMap<string, readonly Moved[]>): Map<string, Moved[]> {
  return new Map([...moved].map(([path, moves]) => [path, moves.map(({ from, to }) => ({ from: to, to: from }))]));
}

/** Typing after an undo is a step of its own. */
function closed([first, ...rest]: readonly Step[]): Step[] {
  return first ? [{ ...first, typing: undefined }, ...rest] : [];
}

function textOf(integration: Integration, path: string): string {
  return integration.files.get(path)?.tree.text ?? "";
}
