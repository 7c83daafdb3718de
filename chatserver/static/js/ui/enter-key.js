/** What Enter does in the composer: the user's choice; by default a line break on touch keyboards, otherwise it sends. */

import { local } from "../state/local-storage.js";

const TOUCH = matchMedia("(hover: none) and (pointer: coarse)");

/** "sends" or "breaks". */
export const enterKey = () => local.get("enter") || (TOUCH.matches ? "breaks" : "sends");

export const setEnterKey = (choice) => local.set("enter", choice);
