"""Erasure of texts: its work. What it erases is tested where it is called."""

from functools import partial

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from chatserver.models import Event, EventKind
from chatserver.storage.departed_view import as_of_departure
from chatserver.storage.tables import events
from chatserver.storage.text_erasure import erase_texts
from tests.storage.conftest import Storage, draft
from tests.storage.work import work_of


def erase(connection: Connection, said: Event) -> None:
    erase_texts(connection, [(said.room, said.seq)], 7)


def show_as_of_departure(connection: Connection, said: Event) -> None:
    as_of_departure(connection, [said], {said.room: said.seq})


@pytest.mark.parametrize("act", [erase, show_as_of_departure])
async def test_removed_reactions_add_no_work(storage: Storage, act: object) -> None:
    assert callable(act)
    ann = await storage.user("ann")
    (said,) = await storage.log.store([draft(ann, "hello")])
    works = []
    for seqs in (range(2, 12), range(12, 400)):
        await storage.database.transaction(partial(toggle, seqs=seqs))
        works.append(
            await storage.database.transaction(partial(work_of, run=partial(act, said=said)))
        )
    assert works[1] < 1.5 * works[0]


def toggle(connection: Connection, seqs: range) -> None:
    act = {"room_id": 1, "kind": EventKind.REACT, "user_id": 1, "target_seq": 1, "at": 1}
    rows = [{"seq": s, "client_id": f"r{s}", "body": f"{'+-'[s % 2]}👍", **act} for s in seqs]
    connection.execute(sa.insert(events), rows)
