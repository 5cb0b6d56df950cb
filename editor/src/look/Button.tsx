import type { ReactNode } from "react";
import { Button as AriaButton, type ButtonProps, Tooltip, TooltipTrigger } from "react-aria-components";
import { Icon, type IconName } from "./Icon";

interface Look {
  /** The one that is likely wanted (`pri`), or one without a border (`quiet`). */
  readonly kind?: "pri" | "quiet";
  readonly small?: boolean;
}

type Props = Omit<ButtonProps, "className" | "children" | "style"> & Look & { readonly children: ReactNode };

const classes = ({ kind, small }: Look, more = "") => `btn${kind ? ` ${kind}` : ""}${small ? " sm" : ""}${more}`;

export function Button({ kind, small, children, ...rest }: Props) {
  return (
    <AriaButton {...rest} className={classes({ ...(kind && { kind }), ...(small && { small }) })}>
      {children}
    </AriaButton>
  );
}

interface IconProps extends Omit<Props, "children"> {
  readonly icon: IconName;
  /** What it does: its accessible name, and the first part of its tooltip. */
  readonly label: string;
  /** The key that does the same, for the tooltip. */
  readonly keys?: string;
}

/** A button without a word. */
export function IconButton({ icon, label, keys, kind, small, ...rest }: IconProps) {
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      <AriaButton
        {...rest}
        aria-label={label}
        className={classes({ ...(kind && { kind }), ...(small && { small }) }, " icon")}
      >
        <Icon name={icon} />
      </AriaButton>
      <Tooltip className="tooltip" offset={4}>
        {label}
        {keys && <kbd>{keys}</kbd>}
      </Tooltip>
    </TooltipTrigger>
  );
}
