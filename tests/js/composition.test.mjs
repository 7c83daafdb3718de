import "./setup.mjs";
import assert from "node:assert/strict";
import test from "node:test";

globalThis.location = { href: "http://chat.example/" };
globalThis.document = { documentElement: { lang: "en" }, querySelector: () => null };
const { Composition } = await import("../../chatserver/static/js/state/composition.js");

let rooms = 0;

/** A composition in an empty conversation, whose text box it fills; `type(text)` is what the user types. */
function compose() {
  const box = { text: "" };
  const composition = new Composition({ replaceText: (text) => (box.text = text), targetChanged: () => {} });
  const type = (text) => {
    box.text = text;
    composition.write(text);
  };
  composition.open(`#${(rooms += 1)}`);
  return { box, composition, type };
}

const reply = (seq) => ({ kind: "answer", seq, epoch: "e1" });
const edit = (seq, was) => ({ kind: "edit", seq, epoch: "e1", was });

test("an edit that interrupts a reply returns its text and target when it ends", () => {
  const { box, composition, type } = compose();
  composition.begin(reply(1));
  type("my reply");
  composition.begin(edit(2, "two"));
  assert.equal(box.text, "two");
  composition.end();
  assert.equal(box.text, "my reply");
  assert.equal(composition.target.kind, "answer");
  assert.equal(composition.target.seq, 1);
});

test("an edit without changes is not continued after another edit, and a changed one is", () => {
  const { box, composition, type } = compose();
  composition.begin(edit(1, "one"));
  composition.begin(edit(2, "two"));
  type("two changed");
  composition.begin(edit(3, "three"));
  composition.end();
  assert.equal(box.text, "two changed");
  composition.end();
  assert.equal(composition.target?.kind, undefined);
  assert.equal(box.text, "");
});

test("text of an edit is kept as a new message when the message is deleted, and a reply is only marked", () => {
  const { box, composition, type } = compose();
  const deleted = () => ({ deleted_at: 1 });
  composition.begin(edit(1, "one"));
  type("one changed");
  composition.checkDeleted(deleted);
  assert.equal(composition.target.kind, "deleted");
  assert.equal(box.text, "one changed");

  const other = compose();
  other.composition.begin(reply(1));
  other.type("my reply");
  other.composition.checkDeleted(deleted);
  assert.equal(other.composition.target.kind, "unanswered");
  assert.equal(other.box.text, "my reply");
});

test("a target of another log is dropped, and its text becomes a draft", () => {
  const { box, composition, type } = compose();
  composition.begin(edit(1, "one"));
  type("one changed");
  composition.checkEpoch(null);
  assert.equal(composition.target.kind, "edit");
  composition.checkEpoch("e2");
  assert.equal(composition.target, null);
  assert.equal(box.text, "one changed");
});

test("text that was not sent is appended to the draft, also during an edit", () => {
  const { box, composition, type } = compose();
  type("a draft");
  composition.begin(edit(1, "one"));
  composition.restore("not sent");
  assert.equal(box.text, "one");
  composition.end();
  assert.equal(box.text, "a draft\nnot sent");
});

test("a sent reply leaves an empty text box without a target", () => {
  const { box, composition, type } = compose();
  composition.begin(reply(1));
  type("my reply");
  composition.send("my reply");
  assert.equal(composition.target, null);
  assert.equal(box.text, "");
});
