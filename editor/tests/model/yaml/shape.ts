/** The whole of a tree with places in the text, for comparing. */

import type { Entry, Node } from "../../../src/model/yaml/node";
import type { Tree } from "../../../src/model/yaml/tree";

export function shape(tree: Tree): unknown {
  const entry = (each: Entry): unknown => ({
    from: tree.from(each),
    mark: tree.mark(each),
    ...(each.key ? { key: node(each.key) } : {}),
    value: node(each.value),
  });
  const node = (each: Node): unknown => {
    const { kind, anchor, tag } = each;
    const place = { kind, anchor, tag, ...tree.range(each), inner: tree.inner(each) };
    if (each.kind === "scalar") return { ...place, style: each.style, text: each.text, body: tree.body(each) };
    if (each.kind === "mapping" || each.kind === "sequence") {
      const { style, column } = each;
      return { ...place, style, column, entries: each.entries.map(entry) };
    }
    return place;
  };
  return { root: node(tree.root), problems: tree.problems.sort((a, b) => a.from - b.from || a.to - b.to) };
}
