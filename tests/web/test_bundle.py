"""Bundles of JavaScript modules, evaluated in Node."""

import subprocess
import sys
from pathlib import Path

import pytest

from chatserver.web.bundle import bundle, closure

NODE = Path(sys.executable).with_name("node")
FILES = {
    "js/main.js": """import "./lib/first.js";
import { double as twice, Counter } from "./lib/math.js";
import * as math from "./lib/math.js";
export { LIMIT } from "./lib/limits.js";

const counter = new Counter();
export async function run() {
  return [twice(await math.later()), counter.next()];
}
export const own = await run();
""",
    "js/lib/first.js": "globalThis.order = ['first'];\n",
    "js/lib/math.js": """import { LIMIT } from "./limits.js";

globalThis.order.push("math");
const counter = "not the one of main.js";
export const double = (number) => Math.min(2 * number, LIMIT);
export const later = async () => 3;
export class Counter {
  #count = counter.length;
  next = () => ++this.#count;
}
""",
    "js/lib/limits.js": "globalThis.order.push('limits');\nexport const LIMIT = 5;\n",
    "js/more.js": """import { LIMIT } from "./lib/limits.js";
export { Counter } from "./lib/math.js";

export const more = LIMIT + 1;
""",
}


def evaluate(folder: Path, script: str) -> str:
    (folder / "main.js").write_text(bundle(FILES, "js/main.js"))
    (folder / "more.js").write_text(bundle(FILES, "js/more.js", "js/main.js"))
    (folder / "package.json").write_text('{"type": "module"}')
    (folder / "run.js").write_text(script)
    done = subprocess.run([NODE, folder / "run.js"], capture_output=True, text=True, check=False)
    assert not done.stderr, done.stderr
    return done.stdout.strip()


def test_bundles_behave_like_their_modules_and_share_one_copy_of_each(tmp_path: Path) -> None:
    script = """
      const main = await import("./main.js");
      const more = await import("./more.js");
      const same = more.Counter === main.$modules["js/lib/math.js"].Counter;
      console.log(JSON.stringify([order, main.own, main.LIMIT, more.more, same]));
    """
    assert evaluate(tmp_path, script) == '[["first","limits","math"],[5,23],5,6,true]'


def test_urls_become_relative_to_the_entry() -> None:
    source = (
        'export const all = () => [import("./more.js?a"), new URL("../x.json", import.meta.url)];'
    )
    files = {"js/main.js": 'import "./ui/load.js";\n', "js/ui/load.js": f"{source}\n"}
    assert 'import("./ui/more.js?a"), new URL("./x.json", import.meta.url)' in bundle(
        files, "js/main.js"
    )
    files["js/ui/more.js"] = "export const more = 1;\n"
    assert bundle(files, "js/ui/more.js", "js/main.js").startswith(
        'import { $modules } from "../main.js";'
    )


def test_modules_follow_their_imports() -> None:
    names = ("js/lib/first.js", "js/lib/limits.js", "js/lib/math.js", "js/main.js")
    assert closure(FILES, "js/main.js") == list(names)


@pytest.mark.parametrize(
    "text",
    [
        "export let count = 0;\n",
        "export default 1;\n",
        'import thing from "./a.js";\n',
        'import {\n  a,\n} from "./a.js";\n',
        'export * from "./a.js";\n',
        "const a = 1;\nexport { a };\n",
    ],
)
def test_unsupported_syntax_is_rejected(text: str) -> None:
    with pytest.raises(ValueError, match="cannot bundle"):
        bundle({"main.js": text, "a.js": ""}, "main.js")


def test_an_import_cycle_is_rejected() -> None:
    files = {"a.js": 'import { b } from "./b.js";\n', "b.js": 'import { a } from "./a.js";\n'}
    with pytest.raises(ValueError, match=r"Import cycle: a\.js b\.js a\.js"):
        bundle(files, "a.js")


def test_comments_are_left_out_and_strings_are_kept() -> None:
    source = """/** A module. */
// First line.
const first = 1; // one
  // Second line.
const second = "a; // no comment"; // it's kept: there is a quote
const third = `${first}; // no comment`;
const address = "https://chat.test";
"""
    made = bundle({"main.js": source}, "main.js")
    assert "A module" not in made
    assert "// one" not in made
    assert "First line" not in made
    assert "Second line" not in made
    for kept in ("; // no comment`", '"a; // no comment"', '"https://chat.test"'):
        assert kept in made
