// Requests to the server, with their token, progress and errors.

const KEY = "inpaint-sdk token";
const POLL = 300; // milliseconds

let token = sessionStorage.getItem(KEY) ?? "";

// The token may come in the address, behind #, which browsers send to no server.
export function takeToken() {
  const given = new URLSearchParams(location.hash.slice(1)).get("token");
  if (given === null) return;
  setToken(given);
  history.replaceState(null, "", location.pathname);
}

function setToken(given) {
  token = given;
  sessionStorage.setItem(KEY, given);
}

export class ServerError extends Error {}

function askForToken() {
  document.querySelector("#why").textContent = token
    ? "That one was not right. It was printed when the server was started."
    : "It was printed when the server was started.";
  const dialog = document.querySelector("#locked");
  const field = dialog.querySelector("input");
  field.value = "";
  dialog.showModal();
  return new Promise((resolve, reject) => {
    dialog.onclose = () => {
      if (!field.value) return reject(new ServerError("This server asks for a token."));
      setToken(field.value);
      resolve();
    };
  });
}

// Sends a request; answers the XMLHttpRequest when it is done.
function send(method, path, body, { type = "json", name = "", signal, onSent } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, path);
    request.responseType = type;
    if (token) request.setRequestHeader("Authorization", `Bearer ${token}`);
    if (name) request.setRequestHeader("X-Request-ID", name);
    if (onSent) request.upload.onprogress = (event) => onSent(event.loaded / event.total);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new ServerError("The server cannot be reached."));
    request.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, 1000 * seconds);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("cancelled", "AbortError"));
    });
  });
}

async function explain(request) {
  const body = request.response;
  const text = body instanceof Blob ? await body.text() : JSON.stringify(body);
  try {
    return JSON.parse(text).message;
  } catch {
    return `The server answered ${request.status}.`;
  }
}

// Asks again with another token, and when a full queue will have a place: onBusy() tells.
async function ask(method, path, body, options) {
  for (;;) {
    const request = await send(method, path, body, options);
    if (request.status < 300) return request;
    if (request.status === 401) {
      await askForToken();
    } else if (request.status === 429) {
      options.onBusy?.();
      await pause(Number(request.getResponseHeader("Retry-After")), options.signal);
    } else {
      throw new ServerError(await explain(request));
    }
  }
}

// Asks until the models are loaded.
export async function offer() {
  for (;;) {
    const request = await send("GET", "v1/models");
    if (request.status === 401) await askForToken();
    else if (request.status === 200) return request.response;
    else if (request.status !== 503) throw new ServerError(await explain(request));
    else await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

// A name for a request, whose progress can then be asked for. Not of crypto.randomUUID, which
// browsers have only where the connection is safe.
function newName() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Posts files and tells how far it is: onProgress(step, share).
export async function post(path, files, { signal, type, onProgress } = {}) {
  const form = new FormData();
  for (const [part, file] of Object.entries(files)) form.append(part, file, part);
  const name = newName();
  let timer = 0;
  const poll = async () => {
    const request = await send("GET", `v1/progress/${name}`).catch(() => null);
    if (request?.status === 200 && timer) onProgress(request.response.step, request.response.share);
    if (timer) timer = setTimeout(poll, POLL);
  };
  const onSent = (share) => {
    if (!timer) onProgress("sending", share);
    if (share === 1 && !timer) timer = setTimeout(poll, POLL);
  };
  const told = onProgress && { onSent, onBusy: () => onProgress("waiting", 0) };
  try {
    return await ask("POST", path, form, { type, name, signal, ...told });
  } finally {
    clearTimeout(timer);
    timer = 0;
  }
}
