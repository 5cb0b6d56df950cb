import { useEffect, useRef } from "react";
import { useDesk, useStore } from "../state/context";

/** So many of the newest lines are drawn. */
const DRAWN = 500;
/** Within so many pixels of the end it stays at the end. */
const NEAR = 24;

/** What the run says, the newest at the end. */
export function Logs() {
  const { running } = useDesk();
  const lines = useStore(running.log);
  const { state, reason } = useStore(running.run);
  const place = useRef<HTMLOListElement>(null);
  const isAtEnd = useRef(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines move the end
  useEffect(() => {
    if (isAtEnd.current && place.current) place.current.scrollTop = place.current.scrollHeight;
  }, [lines]);
  if (lines.length === 0) {
    return <p className="nothing">{state === "stopped" ? "Nothing runs." : reason || "It has said nothing yet."}</p>;
  }
  return (
    <ol
      className="loglines"
      ref={place}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by the keyboard
      tabIndex={0}
      aria-label="Log"
      onScroll={(event) => {
        const { scrollHeight, scrollTop, clientHeight } = event.currentTarget;
        isAtEnd.current = scrollHeight - scrollTop - clientHeight < NEAR;
      }}
    >
      {lines.slice(-DRAWN).map((each, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: lines only ever come behind others
        <li key={index} className={/warn|error/.test(each.level) ? each.level : ""}>
          <span className="muted num">{each.at.slice(11, 23)}</span>
          <span className={each.level === "error" ? "bad" : each.level.startsWith("warn") ? "warn" : "muted"}>
            {each.level || "print"}
          </span>
          <code>
            {each.text}
            {Object.entries(each.fields).map(([name, value]) => (
              <span key={name} className="muted">
                {" "}
                {name}={typeof value === "string" ? value : JSON.stringify(value)}
              </span>
            ))}
          </code>
        </li>
      ))}
    </ol>
  );
}
