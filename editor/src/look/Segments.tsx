import type { ReactNode } from "react";
import { ToggleButton, ToggleButtonGroup } from "react-aria-components";

interface Props<T extends string> {
  readonly label: string;
  readonly value: T;
  readonly choices: readonly { readonly value: T; readonly shown: ReactNode }[];
  readonly onChange: (value: T) => void;
}

/** A few choices, all of them in sight; one is chosen. */
export function Segments<T extends string>({ label, value, choices, onChange }: Props<T>) {
  return (
    <ToggleButtonGroup
      className="seg"
      aria-label={label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const [chosen] = keys;
        const found = choices.find((each) => each.value === chosen);
        if (found) onChange(found.value);
      }}
    >
      {choices.map((each) => (
        <ToggleButton key={each.value} id={each.value}>
          {each.shown}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}
