import { useEffect, useMemo, useRef } from "react";
import { type Change, offsetOf, only, thingAt } from "../model";
import { useDesk, useStore } from "../state/context";
import { type Host, type Marks, NO_MARKS, TextEditor } from "./TextEditor";
import "./text.css";

interface Props {
  readonly path: string;
  readonly nonce: string;
}

/** The text of a file, joined with the canvas: one selection, one history. */
export default function TextView({ path, nonce }: Props) {
  const { editor } = useDesk();
  const place = useRef<HTMLDivElement>(null);
  const text = useRef<TextEditor | null>(null);
  const marks = useTextMarks(path);

  useEffect(() => {
    if (!place.current) return undefined;
    let isTyping = false;
    const host: Host = {
      typed(change) {
        isTyping = true;
        editor.edit(new Map([[path, change]]), `text ${path}`);
        isTyping = false;
      },
      cursorMoved(offset) {
        const found = thingAt(editor.integration.get(), path, offset);
        if (found) editor.selection.set(only(found.key));
      },
      complete: async () => null,
      explain: async () => null,
    };
    const made = new TextEditor(place.current, host, `The text of ${path}`, nonce);
    made.show(editor.textOf(path));
    text.current = made;
    const follow = (of: string, change: Change) => {
      if (of === path && !isTyping) made.apply(change);
    };
    editor.changes.add(follow);
    return () => {
      editor.changes.delete(follow);
      made.close();
      text.current = null;
    };
  }, [editor, path, nonce]);

  useEffect(() => text.current?.mark(marks), [marks]);

  const last = useStore(editor.selection, (selection) => selection.focus);
  useEffect(() => {
    const range = last === undefined ? undefined : rangeOf(editor.integration.get().files.get(path), last);
    if (range) text.current?.reveal(range, false);
  }, [editor, path, last]);

  return <div className="text" ref={place} />;
}

function rangeOf(file: FlowFileLike | undefined, key: string) {
  const entry = file && entriesOf(file).get(key);
  return entry && file.tree.range(entry);
}

type FlowFileLike = NonNullable<
  ReturnType<ReturnType<typeof useDesk>["editor"]["integration"]["get"]>["files"] extends ReadonlyMap<string, infer F>
    ? F
    : never
>;

/** The entry of every flow, source, block and connector of a file, by key. */
function entriesOf(file: FlowFileLike) {
  const found = new Map(file.connectors.map((each) => [each.key, each.entry]));
  const visit = (lane: (typeof file.flows)[number]["process"]) => {
    for (const block of lane.blocks) {
      found.set(block.key, block.entry);
      block.lanes.forEach(visit);
    }
  };
  for (const flow of file.flows) {
    found.set(flow.key, flow.entry);
    if (flow.source) found.set(flow.source.key, flow.source.entry);
    visit(flow.process);
    if (flow.error) visit(flow.error);
  }
  return found;
}

function useTextMarks(path: string): Marks {
  const { editor } = useDesk();
  const checking = useStore(editor.checking);
  const selection = useStore(editor.selection);
  const file = useStore(editor.integration, (integration) => integration.files.get(path));
  return useMemo(() => {
    if (!file) return NO_MARKS;
    const entries = entriesOf(file);
    const selected = [...selection.keys].flatMap((key) => {
      const entry = entries.get(key);
      return entry ? [file.tree.range(entry)] : [];
    });
    const told = (problems: typeof checking.problems, severity: "error" | "warning") =>
      problems
        .filter((each) => each.file === path)
        .map((each) => {
          const from = offsetOf(file.tree.text, each.line, each.column);
          const end = file.tree.text.indexOf("\n", from);
          return { from, to: end < 0 ? file.tree.text.length : end, severity, message: each.message };
        });
    const problems = checking.isCurrent
      ? [...told(checking.problems, "error"), ...told(checking.warnings, "warning")]
      : [];
    return { ...NO_MARKS, selected, problems };
  }, [file, checking, selection, path]);
}
