/**
 * Files of outbox entries: {key, name, type, bytes, width?, height?, alt?, seconds?, wave?, original?, prepared?, upload?,
 * uploaded?, preview?, progress?, problem?}. `key`: of the content; `original`: not to be scaled; `prepared`: the stored content is
 * what is uploaded; `upload`: id of an upload that can be continued; `uploaded`: the file as events have it; `preview`:
 * URL of a picture or a recording in this page; `progress`: bytes that were sent; `problem`: why it was refused.
 */

const UPLOAD_WAIT = 5_000; // milliseconds that a message waits for the files of an earlier one

/** Whether all files of an entry are uploaded. */
const isUploaded = ({ files = [] }) => files.every(({ uploaded }) => uploaded);

/**
 * The next of some entries to send: one without files that are not uploaded. A message waits a moment for those of an
 * earlier one in its conversation, so that a comment follows its picture. Returns {entry}, or {wait} in milliseconds.
 */
export function nextToSend(entries, now) {
  const ends = new Map(); // by conversation, until when its messages wait
  const waits = [];
  for (const entry of entries) {
    const wait = (ends.get(entry.key) ?? 0) - now;
    if (!isUploaded(entry)) ends.set(entry.key, Math.max(entry.at + UPLOAD_WAIT, now + wait));
    else if (entry.target !== undefined || wait <= 0 || wait > UPLOAD_WAIT) return { entry };
    else waits.push(wait);
  }
  return { wait: waits.length > 0 ? Math.min(...waits) : 0 };
}

/** The first file that is to be uploaded, as {entry, file}, or undefined. `postponed`: keys of files that are not. */
export function nextUpload(entries, postponed) {
  for (const entry of entries) {
    const file = entry.files?.find(({ key, uploaded, problem }) => !uploaded && !problem && !postponed.has(key));
    if (file) return { entry, file };
  }
  return undefined;
}

/** An entry that an earlier page stored. */
export const reloaded = (entry) => (entry.files ? { ...entry, files: entry.files.map(({ preview, progress, ...kept }) => kept) } : entry);

/** The files of a refused entry, to be tried again. */
export const retried = (files = []) => files.map(({ problem, progress, ...kept }) => kept);

/**
 * Upload the files of an entry again, because the server may have deleted them: a message that waited for a day. Returns
 * false if that has been tried.
 */
export function uploadAgain(entry) {
  if (!entry.files || entry.again) return false;
  entry.again = true;
  entry.files = entry.files.map(({ upload, uploaded, ...kept }) => kept);
  return true;
}

/** Adopt the uploads of another copy of the same files. */
export function merge(files, others) {
  for (const file of files) {
    const other = others.find(({ key }) => key === file.key);
    file.uploaded ??= other?.uploaded;
    file.upload ??= other?.upload;
  }
}

/** The files of an entry, for the list of messages. */
export const pendingFiles = (files = []) =>
  files.map(({ key, name, type, bytes, width, height, alt, seconds, wave, preview, progress = 0, problem, uploaded }) => {
    const shown = { id: key, name, type, bytes, width, height, alt, seconds, wave, preview, problem };
    return { ...shown, state: problem ? "failed" : "pending", share: uploaded ? 1 : Math.min(1, progress / Math.max(1, bytes)) };
  });
