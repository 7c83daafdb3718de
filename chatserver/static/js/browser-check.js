/* Says which browsers are supported where the page does not start. No module, so that old browsers run it. */
(() => {
  const supported =
    "popover" in HTMLElement.prototype && "findLast" in Array.prototype && CSS.supports("color", "light-dark(red, red)");
  const say = () => {
    document.getElementById("unsupported").hidden = false;
  };
  const failed = () => {
    if (!document.documentElement.dataset.started) say();
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (!supported) say();
  });
  addEventListener("unhandledrejection", failed);
  addEventListener("error", ({ target }) => (target === globalThis || target.localName === "script") && failed(), true);
})();
