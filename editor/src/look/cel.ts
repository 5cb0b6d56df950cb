/** The words of a CEL expression, for colours. It never fails: what is no word is left out. */

export type WordKind = "str" | "num" | "fun" | "key" | "com";

export interface Word {
  readonly from: number;
  readonly to: number;
  readonly kind: WordKind;
}

const KEYWORDS = new Set(["true", "false", "null", "in"]);

const STRING = String.raw`[bB]?[rR]?(?:"""(?:[^\\]|\\.)*?(?:"""|$)|'''(?:[^\\]|\\.)*?(?:'''|$)|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)`;
const NUMBER = String.raw`(?<![\w.])(?:0[xX][0-9a-fA-F]+[uU]?|\d+\.?\d*(?:[eE][+-]?\d+)?[uU]?|\.\d+(?:[eE][+-]?\d+)?)`;
const WORD = new RegExp(String.raw`(//[^\n]*)|(${STRING})|(${NUMBER})|([A-Za-z_]\w*)(\s*\()?`, "gs");

/** The words of `text`, in its order. */
export function words(text: string): Word[] {
  const found: Word[] = [];
  for (const match of text.matchAll(WORD)) {
    const [, comment, string, number, name, call] = match;
    const kind = comment ? "com" : string ? "str" : number ? "num" : nameKind(name ?? "", call);
    const length = (comment ?? string ?? number ?? name ?? "").length;
    if (kind) found.push({ from: match.index, to: match.index + length, kind });
  }
  return found;
}

function nameKind(name: string, call: string | undefined): WordKind | null {
  if (KEYWORDS.has(name)) return "key";
  return call === undefined ? null : "fun";
}
