/** Values as text: scalars in the style that suits them, lists and mappings in block or flow style. */

import type { Layout } from "./layout";
import { indented } from "./lines";
import type { ScalarStyle } from "./node";
import { resolve } from "./scalar";
import type { Value } from "./value";

/** What stands behind a colon or dash, and in the lines below it, which have their indentation. */
export interface Form {
  readonly inline: string;
  readonly below: readonly string[];
}

/** Lists of plain values up to this width stand on one line. */
const WIDTH = 80;

// --- block style -------------------------------------------------------------------------------------------------

/** A value behind the colon of a key at `column`. */
export function pairForm(value: Value, column: number, layout: Layout, options?: TextOptions): Form {
  if (typeof value === "string") return textForm(value, column + layout.step, layout, options);
  if (isList(value) && !isInline(value, layout)) {
    return { inline: "", below: value.flatMap((each) => itemLines(each, column + layout.dash, layout)) };
  }
  if (isMap(value) && Object.keys(value).length > 0) {
    return { inline: "", below: mapLines(value, column + layout.step, layout) };
  }
  return { inline: flowText(value, layout), below: [] };
}

/** A value behind the dash of an item at `column`. */
export function itemForm(value: Value, column: number, layout: Layout, options?: TextOptions): Form {
  if (typeof value === "string") return textForm(value, column + layout.step, layout, options);
  const inside = column + 2;
  if (isMap(value) && Object.keys(value).length > 0) return hung(mapLines(value, inside, layout), inside);
  if (!isList(value) || isInline(value, layout)) return { inline: flowText(value, layout), below: [] };
  return hung(
    value.flatMap((each) => itemLines(each, inside, layout)),
    inside,
  );
}

/** A text, with its lines at `column` if it has several. */
function textForm(text: string, column: number, layout: Layout, options?: TextOptions): Form {
  const { head, body } = textOf(text, layout, options);
  return { inline: head, below: (body ?? []).map((each) => indented(each, column)) };
}

/** The lines of a pair at `column`. */
export function pairLines(key: string, value: Value, column: number, layout: Layout): string[] {
  const { inline, below } = pairForm(value, column, layout);
  return [indented(`${keyText(key, layout)}:${inline && ` ${inline}`}`, column), ...below];
}

/** The lines of an item at `column`. */
export function itemLines(value: Value, column: number, layout: Layout): string[] {
  const { inline, below } = itemForm(value, column, layout);
  return [indented(`- ${inline}`, column), ...below];
}

function mapLines(value: { readonly [key: string]: Value }, column: number, layout: Layout): string[] {
  return Object.entries(value).flatMap(([key, each]) => pairLines(key, each, column, layout));
}

/** Lines of which the first one stands behind a dash. */
function hung([first = "", ...rest]: readonly string[], column: number): Form {
  return { inline: first.slice(column), below: rest };
}

function isInline(value: readonly Value[], layout: Layout): boolean {
  const isPlain = value.every(
    (each) => !isList(each) && !isMap(each) && !(typeof each === "string" && each.includes("\n")),
  );
  return isPlain && flowText(value, layout).length <= WIDTH;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is { readonly [key: string]: Value } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

// --- flow style --------------------------------------------------------------------------------------------------

/** A value on one line. */
export function flowText(value: Value, layout: Layout, style?: ScalarStyle): string {
  if (typeof value === "string") return textOf(value, layout, { style, isFlow: true }).head;
  if (isList(value)) return `[${value.map((each) => flowText(each, layout)).join(", ")}]`;
  if (isMap(value)) {
    const pairs = Object.entries(value).map(([key, each]) => flowPair(key, each, layout));
    return braced(pairs, layout);
  }
  return plainText(value);
}

export function flowPair(key: string, value: Value, layout: Layout): string {
  return `${keyText(key, layout, true)}: ${flowText(value, layout)}`;
}

export function braced(pairs: readonly string[], { padding }: Layout): string {
  return pairs.length > 0 ? `{${padding}${pairs.join(", ")}${padding}}` : "{}";
}

function plainText(value: number | boolean | null): string {
  if (typeof value !== "number") return `${value}`;
  if (Number.isNaN(value)) return ".nan";
  if (!Number.isFinite(value)) return value < 0 ? "-.inf" : ".inf";
  return `${value}`;
}

// --- scalars -----------------------------------------------------------------------------------------------------

export function keyText(key: string, layout: Layout, isFlow = false): string {
  const { head, body } = textOf(key, layout, { isFlow });
  return body || key.includes("\n") ? doubleQuoted(key) : head;
}

interface Text {
  readonly head: string;
  /** Of a block scalar: its lines without indentation. */
  readonly body?: readonly string[];
}

/** A text as a scalar: in its style if that can hold it, else plain, quoted, or a literal block of several lines. */
export function textOf(text: string, layout: Layout, options: TextOptions = {}): Text {
  const { style, isFlow = false, mayKeep = false } = options;
  if (NEEDS_ESCAPES.test(text)) return { head: doubleQuoted(text) };
  const isLines = text.includes("\n");
  if (!isFlow && (style === "literal" || style === "folded" || isLines)) {
    const block = style === "folded" ? folded(text) : literal(text);
    if (block && (mayKeep || !block.head.endsWith("+"))) return block;
  }
  if (isLines) return { head: doubleQuoted(text) };
  if ((style === undefined || style === "plain") && isPlain(text, isFlow)) return { head: text };
  const chosen = style === "single" || style === "double" ? style : quotesFor(text, layout);
  return { head: chosen === "single" ? `'${text.replaceAll("'", "''")}'` : doubleQuoted(text) };
}

export interface TextOptions {
  /** The one it has now. */
  style?: ScalarStyle | undefined;
  isFlow?: boolean;
  /** Whether a block scalar may keep empty lines at its end. Those that follow it in the file would belong to it. */
  mayKeep?: boolean;
}

/** What YAML allows only as an escape, and what its readers disagree about. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const NEEDS_ESCAPES = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]|\p{Surrogate}/u;

/** Words and numbers of older readers of YAML. Quotes do no harm to the newer ones. */
const OTHERWISE_READ =
  /^(?:y|n|yes|no|on|off|true|false|null|~|<<|=|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?)$/i;

function isPlain(text: string, isFlow: boolean): boolean {
  if (text === "" || text !== text.trim() || text.includes("\t")) return false;
  if (resolve(text) !== text || OTHERWISE_READ.test(text)) return false;
  if (/^[\][{},#&*!|>'"%@`]/.test(text) || /^[-?:](?: |$)/.test(text) || /^(?:---|\.\.\.)/.test(text)) return false;
  if (/: |:$| #/.test(text)) return false;
  return !isFlow || !(/[\][{},]/.test(text) || /^[-?:]/.test(text));
}

function quotesFor(text: string, layout: Layout): "single" | "double" {
  if (/["\\]/.test(text)) return "single";
  return text.includes("'") ? "double" : layout.quote;
}

const ESCAPES = new Map([
  ['"', '\\"'],
  ["\\", "\\\\"],
  ["\n", "\\n"],
  ["\t", "\\t"],
  ["\r", "\\r"],
]);

function doubleQuoted(text: string): string {
  const characters = [...text].map((each) => ESCAPES.get(each) ?? (NEEDS_ESCAPES.test(each) ? escaped(each) : each));
  return `"${characters.join("")}"`;
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

function literal(text: string): Text | undefined {
  const block = blockLines(text);
  return block && { head: `|${block.chomp}`, body: block.lines };
}

/** Each line of the text is a paragraph. Where a text has empty lines or indentation of its own, it is no longer folded. */
function folded(text: string): Text | undefined {
  const block = blockLines(text);
  const isSimple = block?.chomp !== "+" && block?.lines.every((each) => /^\S/.test(each));
  if (!block || !isSimple) return literal(text);
  return { head: `>${block.chomp}`, body: block.lines.flatMap((line, index) => (index > 0 ? ["", line] : [line])) };
}

/** The lines of a block scalar; undefined if it would need an indentation indicator, or has no line with text. */
function blockLines(text: string): { lines: string[]; chomp: "" | "-" | "+" } | undefined {
  const lines = text.split("\n");
  const first = lines.find((each) => each !== "");
  if (first === undefined || /^\s/.test(first) || lines.some((each) => each !== "" && each.trim() === ""))
    return undefined;
  if (lines.at(-1) !== "") return { lines, chomp: "-" };
  lines.pop();
  return { lines, chomp: lines.at(-1) === "" ? "+" : "" };
}
