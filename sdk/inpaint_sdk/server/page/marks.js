// What is marked in a picture: what was found, by kind, and what a brush and an eraser changed.

import { encodeBits } from "./png.js";

const PAINTED = 1;
const ERASED = 2;
const TILE = 256; // side of what undoing keeps, in pixels
const KEPT_STROKES = 100;

export class Marks {
  // planes: a byte for each pixel, bit i set where the i-th kind was found.
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.stride = (width + 3) & ~3; // rows begin at whole words
    const words = (width * height + 3) >> 2;
    this.planes = new Uint8Array(4 * words);
    this.edits = new Uint8Array(4 * words);
    // What is shown and restored: 0, or 1 + the kind's index, or `painted`.
    this.shown = new Uint8Array(this.stride * height);
    this.painted = 9;
    this.table = new Uint8Array(256); // what is shown for each byte of `planes`
    this.undone = [];
    this.strokes = [];
    this.stroke = null;
  }

  setFound(planes, enabled) {
    this.planes.set(planes);
    this.enable(enabled);
  }

  // bits: the kinds that count.
  enable(bits) {
    this.table = Uint8Array.from({ length: 256 }, (_, value) => {
      const lowest = value & bits & -(value & bits);
      return lowest ? 32 - Math.clz32(lowest) : 0;
    });
    this.refreshAll();
  }

  // Most of a picture is not marked: four pixels at a time are passed over.
  refreshAll() {
    const { edits, planes, shown, table, painted, width, stride } = this;
    const found = new Uint32Array(planes.buffer);
    const edited = new Uint32Array(edits.buffer);
    shown.fill(0);
    for (let word = 0; word < found.length; word++) {
      if (!(found[word] | edited[word])) continue;
      for (let from = 4 * word; from < 4 * word + 4; from++) {
        const edit = edits[from];
        const to = from + Math.floor(from / width) * (stride - width);
        shown[to] = edit === PAINTED ? painted : edit === ERASED ? 0 : table[planes[from]];
      }
    }
  }

  refresh(left, top, right, bottom) {
    // Looked up once and not for each pixel, which takes four times as long.
    const { edits, planes, shown, table, painted } = this;
    for (let y = top; y < bottom; y++) {
      let from = y * this.width + left;
      let to = y * this.stride + left;
      for (let x = left; x < right; x++, from++, to++) {
        const edit = edits[from];
        shown[to] = edit === PAINTED ? painted : edit === ERASED ? 0 : table[planes[from]];
      }
    }
  }

  beginStroke(erases) {
    this.stroke = { value: erases ? ERASED : PAINTED, tiles: new Map() };
  }

  // Marks what is within `radius` of the line between two points, in pixels.
  extendStroke(x0, y0, x1, y1, radius) {
    const left = Math.max(0, Math.floor(Math.min(x0, x1) - radius));
    const right = Math.min(this.width, Math.ceil(Math.max(x0, x1) + radius) + 1);
    const top = Math.max(0, Math.floor(Math.min(y0, y1) - radius));
    const bottom = Math.min(this.height, Math.ceil(Math.max(y0, y1) + radius) + 1);
    if (left >= right || top >= bottom) return;
    this.keep(left, top, right, bottom);
    const dx = x1 - x0;
    const dy = y1 - y0;
    const length = dx * dx + dy * dy || 1;
    for (let y = top; y < bottom; y++) {
      for (let x = left; x < right; x++) {
        const px = x + 0.5 - x0;
        const py = y + 0.5 - y0;
        const along = Math.min(1, Math.max(0, (px * dx + py * dy) / length));
        const far = (px - along * dx) ** 2 + (py - along * dy) ** 2;
        if (far <= radius * radius) this.edits[y * this.width + x] = this.stroke.value;
      }
    }
    this.refresh(left, top, right, bottom);
  }

  endStroke() {
    if (this.stroke?.tiles.size) {
      this.strokes.push(this.stroke.tiles);
      if (this.strokes.length > KEPT_STROKES) this.strokes.shift();
      this.undone = [];
    }
    this.stroke = null;
  }

  // Takes back a stroke that is not ended.
  cancelStroke() {
    if (this.stroke) this.put(this.stroke.tiles);
    this.stroke = null;
  }

  undo() {
    const tiles = this.strokes.pop();
    if (tiles) this.undone.push(this.put(tiles));
  }

  redo() {
    const tiles = this.undone.pop();
    if (tiles) this.strokes.push(this.put(tiles));
  }

  // Copies the tiles that are about to change, once a stroke.
  keep(left, top, right, bottom) {
    for (let y = top - (top % TILE); y < bottom; y += TILE) {
      for (let x = left - (left % TILE); x < right; x += TILE) {
        const key = `${x},${y}`;
        if (!this.stroke.tiles.has(key)) this.stroke.tiles.set(key, this.copyTile(x, y));
      }
    }
  }

  copyTile(x, y) {
    const right = Math.min(this.width, x + TILE);
    const bottom = Math.min(this.height, y + TILE);
    const rows = [];
    for (let row = y; row < bottom; row++) {
      rows.push(this.edits.slice(row * this.width + x, row * this.width + right));
    }
    return { x, y, right, bottom, rows };
  }

  // Writes tiles back; answers what was there.
  put(tiles) {
    const before = new Map();
    for (const [key, tile] of tiles) {
      before.set(key, this.copyTile(tile.x, tile.y));
      tile.rows.forEach((row, i) => this.edits.set(row, (tile.y + i) * this.width + tile.x));
      this.refresh(tile.x, tile.y, tile.right, tile.bottom);
    }
    return before;
  }

  isPainted() {
    return this.edits.includes(PAINTED);
  }

  isEmpty() {
    return new Uint32Array(this.shown.buffer).every((word) => word === 0);
  }

  // As a PNG file, white where it is marked.
  toPng() {
    return encodeBits(this.width, this.height, (x, y) => this.shown[y * this.stride + x] !== 0);
  }
}
