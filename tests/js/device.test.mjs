import assert from "node:assert/strict";
import test from "node:test";
import { device } from "../../chatserver/static/js/lib/device.js";

test("a User-Agent header is described as browser and system", () => {
  const chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36";
  assert.equal(device(chrome), "Chrome, Windows");
  assert.equal(device(`${chrome} Edg/130.0`), "Edge, Windows");
  assert.equal(device("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"), "Safari, iPhone");
  assert.equal(device("curl/8.5.0"), "curl/8.5.0");
  assert.equal(device(""), "");
});
