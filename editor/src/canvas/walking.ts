/** Where the keyboard goes on the canvas: by the rows as they are drawn, so that what is folded is skipped. */

/** The keys of all rows in reading order. */
export function rows(canvas: Element): string[] {
  return [...canvas.querySelectorAll<HTMLElement>("[data-key]")].map((each) => each.dataset.key ?? "");
}

/** The row after one, or before it for -1. Without one: the first row, or the last. */
export function beside(all: readonly string[], key: string | undefined, step: 1 | -1): string | undefined {
  const at = key === undefined ? -1 : all.indexOf(key);
  if (at < 0) return step === 1 ? all[0] : all.at(-1);
  return all[at + step];
}

/** The row that contains the one with this key: its block, or its flow. */
export function around(canvas: Element, key: string): string | undefined {
  const row = rowOf(canvas, key);
  const outer = row?.closest(".lanes")?.closest(".cmp, .flow") ?? row?.closest(".flow");
  const head = outer?.querySelector<HTMLElement>("[data-key]")?.dataset.key;
  return head === key ? undefined : head;
}

/** The first row inside of the one with this key. */
export function inside(canvas: Element, key: string): string | undefined {
  const row = rowOf(canvas, key);
  const holder = row?.parentElement;
  if (!row || !holder?.matches(".cmp, .flow")) return undefined;
  return [...holder.querySelectorAll<HTMLElement>("[data-key]")].find((each) => each !== row)?.dataset.key;
}

/** The first row of the lane after the one that a row is in, or before it for -1. */
export function laneBeside(canvas: Element, key: string, step: 1 | -1): string | undefined {
  const lanes = [...canvas.querySelectorAll<HTMLElement>("[data-lane]")];
  const own = rowOf(canvas, key)?.closest("[data-lane]");
  const at = own ? lanes.indexOf(own as HTMLElement) : -1;
  const later = step === 1 ? lanes.slice(at + 1) : lanes.slice(0, Math.max(0, at)).reverse();
  return later
    .map((each) => each.querySelector<HTMLElement>("[data-key]")?.dataset.key)
    .find((each) => each !== undefined);
}

export function rowOf(canvas: Element, key: string): HTMLElement | null {
  return canvas.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`);
}
