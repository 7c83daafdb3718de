/**
 * Uploads a file: small ones in one request, others by tus 1.0.0 (https://tus.io/protocols/resumable-upload), which
 * continue where they were after a lost connection or a reload.
 */

import { request } from "./api.js";
import { sendContent } from "./upload-request.js";
import { urls } from "../ui/page.js";

const RESUMABLE = 2 ** 20; // bytes from which an upload is resumable
const TUS = { "Tus-Resumable": "1.0.0" };
const GONE = new Set([404, 410]);
const CONFLICT = 409;

/**
 * Upload `content`; return the file as events have it. `file`: {name, alt?, seconds?, wave?, upload?}, `upload` being the
 * id of an upload that was begun; `room`: number of the only room that may have it. `begun(id)` is called when there is one to continue.
 */
export async function upload(file, content, { room, begun, progress, signal }) {
  const { name: filename, alt, seconds, wave } = file;
  const optional = Object.entries({ room, alt, seconds, wave }).filter(([, value]) => value);
  const metadata = { filename, ...Object.fromEntries(optional.map(([key, value]) => [key, String(value)])) };
  if (content.size < RESUMABLE) return uploadAtOnce(metadata, content, { progress, signal });
  let id = file.upload;
  let offset = id ? await offsetOf(id) : null;
  if (offset === null) {
    id = await begin(metadata, content, begun);
    offset = 0;
  }
  while (offset < content.size) offset = await append(id, content, offset, { progress, signal });
  return (await request("GET", `${urls.upload}/${id}`)).file;
}

async function uploadAtOnce({ filename: name, ...metadata }, content, { progress, signal }) {
  const url = `${urls.upload}?${new URLSearchParams({ name, ...metadata })}`;
  const headers = { "Content-Type": "application/octet-stream" };
  return (await sendContent("POST", url, { body: content, headers, progress, signal })).fields.file;
}

async function begin(metadata, content, begun) {
  const pairs = Object.entries(metadata).map(([key, value]) => `${key} ${base64(value)}`);
  const headers = { ...TUS, "Upload-Length": String(content.size), "Upload-Metadata": pairs.join(",") };
  const { header } = await sendContent("POST", urls.uploads, { headers });
  const id = header("Location").split("/").at(-1);
  await begun(id);
  return id;
}

/** How many bytes the server has; Infinity if it has all; null if the upload is gone. */
async function offsetOf(id) {
  try {
    const { header } = await sendContent("HEAD", `${urls.uploads}/${id}`, { headers: TUS });
    const offset = Number(header("Upload-Offset"));
    return offset === Number(header("Upload-Length")) ? Infinity : offset;
  } catch (error) {
    if (GONE.has(error.status)) return null;
    throw error;
  }
}

async function append(id, content, offset, { progress, signal }) {
  const headers = { ...TUS, "Upload-Offset": String(offset), "Content-Type": "application/offset+octet-stream" };
  const body = content.slice(offset);
  try {
    const { header } = await sendContent("PATCH", `${urls.uploads}/${id}`, { body, headers, signal, progress: (sent) => progress(offset + sent) });
    return Number(header("Upload-Offset"));
  } catch (error) {
    if (error.status !== CONFLICT) throw error;
    return (await offsetOf(id)) ?? 0;
  }
}

const base64 = (text) => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

/** Delete a file that is in no message. */
export const discard = (id) => request("DELETE", `${urls.upload}/${id}`).catch(() => {}); // it expires on the server
