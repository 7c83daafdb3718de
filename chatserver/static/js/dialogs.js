/** <dialog>s that a button or a key opens: closed by their cross, by Escape and by a click beside them. */
export function wire(element, { name, opened = () => {} }) {
  const dialog = element.querySelector("dialog");
  const open = (opener) => {
    dialog.showModal();
    opened(opener);
  };
  document.addEventListener("click", ({ target }) => {
    const opener = target.closest(`[data-open="${name}"]`);
    if (opener) open(opener);
  });
  for (const button of element.querySelectorAll(".dialog-close")) {
    button.addEventListener("click", () => dialog.close());
  }
  dialog.addEventListener("click", ({ target }) => target === dialog && dialog.close());
  return { dialog, toggle: () => (dialog.open ? dialog.close() : open(null)) };
}
