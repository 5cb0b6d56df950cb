import { Button, IconButton } from "../look/Button";
import { Icon } from "../look/Icon";
import { useDesk, useStore } from "../state/context";
import { shown } from "./keys";
import { RunBar } from "./RunBar";

interface Props {
  readonly name: string;
  readonly mac: boolean;
  readonly onCompose: () => void;
}

export function TopBar({ name, mac, onCompose }: Props) {
  const { editor, view } = useDesk();
  useStore(editor.integration);
  useStore(editor.saved);
  const { problems, warnings } = useStore(editor.checking);
  const theme = useStore(view.theme);
  const unsaved = editor.unsaved.length;
  return (
    <header className="top">
      <span className="brand">
        <Octopus />
      </span>
      <div className="crumb">
        <b className="cut">{name}</b>
        {unsaved > 0 && <i className="unsaved" role="img" title="not saved" aria-label="not saved" />}
      </div>
      <span className="vr" />
      <RunBar mac={mac} onCompose={onCompose} />
      <span className="grow" />
      <Button
        kind="quiet"
        onPress={() => view.show("problems")}
        aria-label={`${problems.length} problems, ${warnings.length} warnings`}
      >
        <Icon name="err" className={problems.length > 0 ? "bad" : "muted"} />
        <span className="num">{problems.length}</span>
        <Icon name="warn" className={warnings.length > 0 ? "warn" : "muted"} />
        <span className="num">{warnings.length}</span>
      </Button>
      <IconButton
        icon={theme === "light" ? "moon" : "sun"}
        label={theme === "light" ? "Dark theme" : "Light theme"}
        kind="quiet"
        onPress={() => view.theme.set(theme === "light" ? "dark" : "light")}
      />
      <Button kind="pri" isDisabled={unsaved === 0} onPress={() => void editor.save()}>
        Save<kbd className="wide">{shown("save", mac)}</kbd>
      </Button>
    </header>
  );
}

function Octopus() {
  return (
    <svg viewBox="0 0 22 22" role="img" aria-label="Octo" className="octopus">
      <path d="M11 2.5a5.8 5.8 0 0 1 5.8 5.8c0 2.2-.9 3.3-.9 5.2 0 2 1.5 3 3.1 3M11 2.5a5.8 5.8 0 0 0-5.8 5.8c0 2.2.9 3.3.9 5.2 0 2-1.5 3-3.1 3M9.3 13c0 3-.6 4.6-2.3 6M12.7 13c0 3 .6 4.6 2.3 6" />
      <path className="eyes" d="M8.9 8.8v.01M13.1 8.8v.01" />
    </svg>
  );
}
