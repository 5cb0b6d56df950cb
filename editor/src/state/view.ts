/** How the project is looked at. Nothing of it is written into files. */

import { Store } from "../model/store";

export type Mode = "canvas" | "split" | "text" | "map";
export type Tab = "logs" | "messages" | "problems" | "tests" | "env" | "resources";
export type Theme = "light" | "dark";

export const TABS: readonly { readonly id: Tab; readonly text: string }[] = [
  { id: "logs", text: "Logs" },
  { id: "messages", text: "Messages" },
  { id: "problems", text: "Problems" },
  { id: "tests", text: "Tests" },
  { id: "env", text: "Dev .env" },
  { id: "resources", text: "Resources" },
];

export const ZOOMS: readonly number[] = [0.3, 0.45, 0.6, 0.8, 1, 1.25];

/** Flows from this one on open folded. */
const OPEN = 3;

export class View {
  readonly mode = new Store<Mode>("canvas");
  readonly tab = new Store<Tab>("problems");
  readonly panel = new Store(true);
  readonly inspector = new Store(true);
  readonly left = new Store(true);
  readonly zoom = new Store(1);
  readonly theme: Store<Theme>;
  /** The file that the text shows. */
  readonly file = new Store<string>("");
  /** What was folded or unfolded by hand, by key. */
  readonly #folded = new Store<ReadonlyMap<string, boolean>>(new Map());

  constructor(theme: Theme) {
    this.theme = new Store(theme);
  }

  get folded(): Store<ReadonlyMap<string, boolean>> {
    return this.#folded;
  }

  /** index: the place of a flow among all; undefined for a block. */
  isFolded(key: string, index?: number): boolean {
    return this.#folded.get().get(key) ?? (index !== undefined && index >= OPEN);
  }

  fold(key: string, isFolded: boolean): void {
    this.#folded.update((folded) => new Map(folded).set(key, isFolded));
  }

  show(tab: Tab): void {
    this.tab.set(tab);
    this.panel.set(true);
  }

  /** step: 1 nearer, -1 farther. */
  zoomBy(step: 1 | -1): void {
    const at = ZOOMS.findIndex((each) => each >= this.zoom.get());
    this.zoom.set(ZOOMS[Math.max(0, Math.min(ZOOMS.length - 1, at + step))] ?? 1);
  }
}
