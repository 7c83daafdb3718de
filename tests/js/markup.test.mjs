import assert from "node:assert/strict";
import test from "node:test";
import { lineOf, parts, textOf } from "../../chatserver/static/js/lib/markup.js";

const text = (data) => ({ nodeType: 3, data, childNodes: [] });

/** The part of a DOM node that `parts` uses. */
function node(localName, attributes, ...children) {
  const childNodes = children.map((child) => (typeof child === "string" ? text(child) : child));
  return { nodeType: 1, localName, childNodes, getAttribute: (name) => attributes[name] ?? null };
}

const body = (...children) => parts(node("body", {}, ...children), (name) => name === "bo");

test("allowed tags are kept, also when nested", () => {
  const found = body(node("p", {}, "a ", node("strong", {}, "b", node("em", {}, "c")), node("br", {})));
  const strong = { tag: "strong", parts: [{ text: "b" }, { tag: "em", parts: [{ text: "c" }] }] };
  assert.deepEqual(found, [{ tag: "p", parts: [{ text: "a " }, strong, { tag: "br", parts: [] }] }]);
});

test("any other tag is replaced by its content", () => {
  const found = body(node("script", {}, "alert(1)"), node("img", { src: "x", onerror: "alert(1)" }), node("form", {}, node("em", {}, "c")));
  assert.deepEqual(found, [{ text: "alert(1)" }, { tag: "em", parts: [{ text: "c" }] }]);
  assert.deepEqual(parts({ childNodes: [{ nodeType: 8, data: "comment", childNodes: [] }] }), []);
});

test("only href of links and the numbers of lists are kept as attributes", () => {
  const link = node("a", { href: "https://example.com/", onclick: "x", style: "x", target: "_top" }, "b");
  assert.deepEqual(body(link), [{ tag: "a", href: "https://example.com/", parts: [{ text: "b" }] }]);
  assert.deepEqual(body(node("ol", { start: "3", class: "x" })), [{ tag: "ol", start: 3, parts: [] }]);
  assert.deepEqual(body(node("ol", { start: "x" })), [{ tag: "ol", parts: [] }]);
  assert.deepEqual(body(node("li", { value: "7", start: "2" })), [{ tag: "li", value: 7, parts: [] }]);
  assert.deepEqual(body(node("p", { id: "x", href: "https://example.com" })), [{ tag: "p", parts: [] }]);
});

test("a link that is not http, https or mailto becomes text", () => {
  for (const href of ["javascript:alert(1)", "data:text/html,x", " javascript:x", "/logout", "//example.com", "vbscript:x", undefined]) {
    assert.deepEqual(body(node("a", { href }, "b")), [{ text: "b" }]);
  }
  assert.equal(body(node("a", { href: "mailto:bo@example.com" }))[0].tag, "a");
});

test("names are mentioned in text, not in code or links", () => {
  const found = body(node("p", {}, "hi @Bo!", node("code", {}, "@bo"), node("a", { href: "http://x" }, "@bo")));
  assert.deepEqual(found[0].parts.slice(0, 3), [{ text: "hi " }, { text: "@Bo", mention: "bo" }, { text: "!" }]);
  assert.deepEqual(found[0].parts.slice(3).map(({ parts: inner }) => inner), [[{ text: "@bo" }], [{ text: "@bo" }]]);
});

test("no text is lost", () => {
  const list = node("ul", {}, node("li", {}, "a @bo ", node("b", {}, "b")), node("li", {}, node("em", {}, "c")));
  assert.equal(textOf(body(list)), "a @bo bc");
});

test("in one line, paragraphs and list items are separated by spaces and words stay whole", () => {
  const list = node("ul", {}, node("li", {}, "a"), node("li", {}, "b"));
  const found = body(node("p", {}, "in", node("em", {}, "dex"), node("br", {}), "now"), list);
  assert.equal(lineOf(found).replaceAll(/\s+/g, " ").trim(), "index now a b");
});
