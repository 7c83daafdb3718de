"""Who is online: people, not sockets; changes, not noise; over all nodes."""

from collections.abc import Callable

import msgspec
import pytest

from chatserver.protocol import Person
from chatserver.realtime import presence
from chatserver.realtime.presence import CHANGES_PER_FRAME, NODE_TTL, PresenceState

ANN, BO, CY = Person("ann", "Ann"), Person("bo", "Bo"), Person("cy", "Cy")


@pytest.fixture
def who() -> PresenceState:
    return PresenceState()


def told(who: PresenceState) -> tuple[list[str], list[str]]:
    """Who came and who went, by name; something must have changed."""
    changes = who.changes()
    assert changes is not None
    return [person.name for person in changes.online], changes.offline


def test_nobody_is_online_at_first(who: PresenceState) -> None:
    assert who.online() == who.local() == []
    assert who.changes() is None


def test_somebody_with_ten_sockets_is_one_person(who: PresenceState) -> None:
    assert [who.connect(ANN) for _ in range(10)] == [True] + [False] * 9
    assert who.online() == [ANN]
    assert told(who) == (["ann"], [])
    assert [who.disconnect("ann") for _ in range(9)] == [False] * 9
    assert who.online() == [ANN]
    assert who.changes() is None
    assert who.disconnect("ann") is True
    assert who.online() == []
    assert told(who) == ([], ["ann"])


def test_the_list_is_right_whoever_comes_goes_or_changes(who: PresenceState) -> None:
    other_bo = Person("bo", "Robert")
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: who.connect(ANN),
        lambda: who.connect(BO),
        lambda: who.connect(BO),
        lambda: who.disconnect("ann"),
        lambda: who.connect(other_bo),
        lambda: who.update_node("b", [CY], now=0.0),
        lambda: who.connect(ANN),
        lambda: who.connect(CY),
        lambda: who.disconnect("cy"),
        lambda: who.update_node("c", [Person("cy", "Cyrus"), BO], now=0.0),
        lambda: who.connect(CY),
        lambda: who.disconnect("cy"),
        lambda: who.update_node("c", [BO], now=NODE_TTL),
        lambda: who.expire_nodes(2 * NODE_TTL - 1),
        lambda: who.expire_nodes(2 * NODE_TTL),
    ]
    for step in steps:
        step()
        online_json = msgspec.json.decode(b"[%b]" % bytes(who.online_json()), type=list[Person])
        assert sorted(online_json, key=lambda person: person.name) == who.online()
    assert who.online() == [ANN, other_bo]


def test_the_list_is_encoded_once_while_nobody_else_comes(
    who: PresenceState, monkeypatch: pytest.MonkeyPatch
) -> None:
    who.update_node("b", [ANN, CY], now=0.0)
    who.connect(BO)
    who.online_json()
    monkeypatch.setattr(presence, "json", None)
    for _ in range(3):
        who.update_node("b", [ANN, CY], now=1.0)
        who.connect(BO)
        who.connect(CY)
        who.disconnect("cy")
        who.online_json()


def test_changes_are_told_once(who: PresenceState) -> None:
    who.connect(ANN)
    told(who)
    assert who.changes() is None


def test_all_who_came_and_went_between_two_tellings_are_told_together_by_name(
    who: PresenceState,
) -> None:
    who.connect(BO)
    told(who)
    who.connect(CY)
    who.connect(ANN)
    who.disconnect("bo")
    changes = who.changes()
    assert changes is not None
    assert changes.online == [ANN, CY]
    assert changes.offline == ["bo"]


def test_a_reload_tells_nothing(who: PresenceState) -> None:
    who.connect(ANN)
    told(who)
    who.disconnect("ann")
    who.connect(ANN)
    assert who.changes() is None


def test_a_visit_between_two_tellings_tells_nothing(who: PresenceState) -> None:
    who.connect(ANN)
    who.disconnect("ann")
    assert who.changes() is None
    assert who.online() == []


def test_a_new_display_name_is_told(who: PresenceState) -> None:
    who.connect(ANN)
    told(who)
    who.connect(Person("ann", "Anna"))
    changes = who.changes()
    assert changes is not None
    assert changes.online == [Person("ann", "Anna")]


def test_people_are_listed_by_name(who: PresenceState) -> None:
    for person in (CY, ANN, BO):
        who.connect(person)
    assert who.online() == [ANN, BO, CY]


# Other nodes -------------------------------------------------------------------------------------


def test_people_on_another_node_are_online_and_not_here(who: PresenceState) -> None:
    who.update_node("east", [ANN, BO], 0.0)
    assert who.online() == [ANN, BO]
    assert who.local() == []
    assert told(who) == (["ann", "bo"], [])


def test_what_a_node_says_replaces_what_it_said_before(who: PresenceState) -> None:
    who.update_node("east", [ANN, BO], 0.0)
    told(who)
    who.update_node("east", [BO, CY], 1.0)
    assert told(who) == (["cy"], ["ann"])
    assert who.online() == [BO, CY]


def test_the_same_list_again_tells_nothing(who: PresenceState) -> None:
    who.update_node("east", [ANN], 0.0)
    told(who)
    who.update_node("east", [ANN], 1.0)
    assert who.changes() is None


def test_a_new_display_name_on_another_node_is_told(who: PresenceState) -> None:
    who.update_node("east", [ANN, BO], 0.0)
    told(who)
    who.update_node("east", [Person("ann", "Anna"), BO], 1.0)
    changes = who.changes()
    assert changes is not None
    assert (changes.online, changes.offline) == ([Person("ann", "Anna")], [])


def test_somebody_on_two_nodes_leaves_with_the_last_socket(who: PresenceState) -> None:
    who.connect(ANN)
    who.update_node("east", [ANN], 0.0)
    assert told(who) == (["ann"], [])
    who.disconnect("ann")
    assert who.changes() is None
    assert who.online() == [ANN]
    who.update_node("east", [], 1.0)
    assert told(who) == ([], ["ann"])


def test_a_node_that_falls_silent_takes_its_people_along(who: PresenceState) -> None:
    who.connect(CY)
    who.update_node("east", [ANN], 0.0)
    who.update_node("west", [BO, CY], 10.0)
    told(who)
    who.expire_nodes(NODE_TTL - 0.001)
    assert who.changes() is None
    who.expire_nodes(NODE_TTL)
    assert told(who) == ([], ["ann"])
    who.expire_nodes(10.0 + NODE_TTL)
    assert told(who) == ([], ["bo"])
    assert who.online() == [CY]


def test_a_node_that_speaks_again_in_time_keeps_its_people(who: PresenceState) -> None:
    who.update_node("east", [ANN], 0.0)
    told(who)
    who.update_node("east", [ANN], NODE_TTL - 1)
    who.expire_nodes(NODE_TTL)
    assert who.changes() is None
    assert who.online() == [ANN]


def test_a_silent_node_does_not_take_those_who_are_elsewhere_too(who: PresenceState) -> None:
    who.update_node("east", [ANN], 0.0)
    who.update_node("west", [ANN], 20.0)
    told(who)
    who.expire_nodes(NODE_TTL)
    assert who.changes() is None
    assert who.online() == [ANN]


def test_a_crowd_is_told_of_some_at_a_time_in_the_order_of_its_coming() -> None:
    who = PresenceState()
    names = [f"user{number:04}" for number in range(2 * CHANGES_PER_FRAME + 1)][::-1]
    for name in names:
        who.connect(Person(name, name))
    told = []
    while changes := who.changes():
        assert len(changes.online) <= CHANGES_PER_FRAME
        told.append([person.name for person in changes.online])
    assert [len(some) for some in told] == [CHANGES_PER_FRAME, CHANGES_PER_FRAME, 1]
    assert [name for some in told for name in reversed(some)] == names
