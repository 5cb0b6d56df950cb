import sprite from "./icons.svg?url&no-inline";

/** The names of the symbols in icons.svg. */
export type IconName =
  | "body"
  | "book"
  | "brk"
  | "canvas"
  | "chart"
  | "check"
  | "clock"
  | "copy"
  | "db"
  | "del"
  | "deploy"
  | "down"
  | "err"
  | "ext"
  | "eye"
  | "file"
  | "filter"
  | "fit"
  | "flask"
  | "flow"
  | "folder"
  | "fork"
  | "gear"
  | "globe"
  | "grid"
  | "hist"
  | "if"
  | "inbox"
  | "info"
  | "key"
  | "layers"
  | "link"
  | "list"
  | "lock"
  | "log"
  | "loop"
  | "map"
  | "moon"
  | "more"
  | "oneway"
  | "pause"
  | "pen"
  | "play"
  | "plug"
  | "plus"
  | "queue"
  | "redo"
  | "ref"
  | "reply"
  | "right"
  | "search"
  | "send"
  | "shield"
  | "spark"
  | "split"
  | "stop"
  | "sun"
  | "swap"
  | "switch"
  | "text"
  | "trace"
  | "undo"
  | "up"
  | "user"
  | "user2"
  | "var"
  | "warn"
  | "x";

interface Props {
  readonly name: IconName;
  /** 12 px in place of 16. */
  readonly small?: boolean;
  readonly className?: string;
  /** What it says where no word stands beside it; without it the icon is hidden from screen readers. */
  readonly label?: string;
}

export function Icon({ name, small, className, label }: Props) {
  const classes = `i${small ? " s" : ""}${className ? ` ${className}` : ""}`;
  return (
    <svg className={classes} role={label ? "img" : undefined} aria-label={label} aria-hidden={label ? undefined : true}>
      <use href={`${sprite}#${name}`} />
    </svg>
  );
}
