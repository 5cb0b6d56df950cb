/** Dragging a block, or a new one from the palette, to a gap between blocks. Plain DOM: nothing renders while it lasts. */

/** What is dragged: chosen blocks by key, or a type. */
export type Load = { readonly keys: readonly string[] } | { readonly type: string };

/** A gap: before the block with that index of a lane. */
export interface Gap {
  readonly lane: string;
  readonly index: number;
}

export interface Host {
  /** What a press on this element would drag; undefined for nothing. */
  loadOf(element: HTMLElement): Load | undefined;
  /** Why a lane may not take it; undefined if it may. */
  refusal(lane: string, load: Load): string | undefined;
  drop(load: Load, gap: Gap): void;
  /** Says what will happen, "" at the end. */
  say(text: string): void;
}

/** A press moves so far before it is a drag, in pixels: a shaking hand still clicks. */
const SLACK = 5;
/** The canvas scrolls while the pointer is so near to its edge. */
const EDGE = 40;

interface Place {
  readonly gap: Gap;
  readonly left: number;
  readonly top: number;
  readonly width: number;
}

/** Listen below `root`; `canvas` has the lanes. Returns how to end it. */
export function dragging(root: HTMLElement, canvas: () => HTMLElement | null, host: Host): () => void {
  const down = (event: PointerEvent) => {
    const { target } = event;
    if (event.button !== 0 || !(target instanceof HTMLElement || target instanceof SVGElement)) return;
    const held = target.closest<HTMLElement>("[data-drag]");
    const load = held && host.loadOf(held);
    if (load) new Drag(event, load, canvas, host);
  };
  root.addEventListener("pointerdown", down);
  return () => root.removeEventListener("pointerdown", down);
}

class Drag {
  readonly #line = document.createElement("div");
  #place: Place | null = null;
  #isDragging = false;
  #frame = 0;
  #last: PointerEvent;

  constructor(
    private readonly begun: PointerEvent,
    private readonly load: Load,
    private readonly canvas: () => HTMLElement | null,
    private readonly host: Host,
  ) {
    this.#last = begun;
    this.#line.className = "drop-line";
    addEventListener("pointermove", this.#move);
    addEventListener("pointerup", this.#up);
    addEventListener("pointercancel", this.#end);
    addEventListener("keydown", this.#key, true);
  }

  readonly #move = (event: PointerEvent) => {
    this.#last = event;
    const far = Math.hypot(event.clientX - this.begun.clientX, event.clientY - this.begun.clientY);
    if (!this.#isDragging && far < SLACK) return;
    if (!this.#isDragging) this.#begin();
    event.preventDefault();
    // Once a frame is enough, however often the pointer tells.
    if (this.#frame === 0) this.#frame = requestAnimationFrame(this.#draw);
  };

  #begin(): void {
    this.#isDragging = true;
    document.body.classList.add("is-dragging");
    document.body.append(this.#line);
  }

  readonly #draw = () => {
    this.#frame = 0;
    const canvas = this.canvas();
    if (!canvas) return;
    const { clientX, clientY } = this.#last;
    const box = canvas.getBoundingClientRect();
    const step = clientY < box.top + EDGE ? -12 : clientY > box.bottom - EDGE ? 12 : 0;
    const isOver = clientX >= box.left && clientX <= box.right && clientY >= box.top && clientY <= box.bottom;
    if (isOver && step !== 0) {
      canvas.scrollTop += step;
      this.#frame = requestAnimationFrame(this.#draw);
    }
    const lane = isOver ? laneAt(canvas, clientX, clientY) : null;
    const reason = lane && this.host.refusal(lane.dataset.lane ?? "", this.load);
    this.#place = lane && !reason ? nearest(lane, clientY) : null;
    this.host.say(reason ?? "");
    const { style } = this.#line;
    style.display = this.#place ? "block" : "none";
    if (!this.#place) return;
    style.transform = `translate(${this.#place.left}px, ${this.#place.top - 1}px)`;
    style.width = `${this.#place.width}px`;
  };

  readonly #up = () => {
    const place = this.#place;
    const wasDragging = this.#isDragging;
    this.#end();
    if (!wasDragging) return;
    // The click that a release makes would choose what lies below.
    const swallow = (event: MouseEvent) => event.stopPropagation();
    addEventListener("click", swallow, true);
    setTimeout(() => removeEventListener("click", swallow, true), 0);
    if (place) this.host.drop(this.load, place.gap);
  };

  readonly #key = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.#end();
  };

  readonly #end = () => {
    removeEventListener("pointermove", this.#move);
    removeEventListener("pointerup", this.#up);
    removeEventListener("pointercancel", this.#end);
    removeEventListener("keydown", this.#key, true);
    cancelAnimationFrame(this.#frame);
    document.body.classList.remove("is-dragging");
    this.#line.remove();
    this.host.say("");
  };
}

/** The innermost lane at a point; of a flow or a case the one that it holds. */
function laneAt(canvas: HTMLElement, x: number, y: number): HTMLElement | null {
  const hit = document.elementFromPoint(x, y);
  if (!hit || !canvas.contains(hit)) return null;
  const own = hit.closest<HTMLElement>("[data-lane]");
  const holder = hit.closest<HTMLElement>(".case, .err, .flow");
  const held = holder?.querySelector<HTMLElement>(":scope > [data-lane], :scope > .lane[data-lane]");
  return own && (!holder || holder.contains(own)) ? own : (held ?? own ?? null);
}

/** The gap of a lane that is nearest to a height. */
function nearest(lane: HTMLElement, y: number): Place {
  const rows = [...lane.children].filter((each) => each.querySelector(":scope > [data-key]"));
  const box = lane.getBoundingClientRect();
  const boxes = rows.map((each) => each.getBoundingClientRect());
  const edges = boxes.map((each, index) =>
    index === 0 ? each.top - 3 : (each.top + (boxes[index - 1]?.bottom ?? 0)) / 2,
  );
  const end = boxes.at(-1);
  edges.push(end ? end.bottom + 3 : box.top + box.height / 2);
  const index = edges.reduce(
    (best, edge, at) => (Math.abs(edge - y) < Math.abs((edges[best] ?? 0) - y) ? at : best),
    0,
  );
  const inset = 8;
  return {
    gap: { lane: lane.dataset.lane ?? "", index },
    left: box.left + inset,
    top: edges[index] ?? 0,
    width: box.width - 2 * inset,
  };
}
