"""Checker of the guarantees: compares the records of all clients with the stored log.

In the manner of Jepsen. Clients record what they sent (`invoke`), what was answered (`ok`) and what
they displayed (`received`); after the end of the fault all of them read the whole history. Each
of the eight counts must be 0.
"""

from collections import Counter
from dataclasses import dataclass, field

Place = tuple[int, int]  # room, seq


@dataclass
class Diary:
    """What a client sent, was answered and displayed, and the history it read at the end."""

    name: str
    invoked: dict[str, str] = field(default_factory=dict)  # id → text
    answered: dict[str, Place] = field(default_factory=dict)  # id → where
    received: list[tuple[int, int, str, str]] = field(default_factory=list)  # room, seq, user, id
    rooms: set[int] = field(default_factory=set)  # rooms that it may read
    history: dict[int, list[tuple[int, str, str, str]]] = field(default_factory=dict)
    # room → (seq, user, id, text), read completely after the end of the fault
    left: dict[int, list[int]] = field(default_factory=dict)
    # room → the events that ended its memberships there
    heard: list[tuple[int, int, str, int]] = field(default_factory=list)
    # room, seq, text of whatever came of such rooms, live or asked for, and in which stay: the
    # first one, the second one, … A stay lasts until the next invitation.
    edited: dict[str, Place] = field(
        default_factory=dict
    )  # text → position of the edit with that text


@dataclass(frozen=True)
class Verdict:
    """The eight counts, with examples of what is wrong."""

    lost: list[str]
    invented: list[str]
    duplicated: list[str]
    gaps: list[str]
    order: list[str]
    shown_twice: list[str]
    never_shown: list[str]
    leaked: list[str]

    @property
    def counts(self) -> dict[str, int]:
        return {name: len(getattr(self, name)) for name in self.__dataclass_fields__}

    @property
    def sound(self) -> bool:
        return not any(self.counts.values())

    def __str__(self) -> str:
        examples = {name: getattr(self, name)[:5] for name, n in self.counts.items() if n}
        return f"{self.counts} {examples}"


def check(diaries: list[Diary]) -> Verdict:
    """Compare the records of all clients with the history that they read."""
    stored = _stored(diaries)
    attempted = {(d.name, i): text for d in diaries for i, text in d.invoked.items()}
    texts = {(user, i): text for log in stored.values() for _, user, i, text in log}
    places = Counter((user, i) for log in stored.values() for _, user, i, _ in log)
    return Verdict(
        lost=_lost(diaries, stored),
        invented=[f"{k}" for k, text in texts.items() if attempted.get(k) != text],
        duplicated=[f"{key} is stored {count} times" for key, count in places.items() if count > 1],
        gaps=_gaps(stored),
        order=_disagreements(diaries, stored),
        shown_twice=_shown_twice(diaries),
        never_shown=_never_shown(diaries, stored),
        leaked=_leaked(diaries),
    )


Stored = dict[int, list[tuple[int, str, str, str]]]


def _stored(diaries: list[Diary]) -> Stored:
    """Return the log: for each room the longest history that a client read."""
    stored: Stored = {}
    for diary in diaries:
        for room, history in diary.history.items():
            if len(history) > len(stored.get(room, [])):
                stored[room] = history
    return stored


def _lost(diaries: list[Diary], stored: Stored) -> list[str]:
    kept = {(room, seq): (user, i) for room, log in stored.items() for seq, user, i, _ in log}
    return [
        f"{diary.name}'s {request_id}, answered as {place}"
        for diary in diaries
        for request_id, place in diary.answered.items()
        if kept.get(place) != (diary.name, request_id)
    ]


def _gaps(stored: Stored) -> list[str]:
    return [
        f"room {room}, place {place}: seq {entry[0]}"
        for room, log in stored.items()
        for place, entry in enumerate(log, start=1)
        if entry[0] != place
    ]


def _disagreements(diaries: list[Diary], stored: Stored) -> list[str]:
    kept = {(room, seq): (user, i) for room, log in stored.items() for seq, user, i, _ in log}
    claims = [(d.name, (r, s), (u, i)) for d in diaries for r, s, u, i in d.received]
    claims += [
        (d.name, (room, seq), (user, i))
        for d in diaries
        for room, history in d.history.items()
        for seq, user, i, _ in history
    ]
    return [
        f"{name} saw {what} at {place}, kept is {kept.get(place)}"
        for name, place, what in claims
        if kept.get(place) != what
    ]


def _leaked(diaries: list[Diary]) -> list[str]:
    """Return what was received from a room without membership, or from after its end.

    A text set by an edit is as new as the edit, also if it was received with an older message.
    """
    edited = {text: seq for d in diaries for text, (_, seq) in d.edited.items()}
    outside = [
        f"{d.name} got {r}"
        for d in diaries
        for r in d.received
        if r[0] not in d.rooms | d.left.keys()
    ]
    later = [
        f"{d.name} got {(room, seq, text)}, had left with {d.left[room][stay]}"
        for d in diaries
        for room, seq, text, stay in d.heard
        if stay < len(d.left[room]) and max(seq, edited.get(text, 0)) > d.left[room][stay]
    ]
    return outside + later


def _shown_twice(diaries: list[Diary]) -> list[str]:
    return [
        f"{diary.name} was shown {place} {count} times"
        for diary in diaries
        for place, count in Counter((r, s) for r, s, _, _ in diary.received).items()
        if count > 1
    ]


def _never_shown(diaries: list[Diary], stored: Stored) -> list[str]:
    shown = {diary.name: {(room, seq) for room, seq, _, _ in diary.received} for diary in diaries}
    return [
        f"{diary.name} was never shown {(room, entry[0])}"
        for diary in diaries
        for room in diary.rooms
        for entry in stored.get(room, [])
        if (room, entry[0]) not in shown[diary.name]
    ]
