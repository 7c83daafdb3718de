/** Which sections of the list of conversations are closed, and in which order they are; kept on this device. */

import { BY_ACTIVITY, BY_NAME, ORDERS } from "../lib/sections.js";
import { local } from "./local-storage.js";

const CLOSED = "sections-closed"; // names of sections
const ORDER = "sections-order"; // names and orders, such as "rooms:activity"

const read = (name) => (local.get(name) ?? "").split(" ").filter(Boolean);

export const isClosed = (section) => read(CLOSED).includes(section);

export function toggle(section) {
  const closed = read(CLOSED);
  const others = closed.filter((one) => one !== section);
  local.set(CLOSED, (others.length < closed.length ? others : [...closed, section]).join(" "));
}

/** BY_NAME or BY_ACTIVITY. */
export const orderOf = (section) => read(ORDER).find((one) => one.startsWith(`${section}:`))?.slice(section.length + 1) ?? ORDERS[section];

export function switchOrder(section) {
  const order = orderOf(section) === BY_NAME ? BY_ACTIVITY : BY_NAME;
  local.set(ORDER, [...read(ORDER).filter((one) => !one.startsWith(`${section}:`)), `${section}:${order}`].join(" "));
}
