"""Files of a room, on both databases."""

from chatserver.file_state import FileState
from chatserver.models import LOBBY
from chatserver.protocol import REPLY_CHARS
from chatserver.storage.file_list import FileList, Selection
from chatserver.storage.tables import files
from tests.storage.conftest import Storage

LONG = 250  # characters of an alternative text


async def test_a_page_of_files_has_a_limited_number_of_characters(storage: Storage) -> None:
    ann = await storage.user("ann")
    file = {
        "user_id": ann.id,
        "room_id": LOBBY,
        "name": "a.txt",
        "name_key": "a.txt",
        "type": "text/plain",
        "bytes": 3,
        "alt": "x" * LONG,
        "state": FileState.BOUND,
        "at": storage.now,
    }
    rows = [{**file, "id": f"{number:022}", "seq": number} for number in range(1, 301)]
    await storage.database.transaction(lambda c: c.execute(files.insert(), rows))
    listing = FileList(storage.database)
    first, position = await listing.page(LOBBY, Selection(), 500)
    rest, end = await listing.page(LOBBY, Selection(position=position), 500)
    assert len(first) == REPLY_CHARS // (LONG + len("a.txt")) + 1
    assert [found.seq for found in first + rest] == list(range(300, 0, -1))
    assert end is None
