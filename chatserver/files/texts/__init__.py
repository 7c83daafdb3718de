"""Extraction of the text of files for search; runs in a process of its own.

A file comes from a member and may be hostile. `worker.py` has the limits; only `pdf.py` uses a
library that parses a format.
"""


class OutOfTime(BaseException):
    """The processor time of a job is used up. No library may handle it."""
