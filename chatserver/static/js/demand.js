/**
 * Brings what on-demand.js lists when the messages are shown, so that these are there sooner; at once when
 * somebody clicks on what needs it. Such a click is not lost: it is made again when it can be answered.
 */

const PATIENCE = 2_000; // milliseconds, on a line that does not show any messages
const NEEDY = "button:is([data-open], [data-panel]), account-menu button"; // <nav-drawer> has a data-open too
const FAILURES = 3; // after which the page says that a part of it is missing
const AGAIN = 1_000; // milliseconds until files are asked for again that did not come

// Some browsers never ask again for an address that has failed once.
const WAYS = [
  () => import("./on-demand.js"),
  () => import("./on-demand.js?again"),
  () => import("./on-demand.js?once-more"),
];

export const demand = { answered: false };

/** Settles when all elements of the page are there. */
export async function bringTheRest(list) {
  const early = new Set();
  let want;
  const wanted = new Promise((resolve) => (want = resolve));
  const hold = (event) => {
    const button = event.target.closest(NEEDY);
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    early.add(button);
    want();
  };
  const shown = new MutationObserver(() => list.dataset.state === "loaded" && requestAnimationFrame(want));
  shown.observe(list, { attributeFilter: ["data-state"] });
  setTimeout(want, PATIENCE);
  document.addEventListener("click", hold, { capture: true });
  await wanted;
  shown.disconnect();
  await load();
  document.removeEventListener("click", hold, { capture: true });
  demand.answered = true;
  for (const button of early) button.click();
}

async function load() {
  for (let number = 0; ; number += 1) {
    try {
      return await WAYS[number % WAYS.length]();
    } catch {
      if (number === FAILURES) document.dispatchEvent(new Event("page:incomplete"));
      await new Promise((resolve) => setTimeout(resolve, AGAIN * 2 ** Math.min(number, 5)));
    }
  }
}
