/** What was done and can be taken back: changes of texts with the selections around them. */

import { type Change, type Changes, inverse } from "../model";
import type { Selection } from "./selection";

interface Done {
  readonly texts: ReadonlyMap<string, string>;
  readonly changes: Changes;
  readonly typed: boolean;
  readonly before: Selection;
  readonly after: Selection;
}

interface Step {
  readonly back: Changes;
  readonly forth: Changes;
  readonly before: Selection;
  readonly after: Selection;
  readonly typed: boolean;
}

export interface Turn {
  readonly changes: Changes;
  readonly selection: Selection;
}

const MOST = 1000;

export class Undo {
  #done: Step[] = [];
  #undone: Step[] = [];

  get canUndo(): boolean {
    return this.#done.length > 0;
  }

  get canRedo(): boolean {
    return this.#undone.length > 0;
  }

  /** Keep a change that is about to be made. texts: as they are before it. */
  keep({ texts, changes, typed, before, after }: Done): void {
    const back = new Map([...changes].map(([path, change]) => [path, inverse(texts.get(path) ?? "", change)]));
    const last = this.#done.at(-1);
    this.#undone = [];
    const joined = typed && last?.typed ? together(last, changes, after) : undefined;
    if (joined) this.#done[this.#done.length - 1] = joined;
    else this.#done.push({ back, forth: changes, typed, before, after });
    if (this.#done.length > MOST) this.#done.shift();
  }

  /** What takes the last step back. */
  back(): Turn | undefined {
    const step = this.#done.pop();
    if (!step) return undefined;
    this.#undone.push({ ...step, typed: false });
    return { changes: step.back, selection: step.before };
  }

  /** What makes the step again that was taken back last. */
  forth(): Turn | undefined {
    const step = this.#undone.pop();
    if (!step) return undefined;
    this.#done.push(step);
    return { changes: step.forth, selection: step.after };
  }

  /** What comes next does not join what was typed before. */
  pause(): void {
    const last = this.#done.at(-1);
    if (last?.typed) this.#done[this.#done.length - 1] = { ...last, typed: false };
  }
}

/** Two insertions at one place, the second right behind the first, as one; a new word begins a new step. */
function together(last: Step, changes: Changes, after: Selection): Step | undefined {
  const [first] = last.forth;
  const [second] = changes;
  if (!first || !second || last.forth.size !== 1 || changes.size !== 1 || first[0] !== second[0]) return undefined;
  const [path, [a, ...more]] = first;
  const [, [b, ...others]] = second;
  if (!a || !b || more.length > 0 || others.length > 0 || b.from !== b.to) return undefined;
  if (b.from !== a.from + a.insert.length || /\s/.test(b.insert.slice(0, 1))) return undefined;
  const insert = a.insert + b.insert;
  const [undone] = last.back.get(path) ?? [];
  if (!undone) return undefined;
  return {
    ...last,
    forth: new Map<string, Change>([[path, [{ ...a, insert }]]]),
    back: new Map<string, Change>([[path, [{ ...undone, to: undone.from + insert.length }]]]),
    after,
  };
}
