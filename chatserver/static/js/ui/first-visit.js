/** Whether this browser has opened the chat on an earlier day: offers wait until then. */

import { local } from "../state/local-storage.js";

const FIRST_VISIT = "first-visit"; // a day
const today = () => new Date().toDateString();

export function isFirstVisit() {
  if (!local.get(FIRST_VISIT)) local.set(FIRST_VISIT, today());
  return local.get(FIRST_VISIT) === today();
}
