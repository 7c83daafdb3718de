"""Write chatserver/text/emoji.txt from the package `emoji`: `python -m tests.emoji_list`."""

import emoji

from chatserver.text.emoji import EMOJI

PER_LINE = 20


def text() -> str:
    """What belongs into the file: all fully qualified emoji of the newest Unicode."""
    rgi = emoji.STATUS["fully_qualified"]
    known = [one for one, facts in emoji.EMOJI_DATA.items() if facts["status"] == rgi]
    lines = [" ".join(known[at : at + PER_LINE]) for at in range(0, len(known), PER_LINE)]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    EMOJI.write_text(text(), encoding="utf-8")
