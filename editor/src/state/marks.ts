/** What is wrong with things, by their key. */

import { useMemo, useSyncExternalStore } from "react";
import { byThing, placed } from "../model";
import { Store } from "../model/store";
import { useDesk } from "./context";
import type { Checking, Editor } from "./editor";

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
    store.set(marked(editor, checking));
  });
  return store;
}

function marked(editor: Editor, { problems, warnings }: Checking): Map<string, Mark> {
  const integration = editor.integration.get();
  const all = [...placed(integration, problems), ...placed(integration, warnings, true)];
  return new Map(
    [...byThing(integration, all)].map(([key, [first]]) => {
      return [key, { kind: first?.isWarning ? "warning" : "error", text: first?.message ?? "" }];
    }),
  );
}

/** What is wrong with one thing. */
export function useMarks(key: string): Mark | undefined {
  const { editor } = useDesk();
  const store = useMemo(() => marksOf(editor), [editor]);
  return useSyncExternalStore(store.subscribe, () => store.get().get(key));
}
