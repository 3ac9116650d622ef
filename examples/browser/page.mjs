// The page: a picture, what is marked in it by a brush, and what a model makes of it.

import { loadModel, runNetwork } from "./network.mjs";

const LARGEST = 1024; // pixels of a side; the network sees the picture at once
const BRUSH = 6;
const byId = (id) => document.getElementById(id);
const [picture, brush, result] = ["picture", "brush", "result"].map((id) => byId(id));
const models = new Map();
let opened = false;

byId("file").addEventListener("change", (event) => attempt(() => open(event.target.files[0])));
byId("clear").addEventListener("click", () => clear(brush));
byId("restore").addEventListener("click", () => attempt(restore));
brush.addEventListener("pointerdown", (event) => {
  brush.setPointerCapture(event.pointerId);
  paint(event);
});
brush.addEventListener("pointermove", (event) => event.buttons && paint(event));

async function open(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, LARGEST / Math.max(bitmap.width, bitmap.height));
  for (const canvas of [picture, brush, result]) {
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
  }
  picture.getContext("2d").drawImage(bitmap, 0, 0, picture.width, picture.height);
  opened = true;
  say(`${picture.width} x ${picture.height}` + (scale < 1 ? ", reduced" : ""));
}

function paint(event) {
  const box = brush.getBoundingClientRect();
  const scale = brush.width / box.width;
  const context = brush.getContext("2d");
  context.fillStyle = "#e6281e";
  context.beginPath();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top].map((at) => at * scale);
  context.arc(x, y, BRUSH * scale, 0, 2 * Math.PI);
  context.fill();
}

async function restore() {
  if (!opened) throw new Error("open a picture first");
  const model = await modelOf(byId("model").value);
  const { width, height } = picture;
  const pixels = picture.getContext("2d").getImageData(0, 0, width, height);
  const drawn = brush.getContext("2d").getImageData(0, 0, width, height).data;
  const marked = Uint8Array.from({ length: width * height }, (_, pixel) => drawn[4 * pixel + 3]);
  if (model.info.task === "inpaint" && !marked.some(Boolean)) {
    throw new Error("paint over what is to be restored");
  }
  await say(`${model.info.name} is running`);
  const started = performance.now();
  const planes = await runNetwork(model, pixels.data, marked, width, height);
  combine(model.info, pixels.data, planes, marked);
  result.getContext("2d").putImageData(pixels, 0, 0);
  say(`${model.info.name}: ${((performance.now() - started) / 1000).toFixed(2)} s`);
}

/** Writes the network's output into the picture: where it is marked, everywhere, or in red. */
function combine(info, pixels, planes, marked) {
  const size = marked.length;
  for (let pixel = 0; pixel < size; pixel++) {
    if (info.task === "detect") {
      const found = info.kinds.some((_, kind) => planes[kind * size + pixel] >= 0.5);
      if (found) pixels.set([230, 40, 30], 4 * pixel);
    } else if (info.task === "enhance" || marked[pixel]) {
      for (let plane = 0; plane < 3; plane++) {
        pixels[4 * pixel + plane] = Math.round(255 * planes[plane * size + pixel]);
      }
    }
  }
}

async function modelOf(name) {
  if (!models.has(name)) {
    await say(`loading ${name}`);
    const answer = await fetch(`../../sdk/inpaint_sdk/models/${name}.onnx`);
    if (!answer.ok) throw new Error(`there is no file of the model ${name}; serve the top folder`);
    models.set(name, await loadModel(new Uint8Array(await answer.arrayBuffer())));
  }
  return models.get(name);
}

async function attempt(work) {
  byId("restore").disabled = true;
  try {
    await work();
  } catch (error) {
    say(error.message);
  } finally {
    byId("restore").disabled = false;
  }
}

function clear(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

/** Leaves time to show it: what comes next may keep the page busy. */
function say(text) {
  byId("said").textContent = text;
  return new Promise((shown) => setTimeout(shown, 50));
}
