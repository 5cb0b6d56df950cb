import { Button, IconButton } from "../look/Button";
import { Icon } from "../look/Icon";
import { useDesk, useStore } from "../state/context";
import { shown } from "./keys";

interface Props {
  readonly mac: boolean;
  readonly onCompose: () => void;
}

const WORDS = { stopped: "Stopped", starting: "Starting", running: "Running", failed: "Failed" } as const;
const DOTS = { stopped: "ring", starting: "warn", running: "ok", failed: "bad" } as const;

/** Run and stop, and where what runs is called. */
export function RunBar({ mac, onCompose }: Props) {
  const { running, view } = useDesk();
  const { state, flows, reason, reasons } = useStore(running.run);
  const url = flows.find((each) => each.url !== null)?.url ?? null;
  const isOff = state === "stopped" || state === "failed";
  const begin = () => {
    view.show("logs");
    void running.start(view.file.get() || running.path);
  };
  return (
    <>
      <span className="runst" title={reason || reasons.join("\n")}>
        <span className={`dot ${DOTS[state]}`} />
        <span className="wide">{WORDS[state]}</span>
      </span>
      <Button onPress={() => (isOff ? begin() : void running.stop())}>
        <Icon name={isOff ? "play" : "stop"} />
        {isOff ? "Run" : "Stop"}
        <kbd className="wide">{shown(isOff ? "run" : "stop", mac)}</kbd>
      </Button>
      {url !== null && (
        <div className="url">
          <code className="cut">{url.replace(/^https?:\/\//, "")}</code>
          <IconButton
            icon="copy"
            label="Copy the URL"
            kind="quiet"
            small
            onPress={() => void navigator.clipboard.writeText(url)}
          />
          <IconButton icon="send" label="Compose a request" kind="quiet" small onPress={onCompose} />
        </div>
      )}
    </>
  );
}
