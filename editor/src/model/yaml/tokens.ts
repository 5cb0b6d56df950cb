/** The concrete syntax of the package `yaml`: tokens of a text, and where things are among them. */

import { type CST, Parser } from "yaml";
import type { SyntaxProblem } from "./node";

export type Token = CST.Token;
export type Source = CST.SourceToken;
/** An entry as the parser has it. */
export type Written = { start: Source[]; key?: Token | null; sep?: Source[]; value?: Token };

/** Deeper than any file that is read, and not as deep as the stack. */
export const DEEPEST = 200;

/** The parser looks for the closing quote in all that follows. With one there, it stops where the indentation ends. */
export const QUOTES = "#'\"";

/** isWhole: whether nothing follows that is not ours. */
export function lex(text: string, isWhole = true): { tokens: Token[]; problems: SyntaxProblem[] } {
  try {
    const tokens = [...new Parser().parse(text)];
    const isOpen = isWhole && (text.includes("'") || text.includes('"')) && swallowed(tokens, text.length);
    const read = isOpen ? [...new Parser().parse(`${text}\n${QUOTES}`)] : tokens;
    return { tokens: read, problems: read.flatMap(errorOf) };
  } catch {
    // The parser recurses, so what is nested a thousand times deep ends here.
    return { tokens: [], problems: [{ from: 0, to: text.length, message: "this is nested too deeply" }] };
  }
}

function errorOf(token: Token): SyntaxProblem[] {
  if (token.type !== "error") return [];
  return [{ from: token.offset, to: token.offset + token.source.length, message: "this is not expected here" }];
}

/** Whether a quote is open to the end of the text. */
function swallowed(tokens: Token[], length: number): boolean {
  let token: Token | undefined | null = tokens.findLast((each) => each.type === "document");
  while (token) {
    if (token.type === "single-quoted-scalar" || token.type === "double-quoted-scalar") {
      return token.offset + token.source.length === length && !isClosed(token.source);
    }
    if (token.type === "document") token = token.value;
    else if ("items" in token) {
      const written: Written | undefined = (token.items as Written[]).findLast((each) => each.value ?? each.key);
      token = written?.value ?? written?.key;
    } else return false;
  }
  return false;
}

/** Whether a quoted scalar has its second quote. */
export function isClosed(source: string): boolean {
  const quote = source[0];
  if (source.length < 2 || !source.endsWith(quote ?? "")) return false;
  const inside = source.slice(1, -1);
  return quote === "'" ? !/(^|[^'])'('')*$/.test(inside) : !/(^|[^\\])(\\\\)*\\$/.test(inside);
}

/** Where a second document begins. */
export function secondOf(tokens: Token[]): number | undefined {
  const [, second] = tokens.filter((each) => each.type === "document");
  return second?.offset;
}

const TRIVIA = new Set(["space", "comment", "newline", "byte-order-mark", "doc-start"]);

export function isTrivia(token: Source): boolean {
  return TRIVIA.has(token.type);
}

export interface Props {
  anchor?: string | undefined;
  tag?: string | undefined;
  from?: number;
  to?: number;
}

/** Anchor and tag among the tokens before a value. */
export function propsOf(tokens: readonly Source[]): Props {
  const found: Props = {};
  for (const each of tokens) {
    if (each.type !== "anchor" && each.type !== "tag") continue;
    found.from ??= each.offset;
    found.to = each.offset + each.source.length;
    if (each.type === "anchor") found.anchor = each.source.slice(1);
    else found.tag = each.source;
  }
  return found;
}

/** Where an entry of a block collection begins; undefined for white space and comments behind the last one. */
export function beginOf(written: Written): number | undefined {
  const first = written.start.find((each) => !isTrivia(each));
  if (first) return first.offset;
  return written.key?.offset ?? written.sep?.[0]?.offset ?? written.value?.offset;
}

export function tokenEnd(token: Token | null | undefined): number | undefined {
  return token && "source" in token ? token.offset + token.source.length : undefined;
}

export function firstKey(token: CST.BlockMap): Token | null | undefined {
  return token.items[0]?.key;
}

/** Where an entry ends. */
export function endOfWritten(written: Written, from: number, depth = 0): number {
  const token = written.value ?? written.key;
  if (!written.value && written.sep?.length) {
    const mark = written.sep.findLast((each) => !isTrivia(each));
    if (mark) return mark.offset + mark.source.length;
  }
  if (!token) return written.start.reduce((end, each) => (isTrivia(each) ? end : each.offset + 1), from);
  if (token.type === "block-scalar") {
    const last = token.props.at(-1) as Source;
    return last.offset + last.source.length + token.source.length;
  }
  const last = token.type === "flow-collection" ? token.end.findLast((each) => !isTrivia(each)) : undefined;
  if (last) return last.offset + last.source.length;
  if ("items" in token) {
    const inside = (token.items as Written[]).findLast((each) => beginOf(each) !== undefined);
    return inside && depth < DEEPEST ? endOfWritten(inside, token.offset + 1, depth + 1) : token.offset + 1;
  }
  return tokenEnd(token) ?? from;
}
