import { IconButton } from "../look/Button";
import { Icon, type IconName } from "../look/Icon";
import { Segments } from "../look/Segments";
import { useDesk, useStore } from "../state/context";
import type { Mode } from "../state/view";
import { shown } from "./keys";

const MODES: readonly { readonly value: Mode; readonly icon: IconName; readonly text: string }[] = [
  { value: "canvas", icon: "canvas", text: "Canvas" },
  { value: "split", icon: "split", text: "Split" },
  { value: "text", icon: "text", text: "Text" },
];

/** How the project is looked at, and what takes back. */
export function SubBar({ mac }: { readonly mac: boolean }) {
  const { editor, view } = useDesk();
  const mode = useStore(view.mode);
  useStore(editor.integration);
  const choices = MODES.map(({ value, icon, text }) => ({
    value,
    shown: (
      <>
        <Icon name={icon} />
        {text}
      </>
    ),
  }));
  return (
    <div className="sub">
      <Segments label="View" value={mode} choices={choices} onChange={(value) => view.mode.set(value)} />
      <span className="grow" />
      <span className="group">
        <IconButton
          icon="undo"
          label="Undo"
          keys={shown("undo", mac)}
          small
          isDisabled={editor.history.get().past.length === 0}
          onPress={() => editor.undo()}
        />
        <IconButton
          icon="redo"
          label="Redo"
          keys={shown("redo", mac)}
          small
          isDisabled={editor.history.get().future.length === 0}
          onPress={() => editor.redo()}
        />
      </span>
    </div>
  );
}
