/** The text of a file in CodeMirror. It holds no truth of its own: what is typed is told, what has changed is shown. */

import { autocompletion, type Completion, type CompletionResult, closeBrackets } from "@codemirror/autocomplete";
import { defaultKeymap, indentWithTab } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, lintGutter, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import {
  Annotation,
  EditorState,
  type Range,
  StateEffect,
  StateField,
  Text,
  type Transaction,
} from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  GutterMarker,
  gutter,
  highlightActiveLine,
  hoverTooltip,
  keymap,
  lineNumbers,
  rectangularSelection,
  WidgetType,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { words } from "../look/cel";
import type { Change } from "../model/text";

export interface Span {
  readonly from: number;
  readonly to: number;
}

/** What stands beside or behind the text. All offsets are of the text that is shown. */
export interface Marks {
  readonly problems: readonly (Span & { readonly severity: "error" | "warning"; readonly message: string })[];
  /** The chosen blocks. */
  readonly selected: readonly Span[];
  /** What is CEL. */
  readonly expressions: readonly Span[];
  /** Values of the picked message, at the ends of lines. */
  readonly hints: readonly { readonly at: number; readonly text: string; readonly bad?: boolean }[];
  /** Lines, from 0, with a breakpoint. */
  readonly breakpoints: readonly number[];
  /** Lines, from 0, that are not saved. */
  readonly unsaved: ReadonlyMap<number, "changed" | "added">;
}

export const NO_MARKS: Marks = {
  problems: [],
  selected: [],
  expressions: [],
  hints: [],
  breakpoints: [],
  unsaved: new Map(),
};

/** Whom it tells, and whom it asks. */
export interface Host {
  typed(change: Change, cursor: number): void;
  cursorMoved(offset: number): void;
  complete(offset: number, signal: AbortSignal): Promise<{ from: number; options: readonly Completion[] } | null>;
  explain(offset: number): Promise<string | null>;
}

const shownByUs = Annotation.define<boolean>();
const setMarks = StateEffect.define<Marks>();

class Hint extends WidgetType {
  constructor(
    private readonly text: string,
    private readonly bad: boolean,
  ) {
    super();
  }

  override eq(other: Hint): boolean {
    return other.text === this.text && other.bad === this.bad;
  }

  override toDOM(): HTMLElement {
    const made = document.createElement("span");
    made.className = this.bad ? "cm-hint bad" : "cm-hint";
    made.textContent = this.text;
    return made;
  }
}

class LineSign extends GutterMarker {
  constructor(override readonly elementClass: string) {
    super();
  }
}

const BREAKPOINT = new LineSign("cm-breakpoint");
const UNSAVED = { changed: new LineSign("cm-changed"), added: new LineSign("cm-added") };
const SELECTED = Decoration.line({ class: "cm-chosen" });
const WORD = {
  str: Decoration.mark({ class: "k-s" }),
  num: Decoration.mark({ class: "k-n" }),
  fun: Decoration.mark({ class: "k-f" }),
  key: Decoration.mark({ class: "k-k" }),
  com: Decoration.mark({ class: "k-c" }),
};

const marks = StateField.define<{ readonly marks: Marks; readonly drawn: DecorationSet }>({
  create: () => ({ marks: NO_MARKS, drawn: Decoration.none }),
  update(before, transaction) {
    const given = transaction.effects.find((each) => each.is(setMarks));
    if (given) return { marks: given.value, drawn: drawn(given.value, transaction.state.doc) };
    return transaction.docChanged ? { marks: before.marks, drawn: before.drawn.map(transaction.changes) } : before;
  },
  provide: (field) => EditorView.decorations.from(field, (each) => each.drawn),
});

/** Longer expressions stay without colours: they are data. */
const LONGEST = 20_000;

function drawn(given: Marks, doc: Text): DecorationSet {
  const found: Range<Decoration>[] = [];
  const within = (span: Span) => span.from >= 0 && span.from <= span.to && span.to <= doc.length;
  for (const span of given.selected.filter(within)) {
    const last = doc.lineAt(span.to).number;
    for (let line = doc.lineAt(span.from).number; line <= last; line += 1)
      found.push(SELECTED.range(doc.line(line).from));
  }
  for (const span of given.expressions.filter(within)) {
    if (span.to - span.from > LONGEST) continue;
    const text = doc.sliceString(span.from, span.to);
    for (const word of words(text)) found.push(WORD[word.kind].range(span.from + word.from, span.from + word.to));
  }
  for (const hint of given.hints) {
    if (hint.at > doc.length) continue;
    const widget = new Hint(hint.text, hint.bad ?? false);
    found.push(Decoration.widget({ widget, side: 1 }).range(doc.lineAt(hint.at).to));
  }
  return Decoration.set(found, true);
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], class: "k-k" },
  { tag: tags.comment, class: "k-c" },
  { tag: [tags.number, tags.bool, tags.null], class: "k-n" },
  { tag: tags.string, class: "k-s" },
]);

const signs = gutter({
  class: "cm-signs",
  lineMarker(view, line) {
    const number = view.state.doc.lineAt(line.from).number - 1;
    const { marks: given } = view.state.field(marks);
    if (given.breakpoints.includes(number)) return BREAKPOINT;
    const state = given.unsaved.get(number);
    return state ? UNSAVED[state] : null;
  },
  lineMarkerChange: (update) => update.transactions.some((each) => each.effects.some((effect) => effect.is(setMarks))),
});

export class TextEditor {
  private readonly view: EditorView;

  /** nonce: what the page's policy lets write styles. label: the accessible name. */
  constructor(parent: HTMLElement, host: Host, label: string, nonce: string) {
    this.view = new EditorView({
      parent,
      state: EditorState.create({
        extensions: [
          EditorView.cspNonce.of(nonce),
          EditorView.contentAttributes.of({ "aria-label": label }),
          // A carriage return stays a character of its line, so that offsets are those of the file.
          EditorState.lineSeparator.of("\n"),
          EditorState.allowMultipleSelections.of(true),
          lineNumbers(),
          signs,
          foldGutter(),
          lintGutter(),
          drawSelection(),
          rectangularSelection(),
          highlightActiveLine(),
          highlightSelectionMatches(),
          bracketMatching(),
          closeBrackets(),
          yaml(),
          syntaxHighlighting(colours),
          search({ top: true }),
          marks,
          autocompletion({ override: [(context) => completed(host, context.pos)], activateOnTypingDelay: 60 }),
          hoverTooltip((_, offset) => explained(host, offset)),
          keymap.of([indentWithTab, ...defaultKeymap, ...searchKeymap, ...foldKeymap]),
          EditorView.updateListener.of((update) => {
            const own = update.transactions.every((each) => !each.annotation(shownByUs));
            if (update.docChanged && own) {
              for (const each of update.transactions)
                if (each.docChanged) host.typed(changeOf(each), cursor(this.view));
            } else if (update.selectionSet && own) {
              host.cursorMoved(cursor(this.view));
            }
          }),
        ],
      }),
    });
  }

  get text(): string {
    return this.view.state.doc.toString();
  }

  /** Show another text. */
  show(text: string): void {
    const all = { from: 0, to: this.view.state.doc.length, insert: lines(text) };
    this.view.dispatch({ changes: all, annotations: shownByUs.of(true), selection: { anchor: 0 } });
  }

  /** Show a change that was made elsewhere. */
  apply(change: Change): void {
    const changes = change.map((each) => ({ ...each, insert: lines(each.insert) }));
    this.view.dispatch({ changes, annotations: shownByUs.of(true) });
  }

  mark(given: Marks): void {
    this.view.dispatch({ effects: setMarks.of(given), annotations: shownByUs.of(true) });
    const inside = given.problems.filter((each) => each.to <= this.view.state.doc.length);
    const found: Diagnostic[] = inside.map((each) => ({ ...each }));
    this.view.dispatch(setDiagnostics(this.view.state, found));
  }

  /** Bring a place into sight, and the cursor to it if `focus`; nothing moves if it is in sight already. */
  reveal(span: Span, focus: boolean): void {
    const scroll = EditorView.scrollIntoView(span.from, { y: "nearest", yMargin: 40 });
    const selection = focus ? { selection: { anchor: span.from } } : {};
    this.view.dispatch({ ...selection, effects: scroll, annotations: shownByUs.of(true) });
    if (focus) this.view.focus();
  }

  close(): void {
    this.view.destroy();
  }
}

const cursor = (view: EditorView) => view.state.selection.main.head;

/** Line ends are the file's own: CodeMirror would make each of them one newline. */
const lines = (text: string) => Text.of(text.split("\n"));

function changeOf(transaction: Transaction): Change {
  const found: { from: number; to: number; insert: string }[] = [];
  transaction.changes.iterChanges((from, to, _a, _b, inserted) => {
    found.push({ from, to, insert: inserted.toString() });
  });
  return found;
}

async function completed(host: Host, offset: number): Promise<CompletionResult | null> {
  const found = await host.complete(offset, AbortSignal.timeout(2000));
  return found && { from: found.from, options: found.options, validFor: /^\w*$/ };
}

async function explained(host: Host, offset: number) {
  const text = await host.explain(offset);
  if (text === null) return null;
  return {
    pos: offset,
    create: () => {
      const dom = document.createElement("div");
      dom.className = "cm-explained";
      dom.textContent = text;
      return { dom };
    },
  };
}
