/* Shows which browsers are supported if the page does not start. A classic script, so that old browsers run it. */
(() => {
  const supported =
    "popover" in HTMLElement.prototype && "findLast" in Array.prototype && CSS.supports("color", "light-dark(red, red)");
  const showBanner = () => {
    document.getElementById("unsupported").hidden = false;
  };
  const failed = () => {
    if (!document.documentElement.dataset.started) showBanner();
  };
  document.addEventListener("DOMContentLoaded", () => {
    if (!supported) showBanner();
  });
  addEventListener("unhandledrejection", failed);
  addEventListener("error", ({ target }) => (target === globalThis || target.localName === "script") && failed(), true);
})();
