import { lazy, Suspense } from "react";
import type { Kind } from "../model";
import { Area, Line } from "./widgets/Line";
import { FlowPick, Pick, Toggle } from "./widgets/Pick";
import { Group, ListRows, MapRows } from "./widgets/Rows";
import { shownValue, type WidgetProps } from "./widgets/widget";
import { Yaml } from "./widgets/Yaml";

const ExpressionField = lazy(() => import("./widgets/Expression"));

/** The right widget for a kind of value. */
export function Widget(props: WidgetProps) {
  const { kind } = props;
  switch (kind.type) {
    case "expression":
      return (
        <Suspense fallback={<Area id={props.id} text={shownValue(props.value)} onChange={() => undefined} />}>
          <ExpressionField {...props} kind={kind} />
        </Suspense>
      );
    case "bool":
      return <Toggle {...props} />;
    case "choice":
      return <Pick {...props} kind={kind} />;
    case "flow":
      return <FlowPick {...props} />;
    case "list":
      return <ListRows {...props} kind={kind} />;
    case "map":
      return <MapRows {...props} kind={kind} />;
    case "object":
      return <Group {...props} kind={kind} />;
    case "any":
      return <Any {...props} kind={kind} />;
    default:
      return <Line {...props} />;
  }
}

/** One of several kinds: the widget of the one that the value is of, else plain YAML. */
function Any(props: WidgetProps<Extract<Kind, { type: "any" }>>) {
  const { kind, value } = props;
  const simple = kind.of?.find((each) => ["text", "expression", "duration", "int", "number"].includes(each.type));
  const isSimple = value === undefined || ["string", "number"].includes(typeof value);
  return simple && isSimple ? <Widget {...props} kind={simple} /> : <Yaml {...props} />;
}
