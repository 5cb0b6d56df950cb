/** Lines of a text. */

/** Where the line of an offset begins. */
export function lineStart(text: string, at: number): number {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  return start === 0 && text.startsWith("\uFEFF") ? Math.min(1, at) : start;
}

/** Behind the last character of the line of an offset, before its newline. */
export function lineEnd(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  if (end < 0) return text.length;
  return end > at && text[end - 1] === "\r" ? end - 1 : end;
}

/** Where the line behind the line of an offset begins, or the end of the text. */
export function nextLine(text: string, at: number): number {
  const end = text.indexOf("\n", at);
  return end < 0 ? text.length : end + 1;
}

/** The column of a comment that has its line for itself; undefined for any other line. */
export function commentColumn(text: string, start: number): number | undefined {
  const found = /^[ \t]*(?=#)/.exec(text.slice(start, lineEnd(text, start)));
  return found?.[0].length;
}

export function isBlank(text: string, start: number): boolean {
  return text.slice(start, lineEnd(text, start)).trim() === "";
}

/** Whether only white space is before an offset in its line. */
export function isFirstInLine(text: string, at: number): boolean {
  return text.slice(lineStart(text, at), at).trim() === "";
}

/** How many spaces begin the line that begins there. */
export function indentOf(text: string, start: number): number {
  let at = start;
  while (text[at] === " ") at += 1;
  return at - start;
}

export function indented(line: string, columns: number): string {
  return line === "" ? line : " ".repeat(columns) + line;
}

/** Without so many spaces at its start, or without those that there are. */
export function dedented(line: string, columns: number): string {
  const most = /^ */.exec(line)?.[0].length ?? 0;
  return line.slice(Math.min(columns, most));
}

export function splitLines(text: string): string[] {
  return text.split(/\r?\n/);
}

/** The start of the first line from `end` on that is neither empty nor a comment, or the end of the text. */
export function endOfTrivia(text: string, end: number): number {
  let at = end;
  if (at > 0 && text[at - 1] !== "\n") {
    const newline = text.indexOf("\n", at);
    if (newline < 0) return text.length;
    at = newline + 1;
  }
  const line = /[ \t]*(?:#[^\n]*)?\r?(?:\n|$)/y;
  while (at < text.length) {
    line.lastIndex = at;
    const found = line.exec(text);
    if (!found || found[0] === "") break;
    at = line.lastIndex;
  }
  return at;
}
