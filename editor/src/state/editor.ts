/** An open project: its texts, what is chosen, what is wrong. Every change of a text goes through `edit`. */

import type { Api } from "../client/api";
import { ApiError } from "../client/api";
import type { Checked, Completions, FileEntry, Problem } from "../client/types";
import {
  type Block,
  type Catalogue,
  type Change,
  type Changes,
  changed,
  changedOutside,
  type Done,
  EMPTY,
  type Flow,
  type History,
  type Integration,
  type Named,
  NOTHING,
  type Outcome,
  read,
  recorded,
  redone,
  type Selection,
  type Source,
  selectionAt,
  setKey,
  setSetting,
  spotsOf,
  undone,
  unsetKey,
  unsetSetting,
  type Value,
  without,
} from "../model";
import { Store } from "../model/store";

/** A file as it was read or saved last. */
export interface SavedFile {
  readonly text: string;
  /** null for one that is not there yet. */
  readonly etag: string | null;
}

/** Somebody else has changed a file that has unsaved edits here. */
export interface Clash {
  readonly path: string;
  /** What is there now; null if it is gone. */
  readonly theirs: SavedFile | null;
}

export interface Checking {
  /** Whether what follows is about the texts as they are now. */
  readonly isCurrent: boolean;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
  readonly found: Checked | null;
}

const UNCHECKED: Checking = { isCurrent: false, problems: [], warnings: [], found: null };

interface Asked {
  readonly file: string;
  readonly address: string;
  readonly expression: string;
  readonly offset: number;
}

export class Editor {
  readonly integration: Store<Integration>;
  readonly saved = new Store<ReadonlyMap<string, SavedFile>>(new Map());
  readonly selection = new Store<Selection>(NOTHING);
  readonly checking = new Store<Checking>(UNCHECKED);
  readonly clashes = new Store<readonly Clash[]>([]);
  readonly files = new Store<readonly FileEntry[]>([]);
  /** What was told last, e.g. why something was refused. */
  readonly notice = new Store<string>("");
  readonly history = new Store<History>(EMPTY);
  /** Told of each change of a text, for views that keep a copy. */
  readonly changes = new Set<(path: string, change: Change) => void>();

  constructor(
    readonly api: Api,
    catalogue: Catalogue,
  ) {
    this.integration = new Store(read([], catalogue));
  }

  // --- texts ---

  textOf(path: string): string {
    return this.integration.get().files.get(path)?.tree.text ?? "";
  }

  /** Whether a file differs from what is saved. */
  isUnsaved(path: string): boolean {
    const saved = this.saved.get().get(path);
    return saved?.etag === null || saved?.text !== this.textOf(path);
  }

  get unsaved(): string[] {
    return [...this.integration.get().files.keys()].filter((path) => this.isUnsaved(path));
  }

  /** Change texts. typing: a word for the place that is typed into, so that words are taken back and not letters. */
  edit(changes: Changes, typing?: string): void {
    this.#do({ changes, moved: new Map(), selected: spotsOf(this.integration.get(), this.selection.get()) }, typing);
  }

  /** Carry out what a command has made, or say why it refused. Returns whether it was done. */
  perform(outcome: Outcome, typing?: string): boolean {
    if ("refused" in outcome) {
      this.notice.set(outcome.refused);
      return false;
    }
    this.notice.set("");
    if (outcome.changes.size === 0) return true;
    this.#do(outcome, typing);
    const selection = selectionAt(this.integration.get(), outcome.selected);
    if (selection.keys.length > 0) this.selection.set(selection);
    return true;
  }

  /** Write a field of a block, a source, a connector, a flow; undefined takes it away. */
  setField(thing: Block | Source | Named | Flow, name: string, value: Value | undefined): void {
    const integration = this.integration.get();
    const typing = `${thing.key} ${name}`;
    if (thing.kind === "flow") {
      const path = [name];
      this.perform(
        value === undefined ? unsetKey(integration, thing, path) : setKey(integration, thing, path, value),
        typing,
      );
      return;
    }
    const path = [name];
    this.perform(
      value === undefined ? unsetSetting(integration, thing, path) : setSetting(integration, thing, path, value),
      typing,
    );
  }

  undo(): void {
    this.#turn(undone(this.history.get()));
  }

  redo(): void {
    this.#turn(redone(this.history.get()));
  }

  #turn(turn: [Done, History] | undefined): void {
    if (!turn) return;
    const [done, history] = turn;
    this.history.set(history);
    this.#apply(done);
    const selection = selectionAt(this.integration.get(), done.selected);
    if (selection.keys.length > 0) this.selection.set(selection);
  }

  #do(done: Done, typing: string | undefined): void {
    const integration = this.integration.get();
    const selected = spotsOf(integration, this.selection.get());
    const told = { selected, at: performance.now(), ...(typing !== undefined && { typing }) };
    this.history.update((history) => recorded(history, integration, done, told));
    this.#apply(done);
  }

  #apply({ changes, moved }: Pick<Done, "changes" | "moved">): void {
    this.integration.update((integration) => changed(integration, changes, moved));
    this.checking.update((each) => ({ ...each, isCurrent: false }));
    for (const [path, change] of changes) for (const each of this.changes) each(path, change);
  }

  /** What somebody else has done to a file: it cannot be taken back here. */
  #outside(path: string, change: Change): void {
    this.history.update((history) => changedOutside(history, path, change));
    this.#apply({ changes: new Map([[path, change]]), moved: new Map() });
  }

  // --- files ---

  /** Read all flow files of the folder. */
  async open(): Promise<void> {
    const { files } = await this.api.files();
    this.files.set(files);
    const flows = files.filter((each) => each.kind === "flow");
    const texts = await Promise.all(flows.map((each) => this.api.file(each.path)));
    this.saved.set(new Map(texts.map(({ path, text, etag }) => [path, { text, etag }])));
    const { catalogue } = this.integration.get();
    this.integration.set(read(new Map(texts.map(({ path, text }) => [path, text])), catalogue));
  }

  /** Make a file that is written when it is saved. */
  begin(path: string, text: string): void {
    this.saved.update((saved) => new Map(saved).set(path, { text: "", etag: null }));
    this.#outside(path, [{ from: 0, to: 0, insert: text }]);
  }

  /** Save one file, or all that are not. A file that somebody else has changed is not written, and told of. */
  async save(paths: readonly string[] = this.unsaved): Promise<void> {
    for (const path of paths) {
      const text = this.textOf(path);
      try {
        const { etag } = await this.api.save(path, text, this.saved.get().get(path)?.etag ?? null);
        this.saved.update((saved) => new Map(saved).set(path, { text, etag }));
        this.#settled(path);
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        if (error.isStale) this.#clash(path, error.refusal.current ?? null);
        else this.notice.set(`${path} is not saved: ${error.message}`);
      }
    }
  }

  /** A file has changed on the disk. It is read again, unless there are edits of ours. */
  async refresh(entry: FileEntry): Promise<void> {
    if (entry.kind !== "flow" || this.saved.get().get(entry.path)?.etag === entry.etag) return;
    const isUnsaved = this.saved.get().has(entry.path) && this.isUnsaved(entry.path);
    const { path, text, etag } = await this.api.file(entry.path);
    if (isUnsaved) {
      if (text === this.textOf(path)) this.saved.update((saved) => new Map(saved).set(path, { text, etag }));
      else this.#clash(path, { text, etag });
      return;
    }
    const before = this.textOf(path);
    this.saved.update((saved) => new Map(saved).set(path, { text, etag }));
    this.#outside(path, difference(before, text));
  }

  /** A file is gone from the disk. What is not saved stays, as a new file. */
  gone(path: string): void {
    if (!this.saved.get().has(path)) return;
    if (this.isUnsaved(path)) {
      this.#clash(path, null);
      return;
    }
    const saved = new Map(this.saved.get());
    saved.delete(path);
    this.saved.set(saved);
    this.integration.update((integration) => without(integration, path));
  }

  /** Go on with what is there now, in place of ours; undo brings ours back. */
  takeTheirs({ path, theirs }: Clash): void {
    this.saved.update((saved) => new Map(saved).set(path, theirs ?? { text: "", etag: null }));
    this.edit(new Map([[path, difference(this.textOf(path), theirs?.text ?? "")]]));
    this.#settled(path);
  }

  /** Keep ours: the next save writes over what is there now. */
  keepOurs({ path, theirs }: Clash): void {
    this.saved.update((saved) => new Map(saved).set(path, theirs ?? { text: "", etag: null }));
    this.#settled(path);
  }

  #clash(path: string, theirs: SavedFile | null): void {
    this.clashes.update((clashes) => [...clashes.filter((each) => each.path !== path), { path, theirs }]);
  }

  #settled(path: string): void {
    this.clashes.update((clashes) => clashes.filter((each) => each.path !== path));
  }

  // --- expressions ---

  /** What may stand at an offset of an expression of the block with this address. */
  complete(asked: Asked, signal?: AbortSignal): Promise<Completions> {
    const files = Object.fromEntries(this.unsaved.map((each) => [each, this.textOf(each)]));
    const { file, ...rest } = asked;
    return this.api.complete({ ...rest, path: file, files }, signal);
  }

  // --- what is wrong ---

  /** Ask what is wrong with the texts as they are. A question that a newer one has overtaken changes nothing. */
  async check(): Promise<void> {
    const integration = this.integration.get();
    const path = integration.files.keys().next().value;
    if (path === undefined) {
      this.checking.set({ ...UNCHECKED, isCurrent: true });
      return;
    }
    const texts = Object.fromEntries(this.unsaved.map((each) => [each, this.textOf(each)]));
    try {
      const found = await this.api.check(path, texts);
      const isCurrent = integration === this.integration.get();
      this.checking.set({ isCurrent, problems: found.problems, warnings: found.warnings, found });
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (!error.isSuperseded) this.notice.set(error.message);
    }
  }
}

/** The smallest single edit that makes `after` of `before`. */
export function difference(before: string, after: string): Change {
  if (before === after) return [];
  const most = Math.min(before.length, after.length);
  let head = 0;
  while (head < most && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < most - head && before[before.length - 1 - tail] === after[after.length - 1 - tail]) tail += 1;
  return [{ from: head, to: before.length - tail, insert: after.slice(head, after.length - tail) }];
}
