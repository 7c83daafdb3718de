import assert from "node:assert/strict";
import test from "node:test";
import { _, ngettext, setCatalogue } from "../../chatserver/static/js/lib/i18n.js";

test("texts come from the catalogue, and are English without one", () => {
  setCatalogue({});
  assert.equal(_("Hello %(name)s, 100%%", { name: "bo" }), "Hello bo, 100%");
  assert.equal(ngettext("%(num)s cat", "%(num)s cats", 1), "1 cat");
  assert.equal(ngettext("%(num)s cat", "%(num)s cats", 2), "2 cats");
  setCatalogue({ Hello: "你好", "%(num)s cat": ["%(num)s 只猫"], Empty: "" });
  assert.equal(_("Hello"), "你好");
  assert.equal(_("Empty"), "Empty");
  assert.equal(ngettext("%(num)s cat", "%(num)s cats", 1), "1 只猫");
  assert.equal(ngettext("%(num)s cat", "%(num)s cats", 7), "7 只猫");
  setCatalogue({});
});

test("inserted values are not interpreted as patterns", () => {
  assert.equal(_("Hello %(name)s", { name: "%(name)s $& %%" }), "Hello %(name)s $& %%");
  assert.equal(_("Hello %(who)s"), "Hello %(who)s");
});
