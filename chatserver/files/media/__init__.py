"""Removal of metadata from media files, and thumbnails; runs in a process of its own.

The pure functions on bytes are one module for each format. `worker.py` is the process.
"""


class Malformed(ValueError):
    """The bytes are not what their beginning says."""
