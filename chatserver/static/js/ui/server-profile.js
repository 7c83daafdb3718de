/** Shows the name and the logo of the server, {title, logo?}: the page was rendered with those of then. */

import { urls } from "./page.js";

export function showServer({ title, logo = "" }) {
  document.querySelector("meta[name=chat-server]").content = title;
  for (const brand of document.querySelectorAll(".brand")) {
    brand.querySelector("span").textContent = title;
    if (brand.dataset.logo === logo) continue;
    brand.dataset.logo = logo;
    const image = brand.querySelector("img");
    image.src = logo ? `${urls.logo}/${logo}` : image.dataset.default;
  }
}
