import type { ReactNode } from "react";
import { Switch as AriaSwitch } from "react-aria-components";

interface Props {
  readonly on: boolean;
  readonly onChange: (on: boolean) => void;
  readonly label?: string;
  readonly children?: ReactNode;
}

export function Switch({ on, onChange, label, children }: Props) {
  return (
    <AriaSwitch className="sw-row" isSelected={on} onChange={onChange} {...(label && { "aria-label": label })}>
      <span className={on ? "sw on" : "sw"} />
      {children}
    </AriaSwitch>
  );
}
