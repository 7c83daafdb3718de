"""Reactions of older versions: variants of one emoji become one reaction in the upgrade."""

import sqlalchemy as sa

from chatserver.models import LOBBY, React
from chatserver.storage.reaction_forms import qualify_reactions
from chatserver.storage.tables import events, reactions
from tests.storage.conftest import Storage, acting, draft


async def test_variants_of_an_emoji_become_one_reaction(storage: Storage) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    await storage.log.store([draft(ann, "one")])
    for user, emoji in ((ann, "❤"), (bo, "❤️"), (cy, "❤"), (cy, "❤️"), (bo, "👍"), (ann, "x")):
        await storage.log.store([acting(user, React(1, emoji, on=True))])
    for _ in range(2):
        await storage.database.transaction(qualify_reactions)
    rows = await storage.database.transaction(
        lambda c: c.execute(sa.select(reactions.c.emoji, reactions.c.user_id)).all()
    )
    hearts = {("❤️", user.id) for user in (ann, bo, cy)}
    assert set(map(tuple, rows)) == hearts | {("👍", bo.id), ("x", ann.id)}
    bodies = await storage.database.transaction(
        lambda c: c.scalars(sa.select(events.c.body).where(events.c.room_id == LOBBY)).all()
    )
    assert bodies == ["one", "+❤️", "+❤️", "+❤️", "+❤️", "+👍", "+x"]
