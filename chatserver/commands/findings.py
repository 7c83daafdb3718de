"""Findings of `chatserver doctor`."""

Finding = tuple[bool | None, str]  # whether a check passed, None for a warning; a sentence
