/** Avatars of users: the profile picture, or a letter on one of twelve hues. */

import { hue, initial } from "../lib/names.js";
import { urls } from "./page.js";

/** `picture`: an id; `kind`: see `urls`. The letter is shown until the picture is loaded, and if it cannot be loaded. */
export function showAvatar(avatar, { name, display, picture = "", kind = "pictures" }) {
  avatar.dataset.hue = hue(name);
  avatar.querySelector(".avatar-letter").textContent = initial(display);
  if ((avatar.dataset.picture ?? "") === picture) return;
  avatar.dataset.picture = picture;
  if (picture) load(avatar, `${urls[kind]}/${picture}`);
  else remove(avatar);
}

/** The former picture stays until this one is loaded. */
function load(avatar, address) {
  const image = Object.assign(new Image(), { alt: "", width: 256, height: 256, decoding: "async", loading: "lazy", draggable: false });
  image.addEventListener("load", () => {
    remove(avatar, image);
    avatar.dataset.pictured = "true";
  });
  image.addEventListener("error", () => remove(avatar));
  image.src = address;
  avatar.append(image);
}

function remove(avatar, kept = null) {
  for (const image of avatar.querySelectorAll("img")) if (image !== kept) image.remove();
  delete avatar.dataset.pictured;
}
