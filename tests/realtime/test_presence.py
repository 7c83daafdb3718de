"""Presence: users rather than connections, changes, and other nodes."""

from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from chatserver.protocol import Person
from chatserver.realtime import presence
from chatserver.realtime.presence import CHANGES_PER_FRAME, NODE_TTL, PresenceState

ANN, BO, CY = Person("ann", "Ann"), Person("bo", "Bo"), Person("cy", "Cy")


@pytest.fixture
def state() -> PresenceState:
    return PresenceState()


def changes_of(state: PresenceState) -> tuple[list[str], list[str]]:
    """Return the names of users who came online and went offline; there must be a change."""
    changes = state.changes()
    assert changes is not None
    return [user.name for user in changes.online], changes.offline


def test_nobody_is_online_at_first(state: PresenceState) -> None:
    assert state.online() == state.local() == []
    assert state.changes() is None


def test_a_user_with_ten_connections_is_listed_once(state: PresenceState) -> None:
    assert [state.connect(ANN) for _ in range(10)] == [True] + [False] * 9
    assert state.online() == [ANN]
    assert changes_of(state) == (["ann"], [])
    assert [state.disconnect("ann") for _ in range(9)] == [False] * 9
    assert state.online() == [ANN]
    assert state.changes() is None
    assert state.disconnect("ann") is True
    assert state.online() == []
    assert changes_of(state) == ([], ["ann"])


def test_the_encoded_list_follows_all_changes(state: PresenceState) -> None:
    other_bo = Person("bo", "Robert")
    steps: list[Callable[[], object]] = [
        lambda: None,
        lambda: state.connect(ANN),
        lambda: state.connect(BO),
        lambda: state.connect(BO),
        lambda: state.disconnect("ann"),
        lambda: state.connect(other_bo),
        lambda: state.update_node("b", [CY], now=0.0),
        lambda: state.connect(ANN),
        lambda: state.connect(CY),
        lambda: state.disconnect("cy"),
        lambda: state.update_node("c", [Person("cy", "Cyrus"), BO], now=0.0),
        lambda: state.connect(CY),
        lambda: state.disconnect("cy"),
        lambda: state.update_node("c", [BO], now=NODE_TTL),
        lambda: state.expire_nodes(2 * NODE_TTL - 1),
        lambda: state.expire_nodes(2 * NODE_TTL),
    ]
    for step in steps:
        step()
        online_json = msgspec.json.decode(b"[%b]" % bytes(state.online_json()), type=list[Person])
        assert sorted(online_json, key=lambda user: user.name) == state.online()
    assert state.online() == [ANN, other_bo]


def test_the_list_is_encoded_once_until_a_change(
    state: PresenceState, monkeypatch: pytest.MonkeyPatch
) -> None:
    state.update_node("b", [ANN, CY], now=0.0)
    state.connect(BO)
    state.online_json()
    monkeypatch.setattr(presence, "encode_json", None)
    for _ in range(3):
        state.update_node("b", [ANN, CY], now=1.0)
        state.connect(BO)
        state.connect(CY)
        state.disconnect("cy")
        state.online_json()


def test_changes_are_returned_once(state: PresenceState) -> None:
    state.connect(ANN)
    changes_of(state)
    assert state.changes() is None


def test_changes_since_the_last_call_are_returned_together_by_name(
    state: PresenceState,
) -> None:
    state.connect(BO)
    changes_of(state)
    state.connect(CY)
    state.connect(ANN)
    state.disconnect("bo")
    changes = state.changes()
    assert changes is not None
    assert changes.online == [ANN, CY]
    assert changes.offline == ["bo"]


def test_a_reload_is_not_a_change(state: PresenceState) -> None:
    state.connect(ANN)
    changes_of(state)
    state.disconnect("ann")
    state.connect(ANN)
    assert state.changes() is None


def test_a_visit_between_two_calls_is_not_a_change(state: PresenceState) -> None:
    state.connect(ANN)
    state.disconnect("ann")
    assert state.changes() is None
    assert state.online() == []


def test_a_new_display_name_is_a_change(state: PresenceState) -> None:
    state.connect(ANN)
    changes_of(state)
    state.connect(Person("ann", "Anna"))
    changes = state.changes()
    assert changes is not None
    assert changes.online == [Person("ann", "Anna")]


def test_users_are_listed_by_name(state: PresenceState) -> None:
    for user in (CY, ANN, BO):
        state.connect(user)
    assert state.online() == [ANN, BO, CY]


# Other nodes -------------------------------------------------------------------------------------


def test_users_on_another_node_are_online_and_not_local(state: PresenceState) -> None:
    state.update_node("east", [ANN, BO], 0.0)
    assert state.online() == [ANN, BO]
    assert state.local() == []
    assert changes_of(state) == (["ann", "bo"], [])


def test_an_announcement_replaces_the_previous_one_of_the_node(state: PresenceState) -> None:
    state.update_node("east", [ANN, BO], 0.0)
    changes_of(state)
    state.update_node("east", [BO, CY], 1.0)
    assert changes_of(state) == (["cy"], ["ann"])
    assert state.online() == [BO, CY]


def test_an_unchanged_announcement_is_not_a_change(state: PresenceState) -> None:
    state.update_node("east", [ANN], 0.0)
    changes_of(state)
    state.update_node("east", [ANN], 1.0)
    assert state.changes() is None


def test_a_new_display_name_on_another_node_is_a_change(state: PresenceState) -> None:
    state.update_node("east", [ANN, BO], 0.0)
    changes_of(state)
    state.update_node("east", [Person("ann", "Anna"), BO], 1.0)
    changes = state.changes()
    assert changes is not None
    assert (changes.online, changes.offline) == ([Person("ann", "Anna")], [])


def test_a_user_on_two_nodes_goes_offline_with_the_last_connection(state: PresenceState) -> None:
    state.connect(ANN)
    state.update_node("east", [ANN], 0.0)
    assert changes_of(state) == (["ann"], [])
    state.disconnect("ann")
    assert state.changes() is None
    assert state.online() == [ANN]
    state.update_node("east", [], 1.0)
    assert changes_of(state) == ([], ["ann"])


def test_users_of_a_silent_node_go_offline(state: PresenceState) -> None:
    state.connect(CY)
    state.update_node("east", [ANN], 0.0)
    state.update_node("west", [BO, CY], 10.0)
    changes_of(state)
    state.expire_nodes(NODE_TTL - 0.001)
    assert state.changes() is None
    state.expire_nodes(NODE_TTL)
    assert changes_of(state) == ([], ["ann"])
    state.expire_nodes(10.0 + NODE_TTL)
    assert changes_of(state) == ([], ["bo"])
    assert state.online() == [CY]


def test_users_of_a_node_that_announces_in_time_stay_online(state: PresenceState) -> None:
    state.update_node("east", [ANN], 0.0)
    changes_of(state)
    state.update_node("east", [ANN], NODE_TTL - 1)
    state.expire_nodes(NODE_TTL)
    assert state.changes() is None
    assert state.online() == [ANN]


def test_users_of_a_silent_node_stay_online_if_another_node_has_them(
    state: PresenceState,
) -> None:
    state.update_node("east", [ANN], 0.0)
    state.update_node("west", [ANN], 20.0)
    changes_of(state)
    state.expire_nodes(NODE_TTL)
    assert state.changes() is None
    assert state.online() == [ANN]


def test_changes_of_a_crowd_are_returned_in_batches_in_order() -> None:
    state = PresenceState()
    names = [f"user{number:04}" for number in range(2 * CHANGES_PER_FRAME + 1)][::-1]
    for name in names:
        state.connect(Person(name, name))
    changes_of = []
    while changes := state.changes():
        assert len(changes.online) <= CHANGES_PER_FRAME
        changes_of.append([user.name for user in changes.online])
    assert [len(some) for some in changes_of] == [CHANGES_PER_FRAME, CHANGES_PER_FRAME, 1]
    assert [name for some in changes_of for name in reversed(some)] == names


def test_a_changed_profile_is_sent_of_users_here_and_of_offline_ones() -> None:
    state = PresenceState()
    state.connect(ANN)
    state.connect(BO)
    state.update_node("east", [CY], 1.0)
    state.changes()
    new = [replace(user, picture=f"{user.name}-picture") for user in (ANN, CY, Person("di", "Di"))]
    for user in new:
        state.change(user)
    changes = state.changes()
    assert changes is not None
    assert (changes.online, changes.offline) == ([new[0]], [])
    assert changes.changed == [replace(new[2], status="offline")]  # cy's node announces cy
    assert state.changes() is None
    assert state.online() == [new[0], BO, CY]
    assert b'"ann-picture"' in bytes(state.online_json())
    state.update_node("east", [new[1]], 2.0)
    changes = state.changes()
    assert changes is not None
    assert (changes.online, changes.changed) == ([new[1]], None)
