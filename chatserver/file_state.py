"""States of files."""

from enum import IntEnum


class FileState(IntEnum):
    """State of a file, as stored. DELETING ends with the deletion of its row."""

    UPLOADING = 0
    COMPLETE = 1  # and in no message yet
    BOUND = 2  # in a message
    DELETING = 3  # its bytes are deleted next
    PICTURE = 4  # of an account, or the logo of the server: in no message


COMPLETE_STATES = (FileState.COMPLETE, FileState.BOUND, FileState.PICTURE)  # of the bytes
