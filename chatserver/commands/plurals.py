"""Plural forms in the output of commands, which is in English."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, like `1 day` or `2 days`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
