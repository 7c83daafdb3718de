"""Who is online: people, not sockets; changes, not noise; over all nodes."""

from collections.abc import Callable

import msgspec
import pytest

from chatserver.protocol import Person
from chatserver.realtime import presence
from chatserver.realtime.presence import CHANGES, NODE_TTL, PresenceState

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
    assert who.online() == who.here() == []
    assert who.changes() is None


def test_somebody_with_ten_sockets_is_one_person(who: PresenceState) -> None:
    assert [who.arrive(ANN) for _ in range(10)] == [True] + [False] * 9
    assert who.online() == [ANN]
    assert told(who) == (["ann"], [])
    assert [who.depart("ann") for _ in range(9)] == [False] * 9
    assert who.online() == [ANN]
    assert who.changes() is None
    assert who.depart("ann") is True
    assert who.online() == []
    assert told(who) == ([], ["ann"])


def test_the_list_is_right_whoever_comes_goes_or_changes(who: PresenceState) -> None:
    other_bo = Person("bo", "Robert")
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: who.arrive(ANN),
        lambda: who.arrive(BO),
        lambda: who.arrive(BO),
        lambda: who.depart("ann"),
        lambda: who.arrive(other_bo),
        lambda: who.node_says("b", [CY], now=0.0),
        lambda: who.arrive(ANN),
        lambda: who.arrive(CY),
        lambda: who.depart("cy"),
        lambda: who.node_says("c", [Person("cy", "Cyrus"), BO], now=0.0),
        lambda: who.arrive(CY),
        lambda: who.depart("cy"),
        lambda: who.node_says("c", [BO], now=NODE_TTL),
        lambda: who.forget_silent_nodes(2 * NODE_TTL - 1),
        lambda: who.forget_silent_nodes(2 * NODE_TTL),
    ]
    for step in steps:
        step()
        listed = msgspec.json.decode(b"[%b]" % bytes(who.listed()), type=list[Person])
        assert sorted(listed, key=lambda person: person.name) == who.online()
    assert who.online() == [ANN, other_bo]


def test_the_list_is_encoded_once_while_nobody_else_comes(
    who: PresenceState, monkeypatch: pytest.MonkeyPatch
) -> None:
    who.node_says("b", [ANN, CY], now=0.0)
    who.arrive(BO)
    who.listed()
    monkeypatch.setattr(presence, "json", None)
    for _ in range(3):
        who.node_says("b", [ANN, CY], now=1.0)
        who.arrive(BO)
        who.arrive(CY)
        who.depart("cy")
        who.listed()


def test_changes_are_told_once(who: PresenceState) -> None:
    who.arrive(ANN)
    told(who)
    assert who.changes() is None


def test_all_who_came_and_went_between_two_tellings_are_told_together_by_name(
    who: PresenceState,
) -> None:
    who.arrive(BO)
    told(who)
    who.arrive(CY)
    who.arrive(ANN)
    who.depart("bo")
    changes = who.changes()
    assert changes is not None
    assert changes.online == [ANN, CY]
    assert changes.offline == ["bo"]


def test_a_reload_tells_nothing(who: PresenceState) -> None:
    who.arrive(ANN)
    told(who)
    who.depart("ann")
    who.arrive(ANN)
    assert who.changes() is None


def test_a_visit_between_two_tellings_tells_nothing(who: PresenceState) -> None:
    who.arrive(ANN)
    who.depart("ann")
    assert who.changes() is None
    assert who.online() == []


def test_a_new_display_name_is_told(who: PresenceState) -> None:
    who.arrive(ANN)
    told(who)
    who.arrive(Person("ann", "Anna"))
    changes = who.changes()
    assert changes is not None
    assert changes.online == [Person("ann", "Anna")]


def test_people_are_listed_by_name(who: PresenceState) -> None:
    for person in (CY, ANN, BO):
        who.arrive(person)
    assert who.online() == [ANN, BO, CY]


# Other nodes -------------------------------------------------------------------------------------


def test_people_on_another_node_are_online_and_not_here(who: PresenceState) -> None:
    who.node_says("east", [ANN, BO], 0.0)
    assert who.online() == [ANN, BO]
    assert who.here() == []
    assert told(who) == (["ann", "bo"], [])


def test_what_a_node_says_replaces_what_it_said_before(who: PresenceState) -> None:
    who.node_says("east", [ANN, BO], 0.0)
    told(who)
    who.node_says("east", [BO, CY], 1.0)
    assert told(who) == (["cy"], ["ann"])
    assert who.online() == [BO, CY]


def test_the_same_list_again_tells_nothing(who: PresenceState) -> None:
    who.node_says("east", [ANN], 0.0)
    told(who)
    who.node_says("east", [ANN], 1.0)
    assert who.changes() is None


def test_a_new_display_name_on_another_node_is_told(who: PresenceState) -> None:
    who.node_says("east", [ANN, BO], 0.0)
    told(who)
    who.node_says("east", [Person("ann", "Anna"), BO], 1.0)
    changes = who.changes()
    assert changes is not None
    assert (changes.online, changes.offline) == ([Person("ann", "Anna")], [])


def test_somebody_on_two_nodes_leaves_with_the_last_socket(who: PresenceState) -> None:
    who.arrive(ANN)
    who.node_says("east", [ANN], 0.0)
    assert told(who) == (["ann"], [])
    who.depart("ann")
    assert who.changes() is None
    assert who.online() == [ANN]
    who.node_says("east", [], 1.0)
    assert told(who) == ([], ["ann"])


def test_a_node_that_falls_silent_takes_its_people_along(who: PresenceState) -> None:
    who.arrive(CY)
    who.node_says("east", [ANN], 0.0)
    who.node_says("west", [BO, CY], 10.0)
    told(who)
    who.forget_silent_nodes(NODE_TTL - 0.001)
    assert who.changes() is None
    who.forget_silent_nodes(NODE_TTL)
    assert told(who) == ([], ["ann"])
    who.forget_silent_nodes(10.0 + NODE_TTL)
    assert told(who) == ([], ["bo"])
    assert who.online() == [CY]


def test_a_node_that_speaks_again_in_time_keeps_its_people(who: PresenceState) -> None:
    who.node_says("east", [ANN], 0.0)
    told(who)
    who.node_says("east", [ANN], NODE_TTL - 1)
    who.forget_silent_nodes(NODE_TTL)
    assert who.changes() is None
    assert who.online() == [ANN]


def test_a_silent_node_does_not_take_those_who_are_elsewhere_too(who: PresenceState) -> None:
    who.node_says("east", [ANN], 0.0)
    who.node_says("west", [ANN], 20.0)
    told(who)
    who.forget_silent_nodes(NODE_TTL)
    assert who.changes() is None
    assert who.online() == [ANN]


def test_a_crowd_is_told_of_some_at_a_time_in_the_order_of_its_coming() -> None:
    who = PresenceState()
    names = [f"user{number:04}" for number in range(2 * CHANGES + 1)][::-1]
    for name in names:
        who.arrive(Person(name, name))
    told = []
    while changes := who.changes():
        assert len(changes.online) <= CHANGES
        told.append([person.name for person in changes.online])
    assert [len(some) for some in told] == [CHANGES, CHANGES, 1]
    assert [name for some in told for name in reversed(some)] == names
