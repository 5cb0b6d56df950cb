import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { Api, ApiError } from "../client/api";
import { listen } from "../client/events";
import type { FilesEvent } from "../client/types";
import { nonce } from "../look/nonce";
import type { Catalogue } from "../model";
import { DeskProvider } from "../state/context";
import { Editor } from "../state/editor";
import { Running } from "../state/running";
import { View } from "../state/view";
import { App } from "./App";
import "../look/tokens.css";
import "../look/base.css";
import "../look/controls.css";
import "../look/menus.css";

/** How long it waits after a change before it asks what is wrong, in milliseconds. */
const PAUSE = 250;

async function start(place: HTMLElement): Promise<void> {
  const root = createRoot(place);
  const api = new Api();
  try {
    const session = await api.enter();
    const editor = new Editor(api, (await api.catalogue()) as Catalogue);
    await editor.open();
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const view = new View(isDark ? "dark" : "light");
    const running = new Running(editor);
    follow(editor, running);
    const mac = /mac/i.test(navigator.userAgent);
    root.render(
      <QueryClientProvider client={new QueryClient()}>
        <DeskProvider desk={{ editor, view, running }}>
          <App name={session.name} mac={mac} nonce={nonce()} />
        </DeskProvider>
      </QueryClientProvider>,
    );
    void editor.check();
    void running.sync();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    root.render(
      <main className="refused">
        <h1>{error.message}</h1>
        <p>{error.refusal.hint}</p>
      </main>,
    );
  }
}

/** Check after each change, and read what changes on the disk. */
function follow(editor: Editor, running: Running): void {
  let waiting: ReturnType<typeof setTimeout> | undefined;
  editor.integration.subscribe(() => {
    clearTimeout(waiting);
    waiting = setTimeout(() => void editor.check(), PAUSE);
  });
  const listener = {
    event({ kind, data }: { readonly kind: string; readonly data: unknown }) {
      running.event(kind, data);
      if (kind !== "files") return;
      const { changed, gone } = data as FilesEvent;
      for (const each of changed) void editor.refresh(each);
      for (const path of gone) editor.gone(path);
    },
    isHere: () => undefined,
  };
  void listen(editor.api, listener, new AbortController().signal);
}

const place = document.getElementById("root");
if (place) void start(place);
