import { useState } from "react";
import type { Seen, Step } from "../client/types";
import { Segments } from "../look/Segments";

type Shown = "diff" | "in" | "out";

const CHOICES = [
  { value: "diff", shown: "Diff" },
  { value: "in", shown: "In" },
  { value: "out", shown: "Out" },
] as const;

/** More of a value than this is cut: the page stays quick with megabytes of data. */
const LONGEST = 20_000;

/** What a step did to the message: what it changed first, what stayed the same below. */
export function Change({ step }: { readonly step: Step }) {
  const [shown, show] = useState<Shown>("diff");
  const { input, output, error } = step;
  return (
    <section aria-label="What it did">
      <div className="ph">
        <b className="cut">{step.address.split(".").at(-1)}</b>
        <span className="grow" />
        <Segments label="Shown" value={shown} choices={CHOICES} onChange={show} />
      </div>
      {error && (
        <p className="prob bad">
          {error.message} {error.code && <code>{error.code}</code>}
        </p>
      )}
      {shown === "diff" ? <Diff step={step} /> : <Whole seen={shown === "in" ? input : output} />}
    </section>
  );
}

function Whole({ seen }: { readonly seen: Seen | null }) {
  if (!seen) return <p className="nothing">Nothing came out.</p>;
  return (
    <div className="diff">
      <span>body {text(seen.body)}</span>
      {Object.entries(seen.vars).map(([name, value]) => (
        <span key={name}>
          vars.{name} {text(value)}
        </span>
      ))}
    </div>
  );
}

function Diff({ step: { input, output, changed } }: { readonly step: Step }) {
  const after = output ?? input;
  const same = Object.keys(input.vars).filter((each) => !changed.set.includes(each) && !changed.unset.includes(each));
  return (
    <div className="diff">
      {changed.body && (
        <>
          <span className="r">
            <i>-</i>body {text(input.body)}
          </span>
          <span className="a">
            <i>+</i>body {text(after.body)}
          </span>
        </>
      )}
      {changed.set.map((name) => (
        <span key={name} className="a">
          <i>+</i>vars.{name} {text(after.vars[name])}
        </span>
      ))}
      {changed.unset.map((name) => (
        <span key={name} className="r">
          <i>-</i>vars.{name} {text(input.vars[name])}
        </span>
      ))}
      {!changed.body && (
        <span className="c">
          <i />
          body {text(input.body)}
        </span>
      )}
      {same.map((name) => (
        <span key={name} className="c">
          <i />
          vars.{name} {text(input.vars[name])}
        </span>
      ))}
    </div>
  );
}

export function text(value: unknown): string {
  const found = JSON.stringify(value) ?? "";
  return found.length > LONGEST ? `${found.slice(0, LONGEST)}… ${found.length.toLocaleString()} characters` : found;
}
