// The page: a picture is opened, looked at, corrected, restored, compared and taken home.

import { offer, post, takeToken } from "./api.js";
import { Hand } from "./hand.js";
import { Marks } from "./marks.js";
import { unpack } from "./png.js";
import { View } from "./view.js";

const COLOURS = [[230, 40, 30], [245, 225, 40], [50, 130, 255], [240, 70, 220], [40, 200, 90],
  [150, 110, 255], [0, 200, 210], [180, 140, 90]]; // by kind
const PAINTED = [255, 128, 0];
const LIKE = { scratch: "Scratches", speck: "Specks", stain: "Stains", overlay: "Text and logos",
  sensor: "Sensor dirt" };
const STEPS = { sending: "Sending", waiting: "Waiting for its turn", reading: "Reading",
  finding: "Looking for damage", restoring: "Restoring" };
const OFTEN = "auto"; // model that is chosen at first, where it is offered

const at = (id) => document.getElementById(id);
const view = new View(at("view"));
const hand = new Hand(view, {
  tool: chooseTool,
  strokes: showStrokes,
  undo: () => changeStrokes((marks) => marks.undo()),
  redo: () => changeStrokes((marks) => marks.redo()),
  size: (steps) => setSize(Number(at("size").value) + steps),
  split: setSplit,
});

let models = [];
let file = null; // that is worked on
let kinds = []; // of damage, as they were found
let running = null; // what ends the request that is under way
let result = null; // its file
let link = ""; // to it

// Opening

async function open(picked) {
  if (!picked) return;
  running?.abort();
  reset(picked);
  await during("open", async (signal) => {
    const bitmap = await decode(picked, signal);
    if (signal.aborted) return;
    view.show(bitmap, new Marks(bitmap.width, bitmap.height));
    setSize(at("size").value);
    allowRestoring();
    await look(signal);
  });
}

function reset(picked) {
  file = picked;
  kinds = [];
  view.clear();
  forgetResult();
  at("kinds").replaceChildren();
  at("looked").textContent = "";
  at("name").textContent = picked.name;
  allowRestoring();
  at("empty").hidden = true;
  for (const id of ["view", "zoom", "panel", "another"]) at(id).hidden = false;
  view.canvas.focus({ preventScroll: true });
  showStrokes();
}

// What the browser cannot show, as a TIFF, the server shows it.
async function decode(blob, signal) {
  try {
    return await createImageBitmap(blob);
  } catch {
    const request = await post("v1/preview", { image: blob }, { type: "blob", signal });
    return createImageBitmap(request.response);
  }
}

async function look(signal) {
  signal.addEventListener("abort", () => {
    at("looked").textContent = "Damage is not looked for any more. Paint over what is to be restored.";
  });
  const request = await post("v1/detect", { image: file }, { signal, onProgress: showStep });
  const found = request.response;
  const planes = await unpack(found.planes, found.width * found.height);
  if (signal.aborted || !view.marks) return;
  if (found.width !== view.marks.width || found.height !== view.marks.height) {
    throw new Error("The browser turns this picture otherwise than the server does.");
  }
  kinds = found.kinds.map((kind) => ({ ...kind, on: kind.sought }));
  view.marks.setFound(planes, enabledBits());
  view.redraw();
  showKinds();
  const count = kinds.filter((kind) => kind.fraction > 0).length;
  at("looked").textContent = count ? "" : "No damage was found. Paint over what is to be restored.";
  at("status").textContent = count ? `Damage was found: ${count} kinds.` : "";
}

// What was found

function enabledBits() {
  return kinds.reduce((bits, kind, index) => bits | (kind.on ? 1 << index : 0), 0);
}

function showKinds() {
  const rows = kinds.map((kind, index) => {
    const row = document.createElement("li");
    const label = row.appendChild(document.createElement("label"));
    const box = label.appendChild(document.createElement("input"));
    box.type = "checkbox";
    box.checked = kind.on;
    box.disabled = kind.fraction === 0;
    box.dataset.kind = kind.kind;
    box.addEventListener("change", () => {
      kind.on = box.checked;
      view.marks.enable(enabledBits());
      showMarked();
    });
    const swatch = label.appendChild(document.createElement("span"));
    swatch.className = "swatch";
    swatch.style.background = `rgb(${COLOURS[index]})`;
    const name = label.appendChild(document.createElement("span"));
    name.className = "kind";
    name.textContent = LIKE[kind.kind] ?? kind.kind;
    const share = label.appendChild(document.createElement("span"));
    share.className = "share";
    share.textContent = percent(kind.fraction);
    return row;
  });
  at("kinds").replaceChildren(...rows);
}

function percent(fraction) {
  if (fraction === 0) return "none";
  return fraction < 0.0001 ? "< 0.01 %" : `${(100 * fraction).toFixed(2)} %`;
}

// Marks show again when they change: what was restored is not of these.
function showMarked() {
  if (hand.tool === "compare") chooseTool("move");
  view.redraw();
}

// Correcting

function chooseTool(name) {
  const button = document.querySelector(`[name=tool][value=${name}]`);
  if (button.disabled) return;
  button.checked = true;
  hand.tool = name;
  hand.hideCursor();
  view.comparing = name === "compare";
  at("divider").hidden = at("sides").hidden = !view.comparing;
  view.canvas.style.cursor = { move: "grab", compare: "ew-resize" }[name] ?? "crosshair";
  view.redraw();
}

function changeStrokes(change) {
  if (!view.marks) return;
  change(view.marks);
  showStrokes();
  showMarked();
}

function showStrokes() {
  at("undo").disabled = !view.marks?.strokes.length;
  at("redo").disabled = !view.marks?.undone.length;
}

function setSize(value) {
  const size = Math.min(100, Math.max(0, Number(value)));
  const largest = view.before ? Math.max(8, Math.max(view.before.width, view.before.height) / 12) : 60;
  hand.radius = Math.exp((size / 100) * Math.log(largest));
  at("size").value = size;
  at("pixels").textContent = `${Math.round(2 * hand.radius)} px`;
  if (view.cursor) view.cursor.radius = hand.radius;
  view.redraw();
}

// Restoring

function chosen() {
  return models.find((model) => model.name === at("model").value);
}

// A model that sees the whole picture needs no marks.
function showModel() {
  const whole = chosen()?.task === "enhance";
  at("about").textContent = whole
    ? `${chosen().description} It works on all of the picture, whatever is marked.`
    : (chosen()?.description ?? "");
  at("found").disabled = whole;
}

function allowRestoring() {
  at("restore").disabled = !(view.marks && models.length);
}

// While damage is still looked for, what was painted is restored without it.
async function restore() {
  if (!view.marks) return;
  const whole = chosen().task === "enhance";
  if (!whole && view.marks.isEmpty()) {
    at("error").textContent = running
      ? "Nothing is marked yet. Wait until damage is found, or paint over what is to be restored."
      : "Nothing is marked. Paint over what is to be restored.";
    return;
  }
  running?.abort();
  forgetResult();
  await during("restore", async (signal) => {
    showStep("sending", 0);
    const files = whole ? { image: file } : { image: file, mask: await view.marks.toPng() };
    const query = new URLSearchParams({ model: chosen().name, mask_marks: whatIsMarked() });
    const request = await post(`v1/restore?${query}`, files, {
      type: "blob", signal, onProgress: showStep,
    });
    const after = await decode(request.response, signal);
    if (signal.aborted) return;
    showResult(after, request.response, JSON.parse(request.getResponseHeader("Inpaint-Report")));
  });
}

// What was found can be undone by what shows through. What is painted may be an object, and an
// overlay hides what is under it.
function whatIsMarked() {
  const found = kinds.filter((kind) => kind.on && kind.fraction > 0).every((kind) => kind.sought);
  return found && !view.marks.isPainted() ? "damage" : "holes";
}

function showResult(after, blob, report) {
  view.after = after;
  result = blob;
  link = URL.createObjectURL(blob);
  at("download").href = link;
  at("download").download = resultName(file.name);
  const seconds = Object.values(report.seconds).reduce((sum, each) => sum + each, 0);
  const did = report.changed ? `${report.plan}, in ${seconds.toFixed(seconds < 1 ? 2 : 1)} s.` : "The picture is unchanged.";
  at("plan").textContent = [did, ...report.left_alone, ...report.warnings].join(" ");
  at("done").hidden = false;
  document.querySelector("[name=tool][value=compare]").disabled = false;
  setSplit(0.5);
  chooseTool("compare");
  at("status").textContent = "Restored. The picture can be compared and downloaded.";
}

function resultName(name) {
  const dot = name.lastIndexOf(".");
  return dot > 0 ? `${name.slice(0, dot)}-restored${name.slice(dot)}` : `${name}-restored`;
}

function forgetResult() {
  if (link) URL.revokeObjectURL(link);
  link = "";
  view.after = null;
  at("done").hidden = true;
  at("status").textContent = at("error").textContent = "";
  const compare = document.querySelector("[name=tool][value=compare]");
  compare.disabled = true;
  chooseTool(hand.tool === "compare" ? "brush" : hand.tool);
}

function goOn() {
  open(new File([result], file.name, { type: result.type }));
}

function setSplit(share) {
  view.split = Math.min(1, Math.max(0, share));
  at("split").value = Math.round(100 * view.split);
  view.redraw();
}

// What is under way

async function during(what, work) {
  const mine = (running = new AbortController());
  at("working").hidden = false;
  at("restore").hidden = what === "restore";
  if (what === "restore") at("cancel").focus({ preventScroll: true });
  at("error").textContent = "";
  showStep("reading", 0);
  try {
    await work(mine.signal);
  } catch (error) {
    if (error.name !== "AbortError") at("error").textContent = error.message;
  } finally {
    if (running === mine) {
      running = null;
      const focused = document.activeElement === at("cancel");
      at("working").hidden = true;
      at("restore").hidden = false;
      if (focused) at(at("done").hidden ? "restore" : "download").focus({ preventScroll: true });
    }
  }
}

function showStep(step, share) {
  const text = STEPS[step] ?? step;
  if (at("step").textContent !== text) at("step").textContent = at("status").textContent = text;
  if (share > 0) at("bar").value = share;
  else at("bar").removeAttribute("value");
}

// What people do

at("choose").addEventListener("click", () => at("file").click());
at("another").addEventListener("click", () => at("file").click());
at("file").addEventListener("change", () => {
  open(at("file").files[0]);
  at("file").value = "";
});
document.addEventListener("keydown", (event) => hand.command(event));
document.addEventListener("paste", (event) => open(event.clipboardData.files[0]));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("over");
  open(event.dataTransfer.files[0]);
});
for (const button of document.querySelectorAll("[name=tool]")) {
  button.addEventListener("change", () => chooseTool(button.value));
}
at("size").addEventListener("input", () => setSize(at("size").value));
at("split").addEventListener("input", () => setSplit(at("split").value / 100));
at("undo").addEventListener("click", hand.on.undo);
at("redo").addEventListener("click", hand.on.redo);
at("in").addEventListener("click", () => view.zoom(1.5));
at("out").addEventListener("click", () => view.zoom(1 / 1.5));
at("fit").addEventListener("click", () => view.fit());
at("model").addEventListener("change", showModel);
at("restore").addEventListener("click", restore);
at("cancel").addEventListener("click", () => running?.abort());
at("again").addEventListener("click", goOn);

view.setColours([[0, 0, 0], ...COLOURS, PAINTED]);
takeToken();
setSize(at("size").value);
chooseTool("brush");
try {
  models = (await offer()).models;
  at("model").replaceChildren(...models.map((model) => new Option(model.name, model.name)));
  if (models.some((model) => model.name === OFTEN)) at("model").value = OFTEN;
  showModel();
  allowRestoring();
} catch (error) {
  at("choose").querySelector("small").textContent = error.message;
}
