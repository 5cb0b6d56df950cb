/** What is wrong with things, by their key. */

import { useMemo, useSyncExternalStore } from "react";
import type { Problem } from "../client/types";
import { Store } from "../model/store";
import { useDesk } from "./context";
import type { Checking, Editor } from "./editor";
import { offsetAt, placedAt } from "./placed";

export interface Mark {
  readonly kind: "error" | "warning";
  readonly text: string;
}

const stores = new WeakMap<Editor, Store<ReadonlyMap<string, Mark>>>();

/** The marks of all things, made anew when a check has ended. */
export function marksOf(editor: Editor): Store<ReadonlyMap<string, Mark>> {
  const known = stores.get(editor);
  if (known) return known;
  const store = new Store<ReadonlyMap<string, Mark>>(new Map());
  stores.set(editor, store);
  let last: Checking | null = null;
  editor.checking.subscribe(() => {
    const checking = editor.checking.get();
    if (!checking.isCurrent || checking.found === last?.found) return;
    last = checking;
    store.set(placed(editor, checking));
  });
  return store;
}

function placed(editor: Editor, checking: Checking): Map<string, Mark> {
  const found = new Map<string, Mark>();
  const add = (kind: Mark["kind"], problems: readonly Problem[]) => {
    for (const each of problems) {
      const file = editor.integration.get().files.get(each.file);
      const key = file && placedAt(file, offsetAt(file.tree.text, each.line, each.column))?.key;
      if (key !== undefined && !found.has(key)) found.set(key, { kind, text: each.message });
    }
  };
  add("error", checking.problems);
  add("warning", checking.warnings);
  return found;
}

/** What is wrong with one thing. */
export function useMarks(key: string): Mark | undefined {
  const { editor } = useDesk();
  const store = useMemo(() => marksOf(editor), [editor]);
  return useSyncExternalStore(store.subscribe, () => store.get().get(key));
}
