import { Button, Menu, MenuItem, MenuTrigger, Popover } from "react-aria-components";
import { Icon, type IconName } from "./Icon";

export interface Action {
  readonly id: string;
  readonly text: string;
  readonly keys?: string;
  readonly icon?: IconName;
  readonly disabled?: boolean;
  readonly act: () => void;
}

interface Props {
  readonly label: string;
  readonly icon: IconName;
  readonly actions: readonly Action[];
}

/** A button that opens a list of things to do. */
export function Actions({ label, icon, actions }: Props) {
  return (
    <MenuTrigger>
      <Button className="btn quiet icon sm" aria-label={label}>
        <Icon name={icon} />
      </Button>
      <Popover className="menu" offset={4}>
        <Menu
          items={actions}
          disabledKeys={actions.filter((each) => each.disabled).map((each) => each.id)}
          onAction={(id) => actions.find((each) => each.id === id)?.act()}
        >
          {(each) => (
            <MenuItem className="menu-i" textValue={each.text}>
              {each.icon && <Icon name={each.icon} />}
              <span className="grow">{each.text}</span>
              {each.keys && <kbd>{each.keys}</kbd>}
            </MenuItem>
          )}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}
