/** The keys of the editor, as data: the window reads them, and so does the table that `?` shows. */

/** Where a key counts: everywhere, or while the canvas has the focus (single letters would else type). */
type Scope = "window" | "canvas";

interface Binding {
  readonly keys: readonly string[];
  readonly scope: Scope;
  readonly says: string;
}

/** `mod` is ⌘ on a Mac and Ctrl elsewhere. Names of keys are those of `KeyboardEvent.key`, in small letters. */
export const BINDINGS = {
  find: { keys: ["mod+k"], scope: "window", says: "Find or add" },
  save: { keys: ["mod+s"], scope: "window", says: "Save" },
  undo: { keys: ["mod+z"], scope: "window", says: "Undo" },
  redo: { keys: ["mod+shift+z", "mod+y"], scope: "window", says: "Redo" },
  run: { keys: ["mod+enter"], scope: "window", says: "Run" },
  stop: { keys: ["mod+."], scope: "window", says: "Stop" },
  resend: { keys: ["mod+shift+enter"], scope: "window", says: "Send the last request again" },
  nextProblem: { keys: ["f8"], scope: "window", says: "Next problem or failure" },
  previousProblem: { keys: ["shift+f8"], scope: "window", says: "Previous problem or failure" },
  tab1: { keys: ["mod+1"], scope: "window", says: "Logs" },
  tab2: { keys: ["mod+2"], scope: "window", says: "Messages" },
  tab3: { keys: ["mod+3"], scope: "window", says: "Problems" },
  tab4: { keys: ["mod+4"], scope: "window", says: "Tests" },
  tab5: { keys: ["mod+5"], scope: "window", says: "Dev .env" },
  tab6: { keys: ["mod+6"], scope: "window", says: "Resources" },
  view: { keys: ["mod+e"], scope: "window", says: "Canvas, split, text" },
  map: { keys: ["mod+m"], scope: "window", says: "Map" },
  left: { keys: ["mod+b"], scope: "window", says: "Left panel" },
  inspector: { keys: ["mod+i"], scope: "window", says: "Inspector" },
  panel: { keys: ["mod+j"], scope: "window", says: "Panel" },
  before: { keys: ["arrowup"], scope: "canvas", says: "Block before" },
  after: { keys: ["arrowdown"], scope: "canvas", says: "Block after" },
  out: { keys: ["arrowleft"], scope: "canvas", says: "Leave a lane; fold" },
  into: { keys: ["arrowright"], scope: "canvas", says: "Enter a lane; unfold" },
  nextLane: { keys: ["tab"], scope: "canvas", says: "Next lane" },
  fields: { keys: ["enter"], scope: "canvas", says: "To the first field; Esc comes back" },
  add: { keys: ["/", "a"], scope: "canvas", says: "Add a block after" },
  moveUp: { keys: ["alt+arrowup"], scope: "canvas", says: "Move before" },
  moveDown: { keys: ["alt+arrowdown"], scope: "canvas", says: "Move after" },
  moveLeft: { keys: ["alt+arrowleft"], scope: "canvas", says: "Move to the lane before" },
  moveRight: { keys: ["alt+arrowright"], scope: "canvas", says: "Move to the lane after" },
  selectUp: { keys: ["shift+arrowup"], scope: "canvas", says: "Select the one before, too" },
  selectDown: { keys: ["shift+arrowdown"], scope: "canvas", says: "Select the one after, too" },
  duplicate: { keys: ["mod+d"], scope: "canvas", says: "Duplicate" },
  copy: { keys: ["mod+c"], scope: "canvas", says: "Copy" },
  cut: { keys: ["mod+x"], scope: "canvas", says: "Cut" },
  paste: { keys: ["mod+v"], scope: "canvas", says: "Paste" },
  remove: { keys: ["backspace", "delete"], scope: "canvas", says: "Delete" },
  rename: { keys: ["f2"], scope: "canvas", says: "Rename everywhere" },
  breakpoint: { keys: ["f9"], scope: "canvas", says: "Breakpoint" },
  step: { keys: ["f10"], scope: "window", says: "Step over" },
  why: { keys: ["w"], scope: "canvas", says: "Why" },
  toFlow: { keys: ["f12"], scope: "canvas", says: "To the flow that it calls" },
  callers: { keys: ["shift+f12"], scope: "canvas", says: "To its callers" },
  zoomTo: { keys: ["f"], scope: "canvas", says: "Zoom to it" },
  fit: { keys: ["0"], scope: "canvas", says: "Fit" },
  zoomIn: { keys: ["+", "="], scope: "canvas", says: "Nearer" },
  zoomOut: { keys: ["-"], scope: "canvas", says: "Farther" },
  help: { keys: ["?"], scope: "canvas", says: "This table" },
} as const satisfies Record<string, Binding>;

export type ActionId = keyof typeof BINDINGS;

interface Pressed {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly shiftKey: boolean;
}

/** What a key stands for. mac: whether ⌘ counts in place of Ctrl. inCanvas: whether the canvas has the focus. */
export function actionOf(event: Pressed, mac: boolean, inCanvas: boolean): ActionId | null {
  const mod = mac ? event.metaKey : event.ctrlKey;
  // The other one belongs to the system.
  if (mac ? event.ctrlKey : event.metaKey) return null;
  const key = event.key.toLowerCase();
  const named = key.length > 1;
  // Shift is part of a sign such as `?` or `+`, but not of a letter with ⌘ or of a named key.
  const shift = event.shiftKey && (named || mod);
  const text = `${mod ? "mod+" : ""}${event.altKey ? "alt+" : ""}${shift ? "shift+" : ""}${key}`;
  for (const [id, binding] of Object.entries<Binding>(BINDINGS)) {
    if (binding.keys.includes(text) && (binding.scope === "window" || inCanvas)) return id as ActionId;
  }
  return null;
}

const SIGNS: Readonly<Record<string, string>> = {
  arrowup: "↑",
  arrowdown: "↓",
  arrowleft: "←",
  arrowright: "→",
  enter: "↵",
  backspace: "⌫",
  delete: "Del",
  tab: "Tab",
};

/** A key as people read it: `⇧⌘Z` on a Mac, `Ctrl+Shift+Z` elsewhere. */
export function shown(id: ActionId, mac: boolean): string {
  const parts: readonly string[] = BINDINGS[id].keys[0].match(/(mod|alt|shift)(?=\+)|[^+]+$|\+$/g) ?? [];
  const name = (part: string) => SIGNS[part] ?? (part.length === 1 ? part.toUpperCase() : part.replace(/^f/, "F"));
  if (mac) {
    const held = { alt: "⌥", shift: "⇧", mod: "⌘" };
    const signs = Object.entries(held).filter(([part]) => parts.includes(part));
    return signs.map(([, sign]) => sign).join("") + name(parts.at(-1) ?? "");
  }
  const words: Readonly<Record<string, string>> = { mod: "Ctrl", alt: "Alt", shift: "Shift" };
  return parts.map((part) => words[part] ?? name(part)).join("+");
}
