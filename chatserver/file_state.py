"""States of files."""

from enum import IntEnum


class FileState(IntEnum):
    """What has become of a file. GOING ends with the deletion of its row."""

    ARRIVING = 0
    WHOLE = 1  # and in no message yet
    BOUND = 2  # in a message
    GOING = 3  # its bytes are deleted next
    PICTURE = 4  # of an account, or the logo of the server: in no message


KEPT = (FileState.WHOLE, FileState.BOUND, FileState.PICTURE)  # whose bytes are complete
