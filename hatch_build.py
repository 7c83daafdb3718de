"""Hatchling's metadata hook: the README as a page outside the repository, such as an index shows.

Pictures and links of the repository lead nowhere there: pictures are left out, and of links the
text remains.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

HERE = r"(?![a-z]+:|#)"  # begins no URL and no place in the page: a file of the repository
PICTURE = re.compile(rf'!\[[^]]*\]\({HERE}[^)]*\)\n*|<img\s[^>]*src="{HERE}[^"]*"[^>]*>\n*')
LINK = re.compile(rf"\[([^]]+)\]\({HERE}[^)]*\)")


class ReadmeHook(MetadataHookInterface):
    """Sets the field `readme`."""

    def update(self, metadata: dict[str, Any]) -> None:
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        page = LINK.sub(r"\1", PICTURE.sub("", text))
        metadata["readme"] = {"content-type": "text/markdown", "text": page}
