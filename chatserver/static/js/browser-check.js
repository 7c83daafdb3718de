/* Shows which browsers are supported if the page does not start. A classic script, so that old browsers run it. */
(() => {
  const supported =
    "popover" in HTMLElement.prototype && "findLast" in Array.prototype && CSS.supports("color", "light-dark(red, red)");
  const showNotice = () => {
    document.getElementById("unsupported").hidden = false;
  };
  const failed = () => {
    if (!document.documentElement.dataset.started) showNotice();
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (!supported) showNotice();
  });
  addEventListener("unhandledrejection", failed);
  addEventListener("error", ({ target }) => (target === globalThis || target.localName === "script") && failed(), true);
})();
