import { useEffect } from "react";
import { around, beside, inside, laneBeside, rows } from "../canvas/walking";
import { only, selectedTo } from "../model";
import { duplicate, moveBy, remove } from "../state/acting";
import { type Desk, useDesk } from "../state/context";
import { TABS } from "../state/view";
import { type ActionId, actionOf } from "./keys";

type Act = (desk: Desk, canvas: Element | null) => void;

const go = ({ editor }: Desk, key: string | undefined) => {
  if (key !== undefined) editor.selection.set(only(key));
};
const stand = ({ editor }: Desk) => editor.selection.get().focus;

const walk =
  (step: 1 | -1): Act =>
  (desk, canvas) =>
    canvas && go(desk, beside(rows(canvas), stand(desk), step));

const grow =
  (step: 1 | -1): Act =>
  (desk, canvas) => {
    const next = canvas ? beside(rows(canvas), stand(desk), step) : undefined;
    if (next !== undefined)
      desk.editor.selection.update((selection) => selectedTo(desk.editor.integration.get(), selection, next));
  };

const tab =
  (index: number): Act =>
  ({ view }) => {
    const found = TABS[index];
    if (found) view.show(found.id);
  };

const problem =
  (step: 1 | -1): Act =>
  (desk) => {
    const marked = [...document.querySelectorAll<HTMLElement>(".is-wrong[data-key], .is-odd[data-key]")];
    const keys = marked.map((each) => each.dataset.key ?? "");
    go(desk, beside(keys, stand(desk), step) ?? (step === 1 ? keys[0] : keys.at(-1)));
  };

/** What the keys do. One that has nothing to do here is left to the browser. */
const ACTIONS: Partial<Record<ActionId, Act>> = {
  save: ({ editor }) => void editor.save(),
  undo: ({ editor }) => editor.undo(),
  redo: ({ editor }) => editor.redo(),
  run: ({ running, view }) => {
    view.show("logs");
    void running.start(view.file.get() || running.path);
  },
  stop: ({ running }) => void running.stop(),
  resend: ({ running }) => void running.send(),
  nextProblem: problem(1),
  previousProblem: problem(-1),
  tab1: tab(0),
  tab2: tab(1),
  tab3: tab(2),
  tab4: tab(3),
  tab5: tab(4),
  tab6: tab(5),
  view: ({ view }) => view.mode.update((mode) => (mode === "canvas" ? "split" : mode === "split" ? "text" : "canvas")),
  left: ({ view }) => view.left.update((is) => !is),
  inspector: ({ view }) => view.inspector.update((is) => !is),
  panel: ({ view }) => view.panel.update((is) => !is),
  before: walk(-1),
  after: walk(1),
  selectUp: grow(-1),
  selectDown: grow(1),
  out: (desk, canvas) => {
    const key = stand(desk);
    const row = key !== undefined && canvas?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (key === undefined || !canvas || !row) return;
    if (row.getAttribute("aria-expanded") === "true") desk.view.fold(key, true);
    else go(desk, around(canvas, key));
  },
  into: (desk, canvas) => {
    const key = stand(desk);
    const row = key !== undefined && canvas?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (key === undefined || !canvas || !row) return;
    if (row.getAttribute("aria-expanded") === "false") desk.view.fold(key, false);
    else go(desk, inside(canvas, key));
  },
  nextLane: (desk, canvas) => {
    const key = stand(desk);
    if (canvas && key !== undefined) go(desk, laneBeside(canvas, key, 1));
  },
  fields: () =>
    document.querySelector<HTMLElement>(".form input, .form .cm-content, .form textarea, .form button")?.focus(),
  moveUp: ({ editor }) => moveBy(editor, "up"),
  moveDown: ({ editor }) => moveBy(editor, "down"),
  moveLeft: ({ editor }) => moveBy(editor, "left"),
  moveRight: ({ editor }) => moveBy(editor, "right"),
  duplicate: ({ editor }) => duplicate(editor),
  remove: ({ editor }) => remove(editor),
};

interface Options {
  readonly mac: boolean;
  readonly onFind: () => void;
}

/** Listen to the keys of the whole window. */
export function useKeys({ mac, onFind }: Options): void {
  const desk = useDesk();
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const focused = document.activeElement;
      const canvas = document.querySelector(".canvas");
      const inCanvas = canvas?.contains(focused) ?? false;
      const inText =
        focused instanceof HTMLElement && (focused.isContentEditable || /^(INPUT|TEXTAREA)$/.test(focused.tagName));
      const action = actionOf(event, mac, inCanvas && !inText);
      if (event.key === "Escape" && focused?.closest(".insp") && !event.defaultPrevented) {
        canvas?.querySelector<HTMLElement>('[data-key][tabindex="0"]')?.focus();
        return;
      }
      if (action === "find" || action === "add") onFind();
      else if (action && ACTIONS[action]) ACTIONS[action](desk, canvas);
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [desk, mac, onFind]);
}
