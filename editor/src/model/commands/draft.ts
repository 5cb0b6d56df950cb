/** What a command returns, and the text that it works on: edit upon edit, in the end one change per file. */

import type { Block } from "../document";
import type { Changes, Integration } from "../integration";
import { type Change, composed, type Edit, sorted, trimmed } from "../text";
import { insertEdits, removeEdits } from "../yaml/edit";
import type { Content } from "../yaml/flow";
import { type Entry, isCollection, type Node } from "../yaml/node";
import { type Place, placeOf } from "../yaml/place";
import { type Moved, Tree } from "../yaml/tree";

/** What a command has done, or why it has not. */
export type Outcome = Done | Refused;

export interface Done {
  readonly changes: Changes;
  /** What was cut and pasted, for `changed`. */
  readonly moved: ReadonlyMap<string, readonly Moved[]>;
  /** What is selected afterwards. */
  readonly selected: readonly Spot[];
}

export interface Refused {
  /** A sentence for the user. */
  readonly refused: string;
}

/** The entry that begins at an offset of the text afterwards. */
export interface Spot {
  readonly file: string;
  readonly at: number;
}

/** Thrown by the parts of a command; `command` makes an outcome of it. */
export class Refusal extends Error {}

/** Refuse to change a block that stands elsewhere. */
export function refuseRepeated({ isRepeated, label }: Block): void {
  if (isRepeated) throw new Refusal(`"${label}" is repeated from elsewhere. Change it there.`);
}

/** Run a command. */
export function command(integration: Integration, run: (drafts: Drafts) => readonly Selected[]): Outcome {
  const drafts = new Drafts(integration);
  try {
    return drafts.done(run(drafts));
  } catch (error) {
    if (error instanceof Refusal) return { refused: error.message };
    throw error;
  }
}

/** An entry of a draft, by its identity. */
export interface Selected {
  readonly file: string;
  readonly id: number;
}

export class Drafts {
  private readonly files = new Map<string, Draft>();

  constructor(readonly integration: Integration) {}

  of(path: string): Draft {
    const found = this.files.get(path) ?? new Draft(path, this.integration.files.get(path)?.tree ?? Tree.parse(""));
    this.files.set(path, found);
    return found;
  }

  done(selected: readonly Selected[]): Done {
    const drafts = [...this.files.values()].filter((each) => each.change.length > 0);
    for (const each of drafts) each.check();
    const moved = [...this.files.values()].map((each) => [each.path, each.moves()] as const);
    return {
      changes: new Map(drafts.map((each) => [each.path, each.change])),
      moved: new Map(moved.filter(([, moves]) => moves.length > 0)),
      selected: selected.map(({ file, id }) => ({ file, at: this.of(file).at(id) })),
    };
  }
}

export class Draft {
  tree: Tree;
  change: Change = [];
  private readonly moved: { old: number; fresh: number }[] = [];

  constructor(
    readonly path: string,
    readonly before: Tree,
  ) {
    this.tree = before;
  }

  edit(edits: readonly Edit[]): void {
    const change = trimmed(this.tree.text, sorted(edits));
    this.tree = this.tree.updated(change);
    this.change = composed(this.change, change);
  }

  place(id: number): Place {
    const entry = this.tree.find(id);
    const place = entry && placeOf(this.tree, entry);
    if (!place) throw new Refusal("This is no longer in the text.");
    return place;
  }

  /** Where an entry begins. */
  at(id: number): number {
    return this.tree.from(this.place(id).entry);
  }

  /** Insert into the value of an entry, or into that of the text; returns the identity of what is new. */
  insert(owner: number | undefined, index: number, content: Content, isSpaced = false): number {
    const place = owner === undefined ? undefined : this.place(owner);
    this.edit(insertEdits(this.tree, place, index, content, isSpaced));
    const node: Node = owner === undefined ? this.tree.root : this.place(owner).entry.value;
    const entry: Entry | undefined = isCollection(node) ? node.entries[index] : undefined;
    if (!entry) throw new Refusal("The text around this place is not as it should be. Change the text itself.");
    return entry.id;
  }

  /** keepsComments: whether the comments above it stay. */
  remove(id: number, keepsComments = false): void {
    this.edit(removeEdits(this.tree, this.place(id), keepsComments));
  }

  /** Say that a new entry is one that was removed. */
  keep(old: number, fresh: number): void {
    this.moved.push({ old, fresh });
  }

  moves(): Moved[] {
    return this.moved.flatMap(({ old, fresh }) => {
      const [before, after] = [this.before.find(old), this.tree.find(fresh)];
      return before && after ? [{ from: this.before.from(before), to: this.tree.from(after) }] : [];
    });
  }

  /** Refuse what would break the text. */
  check(): void {
    const [lost] = unresolved(this.tree).filter((each) => !unresolved(this.before).includes(each));
    if (lost !== undefined) {
      const isUsed = this.before.anchors.has(lost);
      throw new Refusal(
        isUsed ? `\`&${lost}\` is used by \`*${lost}\` in another place.` : `\`*${lost}\` repeats nothing here.`,
      );
    }
    const twice = [...this.tree.anchors].find(
      ([name, nodes]) => nodes.length > 1 && this.before.anchors.get(name)?.length === 1,
    );
    if (twice) throw new Refusal(`\`&${twice[0]}\` is in this file already.`);
    if (this.tree.problems.length > this.before.problems.length) {
      throw new Refusal("This cannot be done here without breaking the text. Change the text itself.");
    }
  }
}

/** The aliases that repeat nothing. */
function unresolved(tree: Tree): string[] {
  if (!tree.text.includes("*")) return [];
  const found: string[] = [];
  const visit = (node: Node | undefined) => {
    if (node?.kind === "alias" && !tree.resolved(node)) found.push(node.name);
    if (!node || !isCollection(node)) return;
    for (const entry of node.entries) {
      visit(entry.key);
      visit(entry.value);
    }
  };
  visit(tree.root);
  return found;
}
