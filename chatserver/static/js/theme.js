/* Applies the chosen colour theme before the first paint; therefore a classic script. */
(() => {
  try {
    const theme = localStorage.getItem("chat:theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // Without storage the system's colour scheme applies.
  }
})();
