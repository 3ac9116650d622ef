// Pointers, wheel and keys on the picture become moves, strokes and zooms.

const KEY_STEP = 40; // pixels of the element
const ZOOM_STEP = 1.25;

export class Hand {
  // on: { tool(name), strokes(), undo(), redo(), size(steps), split(share) } tells the page.
  constructor(view, on) {
    this.view = view;
    this.on = on;
    this.tool = "brush";
    this.radius = 10; // of the brush, in the picture's pixels
    this.pointers = new Map();
    this.last = null;
    const { canvas } = view;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.moved(event));
    for (const kind of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(kind, (event) => this.up(event, kind === "pointercancel"));
    }
    canvas.addEventListener("pointerleave", () => this.hideCursor());
    canvas.addEventListener("blur", () => this.hideCursor());
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.key(event));
  }

  get paints() {
    return (this.tool === "brush" || this.tool === "eraser") && this.view.marks !== null;
  }

  place(event) {
    const box = this.view.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  down(event) {
    if (!this.view.before || event.button > 1) return;
    this.view.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, this.place(event));
    this.drags = event.button === 1;
    if (this.pointers.size === 2) {
      this.view.marks?.cancelStroke(); // a pinch, which began with one finger
      this.last = null;
      this.view.redraw();
    } else if (this.pointers.size === 1 && !this.drags) {
      if (this.paints) this.begin(event);
      else if (this.tool === "compare") this.divide(event);
    }
  }

  begin(event) {
    const [x, y] = this.view.toPicture(...this.place(event));
    this.view.marks.beginStroke(this.tool === "eraser");
    this.view.marks.extendStroke(x, y, x, y, this.radius);
    this.last = [x, y];
    this.view.redraw();
  }

  divide(event) {
    const [left] = this.place(event);
    this.on.split(Math.min(1, Math.max(0, left / this.view.canvas.clientWidth)));
  }

  moved(event) {
    if (!this.view.before) return;
    const before = this.pointers.get(event.pointerId);
    const now = this.place(event);
    if (event.pointerType !== "touch" || before) this.showCursor(now);
    if (!before) return;
    this.pointers.set(event.pointerId, now);
    if (this.pointers.size === 2) this.pinch(event.pointerId, before, now);
    else if (this.last) this.paintTo(this.view.toPicture(...now));
    else if (this.tool === "compare" && !this.drags) this.divide(event);
    else this.view.move(now[0] - before[0], now[1] - before[1]);
  }

  paintTo([x, y]) {
    this.view.marks.extendStroke(...this.last, x, y, this.radius);
    this.last = [x, y];
    this.view.redraw();
  }

  pinch(moved, before, now) {
    const other = [...this.pointers].find(([id]) => id !== moved)[1];
    const far = (a, b) => Math.max(1, Math.hypot(a[0] - b[0], a[1] - b[1]));
    const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const [from, to] = [middle(before, other), middle(now, other)];
    this.view.zoom(far(now, other) / far(before, other), ...to);
    this.view.move(to[0] - from[0], to[1] - from[1]);
  }

  up(event, cancelled) {
    this.pointers.delete(event.pointerId);
    if (event.pointerType === "touch") this.hideCursor();
    if (!this.last) return;
    if (cancelled) this.view.marks.cancelStroke();
    else this.view.marks.endStroke();
    this.last = null;
    this.on.strokes();
    this.view.redraw();
  }

  showCursor(place) {
    if (!this.paints) return this.hideCursor();
    const [x, y] = this.view.toPicture(...place);
    this.view.cursor = { x, y, radius: this.radius };
    this.view.redraw();
  }

  hideCursor() {
    if (this.view.cursor) this.view.redraw();
    this.view.cursor = null;
  }

  wheel(event) {
    if (!this.view.before) return;
    event.preventDefault();
    this.view.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), ...this.place(event));
  }

  key(event) {
    if (!this.view.before || event.altKey || event.ctrlKey || event.metaKey) return;
    const act = this.plain(event);
    if (!act) return;
    event.preventDefault();
    act();
  }

  // Undoes and redoes, wherever the focus is.
  command(event) {
    if (!this.view.marks || event.altKey || !(event.ctrlKey || event.metaKey)) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    if (key === "y" || event.shiftKey) this.on.redo();
    else this.on.undo();
  }

  plain(event) {
    const { view, on } = this;
    const tools = { m: "move", b: "brush", e: "eraser", c: "compare" };
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in tools) return () => on.tool(tools[event.key]);
    if (event.key in arrows) return () => this.arrow(...arrows[event.key]);
    return {
      "+": () => view.zoom(ZOOM_STEP),
      "=": () => view.zoom(ZOOM_STEP),
      "-": () => view.zoom(1 / ZOOM_STEP),
      0: () => view.fit(),
      "[": () => on.size(-5),
      "]": () => on.size(5),
      " ": this.paints ? () => this.dab() : null,
    }[event.key];
  }

  arrow(dx, dy) {
    const { view } = this;
    if (this.tool === "compare") return this.on.split(view.split + dx * 0.02);
    if (!this.paints) return view.move(-dx * KEY_STEP, -dy * KEY_STEP);
    const cursor = this.keyCursor();
    const step = Math.max(1, this.radius / 2);
    cursor.x = Math.min(view.before.width, Math.max(0, cursor.x + dx * step));
    cursor.y = Math.min(view.before.height, Math.max(0, cursor.y + dy * step));
    view.redraw();
  }

  // Where the keys paint: where the pointer was, or the middle of what is seen.
  keyCursor() {
    const { view } = this;
    if (!view.cursor) {
      const { clientWidth, clientHeight } = view.canvas;
      const [x, y] = view.toPicture(clientWidth / 2, clientHeight / 2);
      view.cursor = { x, y, radius: this.radius };
    }
    return view.cursor;
  }

  dab() {
    const { x, y } = this.keyCursor();
    const { marks } = this.view;
    marks.beginStroke(this.tool === "eraser");
    marks.extendStroke(x, y, x, y, this.radius);
    marks.endStroke();
    this.on.strokes();
    this.view.redraw();
  }
}
