/** The text of an expression in CodeMirror. */

import { defaultKeymap } from "@codemirror/commands";
import { EditorState } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  EditorView,
  keymap,
  placeholder,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { words } from "../../look/cel";
import { nonce } from "../../look/nonce";

export interface Host {
  typed(text: string): void;
  /** The cursor is somewhere else, or the text is another. */
  moved(text: string, offset: number): void;
  left(): void;
  /** Take what is suggested; false if nothing is. */
  accept(): boolean;
  /** Choose the suggestion before or after; false if there is none. */
  choose(step: 1 | -1): boolean;
}

export interface Naming {
  readonly id: string;
  readonly label: string;
  readonly list: string;
  readonly fallback: string;
}

const MARKS = {
  str: Decoration.mark({ class: "k-s" }),
  num: Decoration.mark({ class: "k-n" }),
  fun: Decoration.mark({ class: "k-f" }),
  key: Decoration.mark({ class: "k-k" }),
  com: Decoration.mark({ class: "k-c" }),
};

const colours = ViewPlugin.fromClass(
  class {
    decorations: DecorationSet;

    constructor(view: EditorView) {
      this.decorations = coloured(view.state);
    }

    update(update: ViewUpdate) {
      if (update.docChanged) this.decorations = coloured(update.state);
    }
  },
  { decorations: (each) => each.decorations },
);

function coloured(state: EditorState): DecorationSet {
  return Decoration.set(words(state.doc.toString()).map((each) => MARKS[each.kind].range(each.from, each.to)));
}

export class ExpressionText {
  readonly #view: EditorView;

  constructor(parent: HTMLElement, { id, label, list, fallback }: Naming, host: Host) {
    const leave = (view: EditorView) => {
      view.contentDOM.blur();
      return true;
    };
    const told = (update: ViewUpdate) => {
      if (update.focusChanged && !update.view.hasFocus) host.left();
      const byUser = update.transactions.some((each) => each.isUserEvent("input") || each.isUserEvent("delete"));
      const text = update.state.doc.toString();
      if (update.docChanged && byUser) host.typed(text);
      if (update.view.hasFocus && (byUser || update.selectionSet)) host.moved(text, update.state.selection.main.head);
    };
    this.#view = new EditorView({
      parent,
      state: EditorState.create({
        extensions: [
          EditorView.cspNonce.of(nonce()),
          EditorView.lineWrapping,
          EditorView.contentAttributes.of({
            id,
            "aria-label": label,
            "aria-autocomplete": "list",
            "aria-controls": list,
          }),
          placeholder(fallback),
          colours,
          keymap.of([
            { key: "Tab", run: () => host.accept() },
            { key: "ArrowDown", run: () => host.choose(1) },
            { key: "ArrowUp", run: () => host.choose(-1) },
            { key: "Escape", run: leave },
            ...defaultKeymap,
          ]),
          EditorView.updateListener.of(told),
        ],
      }),
    });
  }

  /** Show another text, if it is another. */
  show(text: string): void {
    const { doc } = this.#view.state;
    if (doc.toString() !== text) this.#view.dispatch({ changes: { from: 0, to: doc.length, insert: text } });
  }

  /** Write as if it were typed; the cursor goes behind it. */
  write(from: number, to: number, insert: string): void {
    const selection = { anchor: from + insert.length };
    this.#view.dispatch({ changes: { from, to, insert }, selection, userEvent: "input.complete" });
    this.#view.focus();
  }

  close(): void {
    this.#view.destroy();
  }
}
