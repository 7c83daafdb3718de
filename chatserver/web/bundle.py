"""Bundle of JavaScript modules: an entry and all that it imports, as one file.

Each module becomes a block that reads its imports from `$modules` and puts its exports there, in
the order in which a browser evaluates modules. The sources keep to what this can rewrite: each
import is one line, exports are declared with `function`, `class` or `const`, or come from another
module, and no imports form a cycle; anything else raises ValueError. Addresses
in dynamic imports and in `new URL("…", import.meta.url)` become relative to the entry. Comments are
left out, but for those with quotes, which may be parts of strings.
"""

import re
from collections.abc import Collection, Mapping
from posixpath import dirname, join, normpath, relpath

IMPORT = re.compile(r'^(?:import|export) (?:.+ from )?"(\.[^"]+)";$', re.M)
SIDE_EFFECT = re.compile(r'^import "[^"]+";\n', re.M)
NAMED = re.compile(r'^import (\{.+\}|\* as \w+) from "([^"]+)";$', re.M)
FORWARD = re.compile(r'^export \{ (\w+(?:, \w+)*) \} from "([^"]+)";$', re.M)
DECLARED = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.M)
DOC = re.compile(r"^[ \t]*/\*\*(?:[^*]|\*(?!/))*\*/\n", re.M)
LINE = re.compile(r"^[ \t]*// [^\"'`\n]*\n", re.M)
TRAILING = re.compile(r"(?<=[;{}()\[\],:?>&|]) +// [^\"'`\n]*$", re.M)
RELATIVE = re.compile(r'((?:\bnew URL|\bimport)\()"(\.[^"]+)"')
LEFT = re.compile(r"^(?:import|export) .*", re.M)


def bundle(files: Mapping[str, str], entry: str, base: str | None = None) -> str:
    """Source of the module `entry` with its imports; those in the bundle `base` come from there."""
    provided = closure(files, base) if base else []
    if base:
        start = f'import {{ $modules }} from "{_relative(base, dirname(entry))}";\n'
    else:
        start = "export const $modules = {};\n"
    names = [name for name in closure(files, entry) if name not in provided]
    blocks = [_block(name, files[name], dirname(entry)) for name in names]
    end = f'export const {{ {", ".join(_exports(files[entry]))} }} = $modules["{entry}"];\n'
    return start + "".join(blocks) + end


def closure(files: Mapping[str, str], entry: str) -> list[str]:
    """Return the module and all that it imports, each after its own imports."""
    found: dict[str, None] = {}
    _visit(files, entry, found, ())
    return list(found)


def resolve(name: str, target: str) -> str:
    """Return the path of the module that the module `name` imports as `target`."""
    return normpath(join(dirname(name), target))


def _visit(
    files: Mapping[str, str], name: str, found: dict[str, None], above: Collection[str]
) -> None:
    if name in above:
        raise ValueError(f"Import cycle: {' '.join([*above, name])}")
    if name not in found:
        for target in IMPORT.findall(files[name]):
            _visit(files, resolve(name, target), found, (*above, name))
        found[name] = None


def _block(name: str, source: str, folder: str) -> str:
    """Return the module as a block of a bundle in that folder."""
    text = SIDE_EFFECT.sub("", TRAILING.sub("", LINE.sub("", DOC.sub("", source))))
    text = FORWARD.sub(r'import { \1 } from "\2";', text)
    text = NAMED.sub(lambda found: _assignment(name, found[1], found[2]), text)
    text = RELATIVE.sub(
        lambda found: f'{found[1]}"{_relative(resolve(name, found[2]), folder)}"', text
    )
    text = DECLARED.sub("", text)
    if found := LEFT.search(text):
        raise ValueError(f"{name}: cannot bundle {found[0]!r}")
    return f'{{\n// {name}\n{text}$modules["{name}"] = {{ {", ".join(_exports(source))} }};\n}}\n'


def _exports(source: str) -> list[str]:
    forwarded = [name for names, _ in FORWARD.findall(source) for name in names.split(", ")]
    return DECLARED.findall(source) + forwarded


def _assignment(name: str, names: str, target: str) -> str:
    pattern = names.removeprefix("* as ").replace(" as ", ": ")
    return f'const {pattern} = $modules["{resolve(name, target)}"];'


def _relative(name: str, folder: str) -> str:
    """Return the specifier by which modules in the folder import the module `name`."""
    found = relpath(name, folder or ".")
    return found if found.startswith(".") else f"./{found}"
