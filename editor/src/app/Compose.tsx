import { Button } from "../look/Button";
import { Choice } from "../look/Choice";
import { Dialog } from "../look/Dialog";
import { useDesk, useStore } from "../state/context";
import { time } from "../state/shown";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/** A request to a flow that runs, and its response. */
export function Compose({ onClose }: { readonly onClose: () => void }) {
  const { running } = useDesk();
  const request = useStore(running.request);
  const reply = useStore(running.reply);
  const flows = useStore(running.run, (run) => run.flows).filter((each) => each.url !== null);
  const [first] = flows;
  const url = request.url || (first?.url ?? "");
  const change = (part: Partial<typeof request>) => running.request.update((before) => ({ ...before, url, ...part }));
  const send = () => {
    change({});
    void running.send();
  };
  return (
    <Dialog
      title="Request"
      onClose={onClose}
      foot={
        <>
          <span className="muted grow">{flows.length === 0 ? "Run it first: no flow takes requests now." : ""}</span>
          <Button kind="pri" isDisabled={url === ""} onPress={send}>
            Send
          </Button>
        </>
      }
    >
      <div className="compose">
        <div className="compose-l">
          <Choice
            label="Method"
            value={request.method ?? "GET"}
            choices={METHODS.map((each) => ({ value: each, text: each }))}
            onChange={(method) => change({ method })}
          />
          <span className="inp">
            <input
              className="grow mono"
              aria-label="URL"
              value={url}
              spellCheck={false}
              onChange={(event) => change({ url: event.target.value })}
            />
          </span>
        </div>
        <textarea
          className="area mono"
          aria-label="Body"
          placeholder="Body"
          rows={6}
          spellCheck={false}
          value={request.body ?? ""}
          onChange={(event) => change({ body: event.target.value })}
        />
        {reply && (
          <section aria-label="Response" className="reply">
            <p>
              <b className={reply.status >= 400 ? "bad" : "ok"}>{reply.status}</b>{" "}
              <span className="muted">{time(reply.milliseconds)}</span>
            </p>
            <pre>{reply.text ?? "(bytes)"}</pre>
          </section>
        )}
      </div>
    </Dialog>
  );
}
