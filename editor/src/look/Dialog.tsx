import type { ReactNode } from "react";
import { Dialog as AriaDialog, Heading, Modal, ModalOverlay } from "react-aria-components";
import { IconButton } from "./Button";

interface Props {
  readonly title: string;
  readonly children: ReactNode;
  readonly foot?: ReactNode;
  readonly onClose: () => void;
}

/** A window above all else. Escape, and a press outside, close it. */
export function Dialog({ title, children, foot, onClose }: Props) {
  return (
    <ModalOverlay className="scrim" isOpen isDismissable onOpenChange={(open) => !open && onClose()}>
      <Modal className="dlg-m">
        <AriaDialog className="dlg-b">
          <header>
            <Heading slot="title">{title}</Heading>
            <span className="grow" />
            <IconButton icon="x" label="Close" keys="Esc" kind="quiet" small onPress={onClose} />
          </header>
          <div className="dlg-c">{children}</div>
          {foot && <footer>{foot}</footer>}
        </AriaDialog>
      </Modal>
    </ModalOverlay>
  );
}
