"""Write chatserver/static/js/pinyin.json from the package `pypinyin`.

`pip install pypinyin`, then `python -m tests.pinyin_list`.
"""

import importlib
import json
import unicodedata
from collections import defaultdict
from pathlib import Path

LIST = Path(__file__).parent.parent / "chatserver" / "static" / "js" / "pinyin.json"
SOURCE = "pypinyin (MIT), see LICENSES/pypinyin.txt"
READINGS = 3  # of one character, the usual ones first; surnames are among them


def simplified() -> list[str]:
    """Return the characters of GB 2312, which are those of nearly all names."""
    found = []
    for row in range(16, 88):
        for cell in range(1, 95):
            try:
                found.append(bytes([row + 160, cell + 160]).decode("gb2312"))
            except UnicodeDecodeError:
                continue
    return found


def plain(reading: str) -> str:
    """Return a syllable without its tone; ü becomes v, as it is typed."""
    letters = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(one for one in letters if not unicodedata.combining(one))


def characters_by_syllable() -> dict[str, str]:
    readings = importlib.import_module("pypinyin.pinyin_dict").pinyin_dict
    found: defaultdict[str, str] = defaultdict(str)
    for character in simplified():
        syllables = [plain(one) for one in readings[ord(character)].split(",")]
        for syllable in list(dict.fromkeys(syllables))[:READINGS]:
            found[syllable] += character
    return dict(sorted(found.items()))


if __name__ == "__main__":
    content = {"source": SOURCE, "syllables": characters_by_syllable()}
    LIST.write_text(json.dumps(content, ensure_ascii=False, indent=0), encoding="utf-8")
