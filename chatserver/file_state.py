"""States of files."""

from enum import IntEnum


class FileState(IntEnum):
    """What has become of a file. The last state ends with the deletion of its row."""

    ARRIVING = 0
    WHOLE = 1  # and in no message yet
    BOUND = 2  # in a message
    GOING = 3  # its bytes are deleted next
