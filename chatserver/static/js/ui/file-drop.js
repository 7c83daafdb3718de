/**
 * Attaches files that are dropped on the page or pasted. While files are dragged over the page,
 * the conversation shows where they go. Where no files can be sent, they are refused with a message; by default the
 * browser would ignore them or leave the chat to open them.
 */

const END_DELAY = 150; // milliseconds without `dragover` after which the files have left the page

/** `zone`: shown while files are dragged; `canAdd()`; `add(files, folders)`, the names of folders among them; `refuse()`. */
export function acceptFiles({ zone, canAdd, add, refuse }) {
  let timer = 0;
  const hide = () => (zone.hidden = true);
  const accept = (event, data) => {
    event.preventDefault();
    if (canAdd()) add([...data.files], foldersIn(data));
    else refuse();
  };
  document.addEventListener("dragover", (event) => {
    if (!holdsFiles(event.dataTransfer)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = canAdd() ? "copy" : "none";
    zone.hidden = !canAdd();
    clearTimeout(timer);
    timer = setTimeout(hide, END_DELAY);
  });
  document.addEventListener("drop", (event) => {
    hide();
    if (holdsFiles(event.dataTransfer)) accept(event, event.dataTransfer);
  });
  document.addEventListener("paste", (event) => isOnlyFiles(event.clipboardData) && accept(event, event.clipboardData));
}

/** The names of the folders, which are among the files. */
function foldersIn({ items }) {
  const entries = [...items].map((item) => item.webkitGetAsEntry?.());
  return new Set(entries.filter((entry) => entry?.isDirectory).map(({ name }) => name));
}

const holdsFiles = (data) => data?.types.includes("Files") ?? false;

/** Text copied from office programs also has an image; it is pasted as text. The text of copied files is their names. */
function isOnlyFiles(data) {
  if (!holdsFiles(data)) return false;
  const text = data.getData("text/plain").trim();
  return text === "" || text.split(/[\r\n]+/).every((line) => [...data.files].some(({ name }) => line.endsWith(name)));
}
