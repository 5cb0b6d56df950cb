import { useEffect, useId, useRef, useState } from "react";
import type { Completion } from "../../client/types";
import { useDesk } from "../../state/context";
import { ExpressionText, type Host } from "./ExpressionText";
import { shownValue, type WidgetProps } from "./widget";

/** How long it waits for the next key before it asks, in milliseconds. */
const PAUSE = 80;
const MOST = 8;

interface Suggested {
  readonly from: number;
  readonly to: number;
  readonly items: readonly Completion[];
  readonly chosen: number;
}

const NONE: Suggested = { from: 0, to: 0, items: [], chosen: 0 };

/** An expression, with what may be written at the cursor below it: docked, so that it covers neither text nor result. */
export default function Expression({ id, label, value, fallback, address, file, isRequired, onChange }: WidgetProps) {
  const { editor } = useDesk();
  const place = useRef<HTMLDivElement>(null);
  const made = useRef<ExpressionText | null>(null);
  const list = useId();
  const [suggested, suggest] = useState(NONE);
  const [at, move] = useState<{ readonly text: string; readonly offset: number } | null>(null);
  const text = shownValue(value);
  const accept = (index: number): boolean => {
    const item = suggested.items[index];
    if (item) made.current?.write(suggested.from, suggested.to, written(item));
    return item !== undefined;
  };
  const host: Host = {
    typed: (next) => onChange(next === "" && !isRequired ? undefined : next),
    moved: (next, offset) => move({ text: next, offset }),
    left: () => {
      move(null);
      suggest(NONE);
    },
    accept: () => accept(suggested.chosen),
    choose: (step) => {
      const count = suggested.items.length;
      if (count > 0) suggest({ ...suggested, chosen: (suggested.chosen + step + count) % count });
      return count > 0;
    },
  };
  // The text outlives many renderings, and always speaks to the latest one.
  const latest = useRef(host);
  useEffect(() => {
    latest.current = host;
  });

  const placeholder = shownValue(fallback);
  useEffect(() => {
    if (!place.current) return undefined;
    const speaking: Host = {
      typed: (next) => latest.current.typed(next),
      moved: (next, offset) => latest.current.moved(next, offset),
      left: () => latest.current.left(),
      accept: () => latest.current.accept(),
      choose: (step) => latest.current.choose(step),
    };
    const shown = new ExpressionText(place.current, { id, label, list, fallback: placeholder }, speaking);
    made.current = shown;
    return () => shown.close();
  }, [id, label, list, placeholder]);

  useEffect(() => made.current?.show(text), [text]);

  useEffect(() => {
    if (!at) return undefined;
    const asking = new AbortController();
    const waiting = setTimeout(async () => {
      const asked = { expression: at.text, offset: at.offset, address, file };
      const found = await editor.complete(asked, asking.signal).catch(() => null);
      if (!asking.signal.aborted) suggest(found ? { ...found, items: found.items.slice(0, MOST), chosen: 0 } : NONE);
    }, PAUSE);
    return () => {
      clearTimeout(waiting);
      asking.abort();
    };
  }, [editor, at, address, file]);

  return (
    <div className="wb">
      <div ref={place} className="wb-t" />
      {suggested.items.length > 0 && (
        <div className="pop" id={list} role="listbox" aria-label="Completions">
          {suggested.items.map((item, index) => (
            <div
              key={`${item.kind} ${item.name}`}
              className="pop-i"
              role="option"
              tabIndex={-1}
              aria-selected={index === suggested.chosen}
              onMouseDown={(event) => {
                event.preventDefault();
                accept(index);
              }}
            >
              <code className="cut">{item.name}</code>
              <span className="cut">{item.type}</span>
              <span className="k-s mono cut">{item.sample}</span>
            </div>
          ))}
        </div>
      )}
    </div>
  );
}

const written = ({ kind, name }: Completion) => (kind === "function" || kind === "macro" ? `${name}(` : name);
