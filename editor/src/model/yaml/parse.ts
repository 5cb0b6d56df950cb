/** Text to frames, by the concrete syntax of the package `yaml`. Nothing throws: what cannot be read is a problem. */

import { CST } from "yaml";
import { endOfTrivia } from "./lines";
import {
  type Collection,
  type Entry,
  type Flavour,
  type Frame,
  freshId,
  type Node,
  type ScalarStyle,
  type SyntaxProblem,
} from "./node";
import {
  beginOf,
  DEEPEST,
  endOfWritten,
  firstKey,
  isClosed,
  isTrivia,
  lex,
  type Props,
  propsOf,
  QUOTES,
  type Source,
  secondOf,
  type Token,
  tokenEnd,
  type Written,
} from "./tokens";

export interface Entries {
  readonly frames: Frame[];
  /** Where each frame begins, and where the last one ends. */
  readonly starts: number[];
  /** Whether there is no problem in them. */
  readonly isSound: boolean;
}

/** The whole text. */
export function readText(text: string): { frame: Frame; isSound: boolean } {
  const { tokens, problems } = lex(text);
  const document = tokens.find((each) => each.type === "document");
  const reader = new Reader(text, problems);
  const frame = reader.top(document?.type === "document" ? document : undefined, secondOf(tokens));
  return { frame, isSound: reader.count === 0 };
}

/**
 * Entries of one block collection: whole lines, the first of which begins an entry at `column`; undefined if they would
 * not be parsed so among their siblings.
 *
 * isLast: whether nothing at all follows in the text.
 */
export function readEntries(
  text: string,
  column: number,
  kind: Collection["kind"],
  isLast: boolean,
): Entries | undefined {
  const guard = isLast ? "" : `${" ".repeat(column)}${kind === "sequence" ? "- " : "x: "}${QUOTES}`;
  if (guard && !text.endsWith("\n")) return undefined;
  const { tokens, problems } = lex(text + guard, isLast);
  const [document, ...rest] = tokens.filter((each) => each.type === "document");
  const value = document?.type === "document" ? document.value : undefined;
  const expected = kind === "sequence" ? "block-seq" : "block-map";
  if (rest.length > 0 || value?.type !== expected || tokens.some((each) => each.type === "doc-end")) return undefined;
  if (document?.type !== "document" || ![...document.start, ...(document.end ?? [])].every(isTrivia)) return undefined;
  const reader = new Reader(text + guard, problems);
  const found = reader.siblings(value, column);
  if (!found) return undefined;
  const frames = found.entries.map((each) => each.frame);
  const starts = [...found.starts];
  if (guard) {
    if (starts.at(-2) !== text.length || frames.length < 2) return undefined;
    frames.pop();
    starts.pop();
  }
  // What comes before the first entry would belong to the sibling before.
  return starts[0] === 0 ? { frames, starts, isSound: reader.count === 0 } : undefined;
}

const STYLES: Partial<Record<Token["type"], ScalarStyle>> = {
  scalar: "plain",
  "single-quoted-scalar": "single",
  "double-quoted-scalar": "double",
};

type Building<T> = { -readonly [K in keyof T]: T[K] };

type Growing = Building<Frame> & { inside: Collection[]; anchored: Node[]; problems: SyntaxProblem[] };

interface Open {
  frame: Growing;
  base: number;
}

function growing(): Growing {
  return { inside: [], anchored: [], problems: [] };
}

class Reader {
  private open: Open = { frame: growing(), base: 0 };
  /** The parser may have gone astray there, so what follows counts too. */
  private hasStrays = false;
  /** How many problems there are. */
  count = 0;

  constructor(
    private readonly text: string,
    private readonly problems: readonly SyntaxProblem[],
  ) {}

  top(document: CST.Document | undefined, second: number | undefined): Frame {
    const { frame } = this.open;
    frame.problems.push(...this.problems);
    this.count += this.problems.length;
    const at = document?.start.at(-1);
    const empty = at ? at.offset + at.source.length : 0;
    frame.root = this.node(document?.value, document?.start ?? [], empty, 0, true);
    this.stray(document?.end);
    if (second !== undefined) this.problem(second, this.text.length, "only the first document of a file is read");
    return frame;
  }

  /** The entries of a block collection as frames. */
  siblings(token: CST.BlockSequence | CST.BlockMap, column: number) {
    const node = this.block(token, {}, 0, true);
    if (!node.starts || node.column !== column || this.problems.length > 0 || this.hasStrays) return undefined;
    return { entries: node.entries, starts: node.starts };
  }

  private problem(from: number, to: number, message: string): void {
    this.open.frame.problems.push({ from: from - this.open.base, to: to - this.open.base, message });
    this.count += 1;
  }

  /** Tokens that may only be white space and comments. */
  private stray(tokens: readonly Source[] | undefined): void {
    for (const each of tokens ?? []) {
      if (isTrivia(each)) continue;
      this.problem(each.offset, each.offset + each.source.length, "this is not expected here");
      this.hasStrays = true;
    }
  }

  private at(offset: number): number {
    return offset - this.open.base;
  }

  private node(token: Token | null | undefined, before: readonly Source[], empty: number, depth: number, top = false) {
    const props = propsOf(before);
    const found = this.valueOf(token, props, empty, depth, top);
    if (found.anchor) this.open.frame.anchored.push(found);
    return found;
  }

  private valueOf(token: Token | null | undefined, props: Props, empty: number, depth: number, top: boolean): Node {
    if (depth > DEEPEST) {
      this.problem(empty, empty, "this is nested too deeply");
      return this.empty(props, empty);
    }
    switch (token?.type) {
      case "block-map":
      case "block-seq":
        return this.block(token, props, depth, top);
      case "flow-collection":
        return this.flow(token, props, depth);
      case "alias":
        this.stray(token.end);
        return { kind: "alias", ...this.leaf(token, props), name: token.source.slice(1) } as const;
      case "scalar":
      case "single-quoted-scalar":
      case "double-quoted-scalar":
        return this.scalar(token, props);
      case "block-scalar":
        return this.blockScalar(token, props);
      default:
        return this.empty(props, empty);
    }
  }

  private empty(props: Props, at: number): Node {
    const { anchor, tag, from, to } = props;
    const end = this.at(to ?? at);
    return { kind: "empty", ...this.named({ anchor, tag }), from: this.at(from ?? at), inner: end, to: end };
  }

  private named(props: Props) {
    const { anchor, tag } = props;
    return { frame: this.open.frame, ...(anchor ? { anchor } : {}), ...(tag ? { tag } : {}) };
  }

  private leaf(token: CST.FlowScalar, props: Props) {
    const inner = this.at(token.offset);
    const from = this.at(props.from ?? token.offset);
    return { ...this.named(props), from, inner, to: inner + token.source.length };
  }

  private scalar(token: CST.FlowScalar, props: Props): Node {
    this.stray(token.end);
    const style = STYLES[token.type] ?? "plain";
    const { source, offset } = token;
    if (style !== "plain" && !isClosed(source)) {
      this.problem(offset, offset + source.length, "the quote is not closed");
      const text = source.slice(1);
      return { kind: "scalar", ...this.leaf({ ...token, source: source.trimEnd() }, props), style, text };
    }
    if (style === "plain" && /^[@`%|>,\t]/.test(source)) {
      this.problem(offset, offset + 1, `a text that begins with \`${source[0]}\` needs quotes`);
    }
    return { kind: "scalar", ...this.leaf(token, props), style, text: this.textOf(token, style) };
  }

  private textOf(token: CST.FlowScalar, style: ScalarStyle): string {
    const { source } = token;
    if (source.includes("\n")) return this.resolved(token);
    if (style === "plain") return source;
    if (style === "single") return source.slice(1, -1).replaceAll("''", "'");
    return source.includes("\\") ? this.resolved(token) : source.slice(1, -1);
  }

  private resolved(token: CST.FlowScalar | CST.BlockScalar): string {
    const tell = (offset: number) => {
      const at = token.offset + offset;
      this.problem(at, at + 1, "this is no valid text");
    };
    return CST.resolveAsScalar(token, false, tell)?.value ?? "";
  }

  private blockScalar(token: CST.BlockScalar, props: Props): Node {
    const header = token.props.find((each): each is Source => each.type === "block-scalar-header");
    const last = token.props.at(-1) as Source;
    const body = last.offset + last.source.length;
    const source = token.source.replace(/\r?\n$/, "");
    const end = source ? body + source.length : token.offset + (header?.source.length ?? 1);
    return {
      kind: "scalar",
      ...this.named(props),
      from: this.at(props.from ?? token.offset),
      inner: this.at(token.offset),
      to: this.at(end),
      style: header?.source[0] === ">" ? "folded" : "literal",
      text: source === token.source ? this.resolved(token).replace(/\n$/, "") : this.resolved(token),
      body: this.at(body),
    };
  }

  private block(token: CST.BlockMap | CST.BlockSequence, props: Props, depth: number, top: boolean): Collection {
    const written = (token.items as Written[]).filter((each) => beginOf(each) !== undefined);
    const begins = written.map((each) => beginOf(each) ?? token.offset);
    const first = begins[0] ?? token.offset;
    const column = columnOf(this.text, first);
    const isFramed = (token.type === "block-seq" || top) && begins.every((each) => isFirst(this.text, each, column));
    const node: Building<Collection> = {
      kind: token.type === "block-seq" ? "sequence" : "mapping",
      ...this.named(props),
      from: this.at(props.from ?? first),
      inner: this.at(first),
      style: "block",
      column,
      entries: [],
    };
    const isPair = token.type === "block-map";
    for (const each of begins) {
      if (columnOf(this.text, each) !== column)
        this.problem(each, each + 1, `this begins in another column than above`);
    }
    if (!isFramed) {
      node.entries = written.map((each, index) => this.entry(each, begins[index] ?? first, isPair, depth));
      return node;
    }
    const starts = begins.map((each) => each - column);
    const outer = this.open;
    node.starts = [...starts.map((each) => each - outer.base), this.endOf(written.at(-1), first) - outer.base];
    node.entries = written.map((each, index) => {
      this.open = { frame: growing(), base: starts[index] ?? 0 };
      const entry = this.entry(each, begins[index] ?? first, isPair, depth);
      this.open.frame.entry = entry;
      return entry;
    });
    this.open = outer;
    outer.frame.inside.push(node);
    return node;
  }

  /** The start of the first line behind an entry that is neither empty nor a comment. */
  private endOf(written: Written | undefined, from: number): number {
    const end = written ? endOfWritten(written, from) : from;
    return endOfTrivia(this.text, end);
  }

  private entry(written: Written, begin: number, isPair: boolean, depth: number): Entry {
    const { start, key, sep, value } = written;
    const common = { id: freshId(), frame: this.open.frame, from: this.at(begin) };
    if (!isPair) {
      const dash = start.findIndex((each) => each.type === "seq-item-ind");
      const token = start[dash];
      const mark = token ? token.offset + 1 : begin;
      if (!token) this.problem(begin, begin + 1, "an item of a list begins with `- `");
      const node = this.node(value, start.slice(dash + 1), mark, depth + 1);
      return { ...common, ...(token ? { mark: this.at(mark) } : {}), value: node };
    }
    const colon = sep?.findIndex((each) => each.type === "map-value-ind") ?? -1;
    const token = sep?.[colon];
    const named = this.node(key, start, begin, depth + 1);
    this.stray(sep?.slice(0, Math.max(0, colon)));
    const end = token ? token.offset + 1 : (tokenEnd(key) ?? begin);
    const isExplicit = start.some((each) => each.type === "explicit-key-ind");
    if (!token && !isExplicit) this.problem(begin, end, "a key is followed by a colon");
    if (!isExplicit && named.kind === "scalar" && this.text.slice(begin, end).includes("\n")) {
      this.problem(begin, end, "a key is on one line");
    }
    if (value?.type === "block-map" && !isExplicit && !this.text.slice(end, value.offset).includes("\n")) {
      this.problem(value.offset, tokenEnd(firstKey(value)) ?? value.offset, "a text with `: ` in it needs quotes");
    }
    const node = this.node(value, sep?.slice(colon + 1) ?? [], end, depth + 1);
    return { ...common, key: named, ...(token ? { mark: this.at(end) } : {}), value: node };
  }

  private flow(token: CST.FlowCollection, props: Props, depth: number): Collection {
    const isMapping = token.start.source === "{";
    const [end, ...rest] = token.end;
    this.stray(rest);
    const written = (token.items as Written[]).filter((each) => each.key ?? each.value ?? each.sep);
    const entries = written.map((each, index) => {
      const hasComma = each.start.some((one) => one.type === "comma");
      if (index > 0 && !hasComma) this.problem(beginOf(each) ?? 0, (beginOf(each) ?? 0) + 1, "a comma is missing here");
      return this.flowEntry(each, isMapping, depth);
    });
    const last = entries.at(-1);
    let close = end ? end.offset + end.source.length : token.offset + 1;
    if (!end) {
      if (last) close = this.open.base + entryEnd(last);
      this.problem(token.offset, close, `the bracket \`${token.start.source}\` is not closed`);
    }
    return {
      kind: isMapping ? "mapping" : "sequence",
      ...this.named(props),
      from: this.at(props.from ?? token.offset),
      inner: this.at(token.offset),
      style: "flow" satisfies Flavour,
      column: columnOf(this.text, token.offset),
      entries,
      close: this.at(close),
    };
  }

  private flowEntry(written: Written, isMapping: boolean, depth: number): Entry {
    const { start, key, sep, value } = written;
    const props = start.filter((each) => each.type !== "comma");
    const begin =
      props.find((each) => !isTrivia(each))?.offset ?? key?.offset ?? value?.offset ?? sep?.[0]?.offset ?? 0;
    const common = { id: freshId(), frame: this.open.frame, from: this.at(begin) };
    if (!isMapping && !sep) return { ...common, value: this.node(value ?? key, props, begin, depth + 1) };
    const colon = sep?.findIndex((each) => each.type === "map-value-ind") ?? -1;
    const token = sep?.[colon];
    const named = this.node(key, props, begin, depth + 1);
    this.stray(sep?.slice(0, Math.max(0, colon)));
    if (key && value && !token) this.problem(value.offset, value.offset + 1, "a comma or a colon is missing here");
    const end = token ? token.offset + 1 : (tokenEnd(key) ?? begin);
    const node = this.node(value, sep?.slice(colon + 1) ?? [], end, depth + 1);
    const entry = { ...common, key: named, ...(token ? { mark: this.at(end) } : {}), value: node };
    if (isMapping) return entry;
    // `[a: b]` is a list with a mapping of one pair.
    const { frame, from } = entry;
    const column = columnOf(this.text, begin);
    const single: Collection = {
      kind: "mapping",
      frame,
      from,
      inner: from,
      style: "flow",
      column,
      entries: [entry],
      close: entryEnd(entry),
    };
    return { ...common, id: freshId(), value: single };
  }
}

function columnOf(text: string, offset: number): number {
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  return offset - start - (start === 0 && text.startsWith("\uFEFF") ? 1 : 0);
}

/** Whether what begins there at that column is the first on its line. */
function isFirst(text: string, offset: number, column: number): boolean {
  return columnOf(text, offset) === column && text.slice(offset - column, offset).trim() === "";
}

/** Where an entry ends that has no frame of its own. */
function entryEnd(entry: Entry): number {
  const { value, mark } = entry;
  if (value.kind !== "mapping" && value.kind !== "sequence") return Math.max(value.to, mark ?? 0);
  return value.close ?? value.entries.reduce((end, each) => Math.max(end, entryEnd(each)), value.inner);
}
