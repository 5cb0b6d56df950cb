import { useEffect, useState } from "react";
import { dataOf, Tree, type Value } from "../../model";
import { Area } from "./Line";
import { shownValue, type WidgetProps } from "./widget";

/** Any value, as YAML. While what is typed is no YAML, nothing is written. */
export function Yaml({ id, value, isRequired, onChange }: WidgetProps) {
  const [typed, type] = useState(() => shownValue(value));
  const [isWrong, setWrong] = useState(false);
  useEffect(() => {
    type((before) => (same(parsed(before), value) ? before : shownValue(value)));
  }, [value]);
  return (
    <>
      <Area
        id={id}
        text={typed}
        onChange={(text) => {
          type(text);
          const found = parsed(text);
          setWrong(found === undefined && text.trim() !== "");
          if (text.trim() === "") onChange(isRequired ? "" : undefined);
          else if (found !== undefined) onChange(found);
        }}
      />
      {isWrong && <span className="bad help">This is no YAML yet.</span>}
    </>
  );
}

function parsed(text: string): Value | undefined {
  const tree = Tree.parse(text);
  return tree.problems.length > 0 || text.trim() === "" ? undefined : dataOf(tree, tree.root);
}

const same = (a: Value | undefined, b: Value | undefined) => JSON.stringify(a) === JSON.stringify(b);
