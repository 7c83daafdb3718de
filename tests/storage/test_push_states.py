"""States of pushes that wait: of valid targets, members and present messages only."""

from chatserver.models import Delete, Edit, Post
from chatserver.notification_rules import RoomLevel
from chatserver.storage.push_claims import PushClaims
from chatserver.storage.push_states import PushRef, PushStates
from chatserver.storage.push_targets import PushTargets
from tests.storage.conftest import Storage, acted
from tests.storage.test_push_claims import HOUR, LOBBY, browser, post


async def test_a_state_has_the_present_messages_and_positions(storage: Storage) -> None:
    ann, bo = await storage.user("ann"), await storage.user("bo")
    targets = PushTargets(storage.database, clock=storage._clock)
    states = PushStates(storage.database, clock=storage._clock)
    target = await browser(storage, bo, "b")
    await targets.put(target)
    seqs = [await post(storage, ann, mentions=("bo",)) for _ in range(3)]
    await acted(storage, ann, Delete(seqs[1]), room=LOBBY)
    await acted(storage, ann, Edit(seqs[2], "changed", ()), room=LOBBY)
    await PushClaims(storage.database, clock=storage._clock).claim(LOBBY, 3, {bo.id: 3})
    ref = PushRef(target.key, bo.id, LOBBY, tuple(seqs))
    state = await states.find(ref)
    assert state is not None
    assert state.membership is not None
    present = state.membership.room.messages
    assert [(one.seq, one.data, one.mentions(bo.id)) for one in present] == [
        (seqs[0], "hi", True),
        (seqs[2], "changed", False),
    ]
    assert (state.owned.target, state.badge, state.read) == (target, 1, {LOBBY: 0})
    candidate = state.membership.candidate
    assert (candidate.after, candidate.room_level) == (0, RoomLevel.DEFAULT)
    await storage.rooms.advance_reads({(bo.id, LOBBY): seqs[0]})
    again = await states.find(ref)
    assert again is not None
    assert again.membership is not None
    assert (again.membership.candidate.after, again.badge) == (seqs[0], 0)


async def test_pushes_of_several_rooms_and_users_are_read_together(storage: Storage) -> None:
    ann, bo, cy = [await storage.user(name) for name in ("ann", "bo", "cy")]
    targets = PushTargets(storage.database, clock=storage._clock)
    states = PushStates(storage.database, clock=storage._clock)
    refs = []
    for user in (bo, cy):
        target = await browser(storage, user, user.name)
        await targets.put(target)
        facts = await storage.direct((ann.id, "ann"), (user.id, user.name))
        text = f"for {user.name}"
        seq = (await acted(storage, ann, Post(text), room=facts.room)).seq
        refs += [PushRef(target.key, user.id, facts.room, (seq,))]
    strange = [
        PushRef(refs[0].key, cy.id, refs[0].room, refs[0].seqs),  # the browser changed hands
        PushRef(refs[0].key, bo.id, refs[1].room, refs[1].seqs),  # not his room
    ]
    found = await states._load([*refs, *strange])
    memberships = [found[ref].membership for ref in refs]
    assert [one and [each.data for each in one.room.messages] for one in memberships] == [
        ["for bo"],
        ["for cy"],
    ]
    assert strange[0] not in found
    assert found[strange[1]].membership is None
    storage.now += HOUR
    assert await states.find(refs[0]) is None
