import { createContext, type ReactNode, useContext, useSyncExternalStore } from "react";
import type { Store } from "../model/store";
import type { Editor } from "./editor";
import type { Running } from "./running";
import type { View } from "./view";

/** What every part of the window uses: the project, and how it is looked at. */
export interface Desk {
  readonly editor: Editor;
  readonly view: View;
  readonly running: Running;
}

const Context = createContext<Desk | null>(null);

export function DeskProvider({ desk, children }: { readonly desk: Desk; readonly children: ReactNode }) {
  return <Context value={desk}>{children}</Context>;
}

export function useDesk(): Desk {
  const desk = useContext(Context);
  if (!desk) throw new Error("there is no desk around this part");
  return desk;
}

/** The value of a store, or a part of it. `select` must give the same object for the same value. */
export function useStore<T>(store: Store<T>): T;
export function useStore<T, S>(store: Store<T>, select: (value: T) => S): S;
export function useStore<T, S>(store: Store<T>, select?: (value: T) => S): T | S {
  return useSyncExternalStore(store.subscribe, () => (select ? select(store.get()) : store.get()));
}
