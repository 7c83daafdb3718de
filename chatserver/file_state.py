"""States of files, and what several layers know of files."""

from enum import IntEnum


class FileState(IntEnum):
    """State of a file, as stored. DELETING ends with the deletion of its row."""

    UPLOADING = 0
    COMPLETE = 1  # and in no message yet
    BOUND = 2  # in a message
    DELETING = 3  # its bytes are deleted next
    PICTURE = 4  # of an account, or the logo of the server: in no message


COMPLETE_STATES = (FileState.COMPLETE, FileState.BOUND, FileState.PICTURE)  # of the bytes

UNKNOWN_TYPE = "application/octet-stream"  # media type of a file that is no other one
MAX_FILES_PER_MESSAGE = 10
FILE_SLOTS = 16  # more than MAX_FILES_PER_MESSAGE; stored ids and cursors of pages contain it
