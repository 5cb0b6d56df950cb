import type { ReactNode } from "react";
import { Button, ListBox, ListBoxItem, Popover, Select, SelectValue } from "react-aria-components";
import { Icon } from "./Icon";

interface Props {
  readonly label: string;
  /** The chosen one; null shows `placeholder`. */
  readonly value: string | null;
  readonly choices: readonly { readonly value: string; readonly text: string; readonly says?: ReactNode }[];
  readonly placeholder?: string;
  /** Drawn as active: something other than the usual is chosen. */
  readonly active?: boolean;
  readonly wide?: boolean;
  readonly onChange: (value: string) => void;
}

/** One of several, in a list that opens. */
export function Choice({ label, value, choices, placeholder, active, wide, onChange }: Props) {
  return (
    <Select
      aria-label={label}
      value={value}
      placeholder={placeholder ?? "—"}
      className={wide ? "choice wide-choice" : "choice"}
      onChange={(key) => key !== null && onChange(String(key))}
    >
      <Button className={active ? "sel act" : "sel"}>
        <SelectValue className="cut grow" />
        <Icon name="down" small />
      </Button>
      <Popover className="menu" offset={4}>
        <ListBox items={choices.map((each) => ({ ...each, id: each.value }))}>
          {(each) => (
            <ListBoxItem className="menu-i" textValue={each.text}>
              <span className="cut">{each.text}</span>
              {each.says && <span className="muted cut">{each.says}</span>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}
