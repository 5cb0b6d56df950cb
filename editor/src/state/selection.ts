/** What is chosen: keys of blocks, flows, sources, connectors. The last one is where the keyboard stands. */
export interface Selection {
  readonly keys: ReadonlySet<string>;
  readonly last: string | null;
}

export const NOTHING: Selection = { keys: new Set(), last: null };

export function only(key: string): Selection {
  return { keys: new Set([key]), last: key };
}

/** With `key` added, or taken away if it was chosen. */
export function toggled(selection: Selection, key: string): Selection {
  const keys = new Set(selection.keys);
  if (!keys.delete(key)) keys.add(key);
  return { keys, last: keys.has(key) ? key : ([...keys].at(-1) ?? null) };
}
