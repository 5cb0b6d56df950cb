/** What a text says, by a reader that is not ours, and how it should be after an edit. */

import { parse } from "yaml";

export type Data = Record<string, unknown> & unknown[];

/** So many places of each file, or all with `ALL=1`. */
export const MOST = process.env.ALL ? Number.POSITIVE_INFINITY : 12;

export function data(text: string): Data {
  const found = parse(text, { logLevel: "silent", uniqueKeys: false });
  return JSON.parse(JSON.stringify(found ?? null)) as Data;
}

export function at(value: Data, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((each, step) => (each as Data)[step as never], value);
}

export function set(value: Data, path: readonly (string | number)[], inner: unknown): void {
  (at(value, path.slice(0, -1)) as Record<string, unknown>)[`${path.at(-1)}`] = inner;
}

/** The comments that have a line for themselves. */
export function commentLines(text: string): string[] {
  return text.split("\n").flatMap((line) => (/^\s*#/.test(line) ? [line.trim()] : []));
}
