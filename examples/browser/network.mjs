// Runs a model file of inpaint-sdk in a browser, by onnxruntime-web in WebAssembly.

import * as ort from "onnxruntime-web";

const decoder = new TextDecoder();

/** Loads a model file: a session, and what the file says of itself (name, task, kinds, ...). */
export async function loadModel(bytes) {
  const info = readDescription(bytes);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  return { info, session };
}

/**
 * Runs the network on a whole picture.
 *
 * picture: RGBA in bytes, as a canvas has it, width * height * 4. marked: a byte a pixel, nonzero
 * where an inpainting model is to fill, or null. Returns the main output, Float32Array in planes of
 * width * height: red, green and blue from 0 to 1; of a detector, a probability for each kind.
 */
export async function runNetwork(model, picture, marked, width, height) {
  const { info, session } = model;
  const frame = padded(width, height, info.size_multiple);
  const colours = (plane) => frame.fill((pixel) => picture[4 * pixel + plane] / 255);
  const feeds = { image: tensor([colours(0), colours(1), colours(2)], frame) };
  if (info.task === "inpaint") {
    feeds.mask = tensor([frame.fill((pixel) => (marked[pixel] ? 1 : 0))], frame);
  }
  const name = info.task === "detect" ? "probability" : "output";
  const found = (await session.run(feeds, [name]))[name];
  const planes = new Float32Array(found.dims[1] * width * height);
  for (let plane = 0, at = 0; plane < found.dims[1]; plane++) {
    for (let y = 0; y < height; y++, at += width) {
      const row = (plane * frame.height + y) * frame.width;
      planes.set(found.data.subarray(row, row + width), at);
    }
  }
  return planes;
}

function tensor(planes, frame) {
  const data = new Float32Array(planes.length * frame.width * frame.height);
  planes.forEach((plane, index) => data.set(plane, index * plane.length));
  return new ort.Tensor("float32", data, [1, planes.length, frame.height, frame.width]);
}

/** Sides that are multiples of what the network takes; a picture is mirrored at its end. */
function padded(width, height, multiple) {
  const columns = mirrored(width, multiple);
  const rows = mirrored(height, multiple);
  const fill = (value) =>
    Float32Array.from({ length: rows.length * columns.length }, (_, index) => {
      const row = rows[Math.floor(index / columns.length)];
      return value(row * width + columns[index % columns.length]);
    });
  return { width: columns.length, height: rows.length, fill };
}

/** For each place in a padded side, the place in the picture that it shows. */
function mirrored(size, multiple) {
  return Array.from({ length: Math.ceil(size / multiple) * multiple }, (_, place) => {
    const turned = place % (2 * size);
    return turned < size ? turned : 2 * size - 1 - turned;
  });
}

/** The JSON document that a model file carries in its metadata. */
export function readDescription(bytes) {
  for (const entry of fields(bytes, 14)) {
    const [key] = fields(entry, 1);
    const [value] = fields(entry, 2);
    if (decoder.decode(key) === "inpaint_sdk") return JSON.parse(decoder.decode(value));
  }
  throw new Error("this is not a model file of inpaint-sdk");
}

/** The contents of a protocol-buffers message's fields of one number, which hold bytes. */
function* fields(bytes, wanted) {
  let position = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (position >= bytes.length) throw new Error("this is not a model file, or it is cut short");
      const byte = bytes[position++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (position < bytes.length) {
    const tag = number();
    const wire = tag % 8;
    if (wire === 0) number();
    else if (wire === 1) position += 8;
    else if (wire === 5) position += 4;
    else if (wire === 2) {
      const length = number();
      if (Math.floor(tag / 8) === wanted) yield bytes.subarray(position, position + length);
      position += length;
    } else throw new Error("this is not a model file");
  }
}
