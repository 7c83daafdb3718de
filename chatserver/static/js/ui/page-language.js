/** Shows a page with a form in another language without reloading it, so that entered text, also a password, is kept. */

import { loadCatalogue } from "./load-catalogue.js";

/** Replace <main> by that of the same page in `locale`. `isWanted()`: false if the user has chosen another one since. */
export async function showPageIn(locale, isWanted) {
  const url = new URL(location.href);
  url.searchParams.set("lang", locale);
  const response = await fetch(url);
  if (!response.ok || response.redirected) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  await loadCatalogue(page.querySelector("meta[name=chat-catalogue]").content);
  if (!isWanted()) return;
  document.documentElement.lang = page.documentElement.lang;
  document.title = page.title;
  history.replaceState(history.state, "", url); // a reload keeps the language
  replaceMain(page.querySelector("main"));
}

function replaceMain(main) {
  const old = document.querySelector("main");
  const focused = document.activeElement.id;
  const entered = new FormData(old.querySelector("form"));
  old.replaceWith(main);
  const { elements } = main.querySelector("form");
  for (const [name, value] of entered) {
    elements.namedItem(name).value = value;
    elements.namedItem(name).dispatchEvent(new Event("input", { bubbles: true })); // rates a password
  }
  if (focused) document.getElementById(focused)?.focus();
}
