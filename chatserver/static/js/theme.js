/* Runs before the first paint, so not a module: light or dark, when the reader has chosen one. */
(() => {
  try {
    const theme = localStorage.getItem("chat:theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Then the system's choice holds.
  }
})();
