import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { Canvas } from "../canvas/Canvas";
import { Inspector } from "../forms/Inspector";
import { Left } from "../outline/Left";
import { Panel } from "../panel/Panel";
import { useDesk, useStore } from "../state/context";
import { Clashes } from "./Clashes";
import { Compose } from "./Compose";
import { Find } from "./Find";
import "./frame.css";
import { shown } from "./keys";
import { SubBar } from "./SubBar";
import { TopBar } from "./TopBar";
import { useKeys } from "./useKeys";

const TextView = lazy(() => import("../text/TextView"));

interface Props {
  readonly name: string;
  readonly mac: boolean;
  readonly nonce: string;
}

export function App({ name, mac, nonce }: Props) {
  const { editor, view } = useDesk();
  const mode = useStore(view.mode);
  const theme = useStore(view.theme);
  const files = useStore(editor.integration, (integration) => integration.files);
  const chosen = useStore(view.file);
  const path = files.has(chosen) ? chosen : (files.keys().next().value ?? "");
  const [isFinding, find] = useState(false);
  const onFind = useCallback(() => find(true), []);
  const [isComposing, compose] = useState(false);
  const onCompose = useCallback(() => compose(true), []);
  useKeys({ mac, onFind });
  const notice = useStore(editor.notice);
  useEffect(() => {
    document.documentElement.dataset.theme = theme;
  }, [theme]);
  const text = (
    <Suspense fallback={null}>
      <TextView key={path} path={path} nonce={nonce} />
    </Suspense>
  );
  return (
    <div className={mode === "split" || mode === "text" ? "app two" : "app"}>
      <TopBar name={name} mac={mac} onCompose={onCompose} />
      <Left onFind={onFind} findKeys={shown("find", mac)} />
      <main className="mid">
        <SubBar mac={mac} />
        {mode === "split" ? (
          <div className="halves">
            <div>
              <Canvas />
            </div>
            <div>{text}</div>
          </div>
        ) : mode === "text" ? (
          text
        ) : (
          <Canvas />
        )}
      </main>
      {mode !== "split" && mode !== "text" && <Inspector />}
      <Panel keys={shown("panel", mac)} onCompose={onCompose} />
      <p className="notice" role="status">
        {notice}
      </p>
      <Clashes />
      {isComposing && <Compose onClose={() => compose(false)} />}
      {isFinding && <Find onClose={() => find(false)} />}
    </div>
  );
}
