"""Invitations are valid only while their creators have the right to create them."""

import asyncio
from dataclasses import dataclass
from functools import partial

import pytest
import sqlalchemy as sa

from chatserver.errors import NotFound
from chatserver.models import (
    Act,
    AddMembers,
    Change,
    Create,
    Event,
    RemoveMembers,
    Role,
    User,
)
from chatserver.storage.credentials import AccountChange
from chatserver.storage.invitations import Invite
from chatserver.storage.member_rows import backfill_removals
from chatserver.storage.tables import invites, members
from chatserver.storage.users import NewUser
from tests.storage.conftest import Storage, acted
from tests.storage.test_races import RACES, overlapping


@dataclass
class Scene:
    """bo, an administrator, has invitations: without a room, into a public and a private one."""

    storage: Storage
    ann: User
    bo: User
    public: int
    private: int

    async def codes(self) -> list[str]:
        return sorted(one.code for one in await self.storage.invites.list_usable(None))

    async def admits(self, code: str, name: str = "cy") -> bool:
        try:
            await self.storage.users.add_invited(NewUser(name, name, "hash"), code)
        except NotFound:
            return False
        return True


@pytest.fixture
async def scene(storage: Storage) -> Scene:
    ann = await storage.user("ann", Role.ADMIN)
    bo = await storage.user("bo", Role.ADMIN)
    numbers = []
    for name, private in (("news", False), ("plans", True)):
        act = Create(name, name, private=private, users=((ann.id, "ann"),))
        made = await acted(storage, bo, act)
        assert isinstance(made, Event)
        numbers.append(made.room)
    for code, room in (("open", ""), ("public", "news"), ("private", "plans")):
        invite = Invite(code, "", storage.now, storage.now + 1_000, 3)
        await storage.invites.open(invite, by=bo.id, into=room)
    return Scene(storage, ann, bo, *numbers)


@pytest.mark.parametrize("change", [AccountChange(role=Role.MEMBER), AccountChange(disabled=True)])
async def test_invitations_end_with_the_rights_of_their_creator(
    scene: Scene, change: AccountChange
) -> None:
    await scene.storage.credentials.administer(scene.bo.id, change, by=scene.ann.id)
    assert await scene.codes() == []
    for code in ("open", "public", "private"):
        assert not await scene.admits(code)
    back = AccountChange(role=Role.ADMIN, disabled=False)
    await scene.storage.credentials.administer(scene.bo.id, back, by=scene.ann.id)
    assert await scene.codes() == []


async def test_an_invitation_into_a_private_room_ends_when_its_creator_leaves_it(
    scene: Scene,
) -> None:
    for action, by in (("leave", scene.bo), ("remove", scene.ann)):
        invite = Invite(action, "", scene.storage.now, scene.storage.now + 1_000, 3)
        await scene.storage.invites.open(invite, by=scene.bo.id, into="plans")
        gone = RemoveMembers(action, ((scene.bo.id, "bo"),))
        assert isinstance(await acted(scene.storage, by, gone, room=scene.private), Event)
        assert not await scene.admits(action)
        assert not await scene.admits("private")
        back = AddMembers("invite", ((scene.bo.id, "bo"),))
        assert isinstance(await acted(scene.storage, scene.ann, back, room=scene.private), Event)
    assert await scene.codes() == ["open", "public"]


async def test_an_invitation_into_a_room_that_becomes_private_ends_if_its_creator_is_not_a_member(
    scene: Scene,
) -> None:
    ann, bo, storage = scene.ann, scene.bo, scene.storage
    gone = RemoveMembers("leave", ((bo.id, "bo"),))
    await acted(storage, bo, gone, room=scene.public)
    invite = Invite("outside", "", storage.now, storage.now + 1_000, 3)
    await storage.invites.open(invite, by=bo.id, into="news")
    assert "outside" in await scene.codes()
    closed = Change("change", {"private": True})
    assert isinstance(await acted(storage, ann, closed, room=scene.public), Event)
    assert not await scene.admits("outside")


async def test_an_account_created_by_an_invitation_joins_only_while_it_is_valid(
    scene: Scene,
) -> None:
    storage = scene.storage
    cy = await storage.users.add_invited(NewUser("cy", "Cy", "hash"), "private")
    await storage.invites.revoke("private", by=None)
    enter = AddMembers("join", ((cy.id, "cy"),), invited="private")
    assert isinstance(await acted(storage, cy, enter, room=scene.private), NotFound)
    for code in ("open", "public", "private ", ""):
        wrong = AddMembers("join", ((cy.id, "cy"),), invited=code)
        assert isinstance(await acted(storage, cy, wrong, room=scene.private), NotFound)


async def test_invitations_into_private_rooms_are_visible_to_members_only(scene: Scene) -> None:
    dan = await scene.storage.user("dan", Role.ADMIN)
    for who, codes in ((scene.ann, ["open", "private", "public"]), (dan, ["open", "public"])):
        listed = await scene.storage.invites.list_usable(who.id)
        assert sorted(one.code for one in listed) == codes
    assert await scene.storage.invites.find("private", by=dan.id) is None
    assert not await scene.storage.invites.revoke("private", by=dan.id)
    assert await scene.storage.invites.revoke("private", by=scene.ann.id)


@pytest.mark.parametrize("code", ["open ", "OPEN", " open", "ｏｐｅｎ", ""])
async def test_a_code_is_compared_exactly(scene: Scene, code: str) -> None:
    assert await scene.storage.invites.find(code) is None
    assert not await scene.storage.invites.revoke(code, by=None)
    assert not await scene.admits(code)


async def test_no_user_joins_after_the_creator_was_demoted(scene: Scene) -> None:
    """Once the demotion is answered, no later request creates an account. Repeated 20 times."""
    storage, demoted = scene.storage, AccountChange(role=Role.MEMBER)
    for number in range(20):
        code, answered = f"c{number}", asyncio.Event()
        invite = Invite(code, "", storage.now, storage.now + 1_000, 9)
        await storage.invites.open(invite, by=scene.bo.id)

        async def demote(answered: asyncio.Event = answered) -> None:
            await storage.credentials.administer(scene.bo.id, demoted, by=None)
            answered.set()

        async def join(name: str, code: str = code, answered: asyncio.Event = answered) -> None:
            late = answered.is_set()
            assert not (await scene.admits(code, name) and late)

        names = [f"u{number}x{one}" for one in range(3)]
        await asyncio.gather(demote(), *map(join, names))
        assert not await scene.admits(code, f"u{number}late")
        back = AccountChange(role=Role.ADMIN)
        await storage.credentials.administer(scene.bo.id, back, by=None)


async def test_a_removed_user_returns_to_a_private_room_only_with_a_newer_invitation(
    scene: Scene,
) -> None:
    storage, cy = scene.storage, await scene.storage.user("cy")
    ref = ((cy.id, "cy"),)
    join = AddMembers("join", ref, invited="private", consumes_use=True)
    leave, remove = RemoveMembers("leave", ref), RemoveMembers("remove", ref)
    for by, act in ((cy, join), (cy, leave), (cy, join), (scene.ann, remove)):
        assert isinstance(await acted(storage, by, act, room=scene.private), Event), act
    assert isinstance(await acted(storage, cy, join, room=scene.private), NotFound)
    assert not await storage.invites.admits(cy.id, "private", scene.private)
    left = {one.code: one.uses_left for one in await storage.invites.list_usable(None)}
    assert left["private"] == 1
    storage.now += 1
    newer = Invite("newer", "", storage.now, storage.now + 1_000, 3)
    await storage.invites.open(newer, by=scene.bo.id, into="plans")
    again = AddMembers("join", ref, invited="newer", consumes_use=True)
    for by, act in ((cy, again), (cy, leave), (cy, again)):
        assert isinstance(await acted(storage, by, act, room=scene.private), Event), act
    for by, act in ((scene.ann, remove), (scene.bo, AddMembers("invite", ref)), (cy, leave)):
        assert isinstance(await acted(storage, by, act, room=scene.private), Event), act
    assert isinstance(await acted(storage, cy, again, room=scene.private), NotFound)


STORIES = {
    "joined while it was public": "remove open join leave close",
    "joined while it was public and is a member": "remove open join close leave",
    "was invited again and left": "remove invite leave",
    "was invited again and removed again": "remove invite remove",
    "was removed while it was public": "open remove join leave close",
    "left and joined several times": "remove open join leave join leave join leave close",
}


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
async def test_an_older_invitation_admits_no_removed_user_who(scene: Scene, story: str) -> None:
    storage, cy, ann = scene.storage, await scene.storage.user("cy"), scene.ann
    ref = ((cy.id, "cy"),)
    acts: dict[str, tuple[User, Act]] = {
        "join": (cy, AddMembers("join", ref)),
        "leave": (cy, RemoveMembers("leave", ref)),
        "remove": (ann, RemoveMembers("remove", ref)),
        "invite": (ann, AddMembers("invite", ref)),
        "open": (ann, Change("change", {"private": False})),
        "close": (ann, Change("change", {"private": True})),
    }
    again = AddMembers("join", ref, invited="private")
    assert isinstance(await acted(storage, cy, again, room=scene.private), Event)
    for step in story.split():
        storage.now += 1
        by, act = acts[step]
        assert isinstance(await acted(storage, by, act, room=scene.private), Event), step
    assert isinstance(await acted(storage, cy, again, room=scene.private), NotFound)
    assert not await storage.invites.admits(cy.id, "private", scene.private)
    newer = Invite("newer", "", storage.now + 1, storage.now + 1_000, 3)
    await storage.invites.open(newer, by=scene.bo.id, into="plans")
    assert await storage.invites.admits(cy.id, "newer", scene.private)


@pytest.mark.parametrize("closed", [False, True])
async def test_a_user_removed_from_a_public_room_joins_it_until_it_is_private(
    scene: Scene, *, closed: bool
) -> None:
    storage, cy = scene.storage, await scene.storage.user("cy")
    ref = ((cy.id, "cy"),)
    invited = AddMembers("join", ref, invited="public")
    steps: list[tuple[User, Act]] = [(cy, invited), (scene.ann, RemoveMembers("remove", ref))]
    steps += [(scene.ann, Change("change", {"private": True}))] * closed
    for by, act in steps:
        assert isinstance(await acted(storage, by, act, room=scene.public), Event), act
    outcome = await acted(storage, cy, invited, room=scene.public)
    assert isinstance(outcome, NotFound if closed else Event)


async def test_a_membership_that_a_restore_ended_counts_as_removed(scene: Scene) -> None:
    """The last event of the membership is not a departure, and may be the join event.

    The restore looks for such memberships when it has loaded the rows.
    """
    storage, cy = scene.storage, await scene.storage.user("cy")
    join = AddMembers("join", ((cy.id, "cy"),), invited="private")
    joined = await acted(storage, cy, join, room=scene.private)
    ended = members.update().where(members.c.user_id == cy.id, members.c.room_id == scene.private)
    ended = ended.values(left_at=storage.now, left_seq=joined.seq)
    await storage.database.transaction(lambda c: c.execute(ended))
    await storage.database.transaction(backfill_removals)
    assert isinstance(await acted(storage, cy, join, room=scene.private), NotFound)


async def test_an_invitation_that_is_revoked_while_users_accept_it_admits_none_afterwards(
    scene: Scene,
) -> None:
    storage = scene.storage
    for number in range(RACES):
        code, answered = f"c{number}", asyncio.Event()
        invite = Invite(code, "", storage.now, storage.now + 1_000, 9)
        await storage.invites.open(invite, by=scene.bo.id, into="plans")
        guests = [await storage.user(f"u{number}x{one}") for one in range(3)]

        async def revoke(code: str = code, answered: asyncio.Event = answered) -> None:
            assert await storage.invites.revoke(code, by=scene.ann.id)
            answered.set()

        async def accept(user: User, code: str = code, answered: asyncio.Event = answered) -> bool:
            late = answered.is_set()
            join = AddMembers("join", ((user.id, user.name),), invited=code, consumes_use=True)
            joined = isinstance(await acted(storage, user, join, room=scene.private), Event)
            assert not (late and joined)
            return joined

        outcomes = await overlapping(revoke, *(partial(accept, user) for user in guests))
        assert not [one for one in outcomes if isinstance(one, BaseException)], outcomes
        assert not await accept(await storage.user(f"u{number}late"))
        async with storage.database.reading() as connection:
            left = await connection.scalar(
                sa.select(invites.c.uses_left).where(invites.c.code == code)
            )
            ids = [user.id for user in guests]
            here = sa.and_(members.c.room_id == scene.private, members.c.user_id.in_(ids))
            count = await connection.scalar(sa.select(sa.func.count()).where(here))
        assert (left, count) == (9 - outcomes.count(True), outcomes.count(True))
