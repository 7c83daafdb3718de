import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

/** A <dialog> that dispatches its close event in a separate task, as browsers do. */
class Dialog extends EventTarget {
  open = false;
  returnValue = "";

  showModal() {
    this.open = true;
  }

  close(value) {
    this.open = false;
    this.returnValue = value ?? this.returnValue;
    setTimeout(() => this.dispatchEvent(new Event("close")));
  }
}

globalThis.HTMLElement = class {
  parts = new Map();

  querySelector(selector) {
    if (!this.parts.has(selector)) this.parts.set(selector, selector === "dialog" ? new Dialog() : new EventTarget());
    return this.parts.get(selector);
  }
};
let Confirm;
globalThis.customElements = { define: (_name, element) => (Confirm = element) };
await import("../../chatserver/static/js/elements/confirm-dialog.js");

function connectedDialog() {
  const element = new Confirm();
  element.connectedCallback();
  return element;
}

const press = (element, button) => element.querySelector(button).dispatchEvent(new Event("click"));
const closed = (element) => new Promise((resolve) => element.querySelector("dialog").addEventListener("close", resolve, { once: true }));

for (const [button, answer] of Object.entries({ ".confirm-yes": true, ".confirm-no": false })) {
  test(`${button} answers ${answer}, even if the next question opens before the close event`, async () => {
    const element = connectedDialog();
    const first = element.ask({ question: "First?", yes: "Yes" });
    press(element, button);
    const late = closed(element);
    const second = element.ask({ question: "Second?", yes: "Yes" });
    await late;
    press(element, ".confirm-yes");
    assert.deepEqual(await Promise.all([first, second]), [answer, true]);
  });
}

test("closing the dialog without a button answers no", async () => {
  const element = connectedDialog();
  const answer = element.ask({ question: "First?", yes: "Yes" });
  element.querySelector("dialog").close();
  assert.equal(await answer, false);
});
