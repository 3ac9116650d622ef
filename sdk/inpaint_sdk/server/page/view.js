// The picture on a canvas: zoomed, moved, with marks over it or compared with its result.

const MAX_SCALE = 32;
const MARGIN = 16; // around a picture that is shown whole
const OPACITY = 190; // of marks, of 255

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d");
    this.overlay = document.createElement("canvas");
    this.overlayContext = this.overlay.getContext("2d");
    this.colours = new Uint32Array(256); // by index of a mark
    this.cursor = null; // { x, y, radius } in the picture's pixels
    this.clear();
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  clear() {
    this.before = this.after = this.marks = null;
    this.split = 0.5; // of the canvas, left of which the picture is as it was
    this.comparing = false;
    this.fitted = true;
    this.scale = 1; // canvas pixels of a pixel of the picture
    this.x = this.y = 0; // of the picture's corner on the canvas
  }

  // rgb: a list of colours by index, each [r, g, b].
  setColours(rgb) {
    rgb.forEach(([r, g, b], index) => {
      this.colours[index] = ((OPACITY << 24) | (b << 16) | (g << 8) | r) >>> 0;
    });
  }

  show(before, marks) {
    this.before = before;
    this.marks = marks;
    this.resize();
    this.fit();
  }

  resize() {
    const ratio = Math.min(devicePixelRatio, 2);
    const width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    const height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (width !== this.canvas.width || height !== this.canvas.height) {
      for (const each of [this.canvas, this.overlay]) {
        each.width = width;
        each.height = height;
      }
    }
    if (this.fitted) this.fit();
    else this.redraw();
  }

  get ratio() {
    return this.canvas.width / Math.max(1, this.canvas.clientWidth);
  }

  fit() {
    if (!this.before) return;
    const { width, height } = this.before;
    const margin = 2 * MARGIN * this.ratio;
    const across = (this.canvas.width - margin) / width;
    const down = (this.canvas.height - margin) / height;
    this.scale = Math.min(MAX_SCALE, Math.max(1e-3, Math.min(across, down)));
    this.x = (this.canvas.width - width * this.scale) / 2;
    this.y = (this.canvas.height - height * this.scale) / 2;
    this.fitted = true;
    this.redraw();
  }

  // Zooms about a point of the element; its middle if none is given.
  zoom(factor, left = this.canvas.clientWidth / 2, top = this.canvas.clientHeight / 2) {
    const least = 0.2 * Math.min(1, this.canvas.width / this.before.width);
    const scale = Math.min(MAX_SCALE, Math.max(least, this.scale * factor));
    const [x, y] = [left * this.ratio, top * this.ratio];
    this.x = x - ((x - this.x) * scale) / this.scale;
    this.y = y - ((y - this.y) * scale) / this.scale;
    this.scale = scale;
    this.fitted = false;
    this.redraw();
  }

  // By pixels of the element; some of the picture stays in sight.
  move(dx, dy) {
    const { width, height } = this.canvas;
    const kept = 40 * this.ratio;
    const within = (value, size, side) => Math.min(side - kept, Math.max(kept - size, value));
    this.x = within(this.x + dx * this.ratio, this.before.width * this.scale, width);
    this.y = within(this.y + dy * this.ratio, this.before.height * this.scale, height);
    this.fitted = false;
    this.redraw();
  }

  // From a point of the element to the picture's pixels.
  toPicture(left, top) {
    return [(left * this.ratio - this.x) / this.scale, (top * this.ratio - this.y) / this.scale];
  }

  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw();
    });
  }

  draw() {
    const { canvas, context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.before) return;
    context.imageSmoothingEnabled = this.scale < 3;
    context.imageSmoothingQuality = "high";
    this.place(this.before);
    if (this.comparing) this.drawAfter();
    else if (this.marks) this.drawMarks();
    if (this.cursor && !this.comparing) this.drawCursor();
  }

  place(picture) {
    const { width, height } = this.before;
    this.context.drawImage(picture, this.x, this.y, width * this.scale, height * this.scale);
  }

  drawAfter() {
    const { canvas, context } = this;
    const at = Math.round(this.split * canvas.width);
    context.save();
    context.beginPath();
    context.rect(at, 0, canvas.width - at, canvas.height);
    context.clip();
    context.clearRect(at, 0, canvas.width - at, canvas.height);
    this.place(this.after);
    context.restore();
    const middle = canvas.height / 2;
    const size = 15 * this.ratio;
    context.fillStyle = "#fff";
    context.shadowColor = "rgb(0 0 0 / 60%)";
    context.shadowBlur = 5 * this.ratio;
    context.fillRect(at - this.ratio, 0, 2 * this.ratio, canvas.height);
    context.beginPath();
    context.arc(at, middle, size, 0, 2 * Math.PI);
    context.fill();
    context.shadowBlur = 0;
    context.fillStyle = "#333";
    for (const side of [-1, 1]) {
      context.beginPath();
      context.moveTo(at + side * size * 0.65, middle);
      context.lineTo(at + side * size * 0.2, middle - size * 0.38);
      context.lineTo(at + side * size * 0.2, middle + size * 0.38);
      context.fill();
    }
  }

  drawMarks() {
    const { width, height } = this.overlay;
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    if (this.scale < 1) this.gatherMarks(pixels, width, height);
    else this.sampleMarks(pixels, width, height);
    this.overlayContext.putImageData(image, 0, 0);
    this.context.drawImage(this.overlay, 0, 0);
  }

  // A reduced picture: each mark colours the point that it falls on, so that none is lost.
  gatherMarks(pixels, width, height) {
    const { shown, stride } = this.marks;
    const words = new Uint32Array(shown.buffer);
    const [top, bottom] = this.inSight(this.y, height, this.marks.height);
    for (let y = top; y < bottom; y++) {
      const row = Math.floor(this.y + y * this.scale);
      if (row < 0 || row >= height) continue;
      for (let word = (y * stride) >> 2; word < ((y + 1) * stride) >> 2; word++) {
        if (!words[word]) continue;
        for (let at = 4 * word; at < 4 * word + 4; at++) {
          if (!shown[at]) continue;
          const column = Math.floor(this.x + (at - y * stride) * this.scale);
          if (column >= 0 && column < width) pixels[row * width + column] = this.colours[shown[at]];
        }
      }
    }
  }

  // An enlarged picture: each point shows the pixel that it lies in.
  sampleMarks(pixels, width, height) {
    const { shown, stride } = this.marks;
    const columns = Int32Array.from({ length: width }, (_, column) => {
      const x = Math.floor((column + 0.5 - this.x) / this.scale);
      return x >= 0 && x < this.marks.width ? x : -1;
    });
    for (let row = 0; row < height; row++) {
      const y = Math.floor((row + 0.5 - this.y) / this.scale);
      if (y < 0 || y >= this.marks.height) continue;
      for (let column = 0; column < width; column++) {
        const x = columns[column];
        const mark = x < 0 ? 0 : shown[y * stride + x];
        if (mark) pixels[row * width + column] = this.colours[mark];
      }
    }
  }

  inSight(offset, side, size) {
    const first = Math.max(0, Math.floor(-offset / this.scale));
    return [first, Math.min(size, Math.ceil((side - offset) / this.scale))];
  }

  drawCursor() {
    const { context, cursor } = this;
    const x = this.x + cursor.x * this.scale;
    const y = this.y + cursor.y * this.scale;
    const radius = Math.max(2, cursor.radius * this.scale);
    for (const [colour, line] of [["rgb(0 0 0 / 70%)", 3], ["#fff", 1.5]]) {
      context.strokeStyle = colour;
      context.lineWidth = line * this.ratio;
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.stroke();
    }
  }
}
