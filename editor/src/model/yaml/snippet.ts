/** An item of a list as text, on its own: to be moved, copied and pasted. */

import { extentOf, flowExtentOf } from "./extent";
import type { Layout } from "./layout";
import { dedented, indented, lineStart, splitLines } from "./lines";
import { isCollection, type Node } from "./node";
import type { Place } from "./place";
import { Tree } from "./tree";
import { braced, flowText, textOf } from "./write";

/** The lines of an item at column 0, its comments first: `- type: log`, `  name: tell`. */
export interface Snippet {
  readonly lines: readonly string[];
}

/** The text of an item, with the comments that belong to it. */
export function snippetOf(tree: Tree, place: Place): Snippet {
  const { text } = tree;
  const { collection, entry } = place;
  if (collection.style === "flow") {
    const from = tree.from(entry);
    const column = /^ */.exec(text.slice(lineStart(text, from)))?.[0].length ?? 0;
    const [first = "", ...rest] = splitLines(tree.source(entry));
    const { from: start, to } = flowExtentOf(tree, place);
    const around = [text.slice(start, from), text.slice(tree.to(entry), to)].join("\n");
    const comments = [...around.matchAll(/#.*/g)].map((each) => each[0].trimEnd());
    return { lines: [...comments, `- ${first}`, ...rest.map((each) => indented(dedented(each, column), 2))] };
  }
  const { from, to, isInline } = extentOf(tree, place);
  const lines = splitLines(text.slice(from, to).replace(/\r?\n$/, ""));
  const columns = (index: number) => (isInline && index === 0 ? 0 : collection.column);
  return { lines: lines.map((each, index) => dedented(each, columns(index))) };
}

/** The items of a text, each on its own. */
export function snippetsOf(text: string): Snippet[] {
  const tree = Tree.parse(text);
  const { root } = tree;
  if (root.kind !== "sequence") return [];
  return root.entries.map((entry, index) => snippetOf(tree, { entry, collection: root, index, owner: undefined }));
}

/** A copy: without the anchors that it does not repeat itself. A name can stand for one thing only. */
export function withoutAnchors({ lines }: Snippet): Snippet {
  const tree = parsed(lines);
  let { text } = tree;
  const used = new Set(aliasesIn(tree.root));
  const anchored = [...tree.anchors].flatMap(([name, nodes]) => (used.has(name) ? [] : nodes));
  for (const at of anchored.map((node) => tree.from(node)).sort((a, b) => b - a)) {
    const before = text.slice(0, at);
    const rest = text.slice(at).replace(/^((?:!\S*\s+)?)&[^\s,[\]{}]+[ \t]*/, "$1");
    // A mapping in the lines below its dash may stand behind it now.
    const column = before.length - before.lastIndexOf("\n") - 1;
    const isBelow = before.endsWith("- ") && new RegExp(`^\\n {${column}}(?=\\S)`).test(rest);
    text = isBelow
      ? before + rest.slice(column + 1)
      : before.replace(/[ \t]+$/, rest.startsWith("\n") ? "" : "$&") + rest;
  }
  return { lines: splitLines(text).slice(0, -1) };
}

/** With a last newline, as a block scalar at the end has it in its place. */
function parsed(lines: readonly string[]): Tree {
  return Tree.parse(lines.map((each) => `${each}\n`).join(""));
}

/** The names of the aliases in a value. */
export function aliasesIn(node: Node): string[] {
  if (node.kind === "alias") return [node.name];
  if (!isCollection(node)) return [];
  return node.entries.flatMap((each) => [...(each.key ? aliasesIn(each.key) : []), ...aliasesIn(each.value)]);
}

/** The item in flow style on one line, and its comments. */
export function flowOf({ lines }: Snippet, layout: Layout): { inline: string; comments: readonly string[] } {
  const tree = parsed(lines);
  const { root } = tree;
  const node = root.kind === "sequence" ? root.entries[0]?.value : undefined;
  return { inline: node ? flowNode(tree, node, layout) : "", comments: commentsIn(tree) };
}

function flowNode(tree: Tree, node: Node, layout: Layout): string {
  const props = tree.text.slice(tree.from(node), tree.inner(node)).trim();
  const value = flowValue(tree, node, layout);
  return props ? `${props} ${value}` : value;
}

function flowValue(tree: Tree, node: Node, layout: Layout): string {
  if (node.kind === "alias") return tree.text.slice(tree.inner(node), tree.to(node));
  if (node.kind === "empty") return "null";
  if (node.kind === "scalar") return flowScalar(tree, node, layout);
  const entries = node.entries.map((each) => {
    const value = flowNode(tree, each.value, layout);
    return each.key ? `${flowNode(tree, each.key, layout)}: ${value}` : value;
  });
  return node.kind === "mapping" ? braced(entries, layout) : `[${entries.join(", ")}]`;
}

function flowScalar(tree: Tree, node: Extract<Node, { kind: "scalar" }>, layout: Layout): string {
  const source = tree.text.slice(tree.inner(node), tree.to(node));
  const isOneLine = !source.includes("\n") && node.body === undefined;
  if (isOneLine && (node.style !== "plain" || !/[\][{},]|^[-?:]\S/.test(source))) return source;
  if (node.style === "plain" && !source.includes("\n")) return textOf(node.text, layout, { isFlow: true }).head;
  return flowText(node.text, layout);
}

/** The comments of a text. */
export function commentsIn(tree: Tree): string[] {
  const leaves: [number, number][] = [];
  const visit = (node: Node) => {
    if (!isCollection(node)) {
      leaves.push([tree.body(node) ?? tree.from(node), tree.to(node)]);
      return;
    }
    for (const entry of node.entries) {
      if (entry.key) visit(entry.key);
      visit(entry.value);
    }
  };
  visit(tree.root);
  const ends = [0, ...leaves.map((each) => each[1])];
  const begins = [...leaves.map((each) => each[0]), tree.text.length];
  return ends.flatMap((end, index) => {
    const gap = tree.text.slice(end, begins[index]);
    return [...gap.matchAll(/(?:^|[\s,[\]{}])(#[^\n\r]*)/g)].map((found) => (found[1] ?? "").trimEnd());
  });
}
