"""Protocol: decoding of commands, errors, and encoding of frames."""

import json
import time
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatserver import errors, models, protocol
from chatserver.models import EventKind
from chatserver.protocol import (
    MAX_INT,
    Action,
    CatchUp,
    ChangeRoom,
    Command,
    Delete,
    DeleteMessage,
    Edit,
    EditMessage,
    Error,
    Favored,
    GroupChat,
    GroupList,
    Heartbeat,
    History,
    HistoryPage,
    MarkRead,
    MoreRooms,
    Muted,
    NotificationRules,
    Person,
    Presence,
    React,
    ReactTo,
    Read,
    Refused,
    Renew,
    Renewed,
    ReportVisible,
    RoomChanged,
    RoomEvent,
    RoomPage,
    Rules,
    SayToPerson,
    SayToRoom,
    SingleChat,
    StartTyping,
    Stored,
    Type,
    Typing,
    Undecodable,
    Welcome,
    WelcomeLimits,
    WelcomeRoom,
    WelcomeSession,
    decode,
    encode_events,
)
from tests.fakes import TEXT, read_frames

LIMIT = 65_536


def decoded(frame: str) -> Command:
    return decode(frame, limit=LIMIT)


def id_of(command: Command) -> str | None:
    """Return the id of a command; some are never answered and have none."""
    found: str | None = getattr(command, "id", None)
    return found


def refused(frame: str | bytes, *, limit: int = LIMIT) -> Undecodable:
    with pytest.raises(Undecodable) as refusal:
        decode(frame, limit=limit)
    return refusal.value


# Commands ----------------------------------------------------------------------------------------


REQUESTS: list[tuple[str, Command]] = [
    ('{"type":2,"data":"hi"}', SayToRoom(data="hi", room=models.LOBBY)),
    (
        '{"type":2,"data":"hi","room":7,"id":"a1","reply_to":3}',
        SayToRoom(data="hi", room=7, id="a1", reply_to=3),
    ),
    ('{"type":2,"data":"hi","id":null}', SayToRoom(data="hi")),
    ('{"type":3,"data":"hi","to":"bo"}', SayToPerson(data="hi", to="bo")),
    (
        '{"type":3,"data":"hi","room":7,"id":"a1","reply_to":3}',
        SayToPerson(data="hi", room=7, id="a1", reply_to=3),
    ),
    ('{"type":7,"id":"a1","room":1,"after":0}', History(id="a1", room=1, after=0)),
    (
        '{"type":7,"id":"a1","room":1,"before":9,"limit":500}',
        History(id="a1", room=1, before=9, limit=500),
    ),
    (
        '{"type":7,"id":"a1","epoch":"e","rooms":{"1":17,"9":0}}',
        History(id="a1", epoch="e", rooms={1: 17, 9: 0}),
    ),
    ('{"type":8,"room":7}', StartTyping(room=7)),
    ('{"type":9,"room":7,"seq":3}', MarkRead(room=7, seq=3)),
    (
        '{"type":10,"id":"a1","room":7,"target":3,"data":"hi"}',
        EditMessage(id="a1", room=7, target=3, data="hi"),
    ),
    (
        '{"type":11,"id":"a1","room":7,"target":3}',
        DeleteMessage(id="a1", room=7, target=3),
    ),
    (
        '{"type":12,"id":"a1","room":7,"target":3,"emoji":"👍","on":false}',
        ReactTo(id="a1", room=7, target=3, emoji="👍", on=False),
    ),
    (
        '{"type":12,"id":"a1","room":7,"target":3,"emoji":"👍"}',
        ReactTo(id="a1", room=7, target=3, emoji="👍", on=True),
    ),
    ('{"type":18,"visible":true}', ReportVisible(visible=True)),
    (
        '{"type":13,"id":"a1","action":"create","title":"Tea","private":true,"users":["bo"]}',
        ChangeRoom(id="a1", action="create", title="Tea", private=True, users=["bo"]),
    ),
    *(
        (
            f'{{"type":13,"id":"a1","action":"{action}","room":7,"users":["bo","cy"]}}',
            ChangeRoom(id="a1", action=action, room=7, users=["bo", "cy"]),
        )
        for action in get_args(Action)
    ),
    (
        '{"type":13,"id":"a1","action":"change","room":7,"topic":"","receipts":true}',
        ChangeRoom(
            id="a1",
            action="change",
            room=7,
            topic="",
            receipts=True,
        ),
    ),
    (
        '{"type":13,"id":"a1","action":"change","name":"tea","leavers_read":false}',
        ChangeRoom(id="a1", action="change", name="tea", leavers_read=False),
    ),
    (
        '{"type":13,"id":"a1","action":"change","room":7,"retention_days":36500}',
        ChangeRoom(id="a1", action="change", room=7, retention_days=36_500),
    ),
    (
        '{"type":13,"id":"a1","action":"mute","room":7,"on":false}',
        ChangeRoom(id="a1", action="mute", room=7, on=False),
    ),
    ('{"type":14,"id":"a1"}', Renew(id="a1")),
    ('{"type":14,"id":"a1","token":"t"}', Renew(id="a1", token="t")),
]


@pytest.mark.parametrize(("frame", "command"), REQUESTS)
def test_every_command_is_decoded(frame: str, command: Command) -> None:
    assert decoded(frame) == command


def test_zero_days_of_retention_keep_messages_for_ever() -> None:
    frame = '{"type":13,"id":"a1","action":"change","room":7,"retention_days":0}'
    assert decoded(frame) == ChangeRoom(id="a1", action="change", room=7, retention_days=0)


def test_the_examples_include_every_command() -> None:
    assert {type(command) for _, command in REQUESTS} == {*get_args(Command)}


def test_unknown_fields_order_and_white_space_do_not_matter() -> None:
    frame = '\r\n{ "data" : "hi" , "colour": {"deep": [1, null]}, "type" :\t2 } '
    assert decoded(frame) == SayToRoom(data="hi")


def test_the_last_one_of_two_equal_fields_counts() -> None:
    assert decoded('{"type":2,"data":"a","data":"b"}') == SayToRoom(data="b")


def test_text_is_decoded_unchanged() -> None:
    text = "你好 👩‍👩‍👧 \u0000 \u202e \ufffe \\ \" ' \U0010ffff"
    frame = json.dumps({"type": 2, "data": text})
    assert decoded(frame) == SayToRoom(data=text)
    assert decoded('{"type":2,"data":"\\ud83d\\ude00"}') == SayToRoom(data="😀")


@pytest.mark.parametrize("number", [1, 2**31, MAX_INT])
def test_numbers_up_to_2_to_the_53_are_accepted(number: int) -> None:
    assert decoded(f'{{"type":2,"data":"","room":{number}}}') == SayToRoom(data="", room=number)


@pytest.mark.parametrize("request_id", ["a", "x" * 64, "😀" * 64, "a b", "ä", "0"])
def test_an_id_is_one_to_64_printable_characters(request_id: str) -> None:
    frame = json.dumps({"type": 2, "data": "", "id": request_id})
    assert id_of(decoded(frame)) == request_id


# Errors ------------------------------------------------------------------------------------------

NUMBERS = ["0", "-1", str(MAX_INT + 1), str(2**63), "1" + "0" * 400, "1.0", "1.5", "1e2", "1e999"]
NUMBERS += ["NaN", "Infinity", "true", "false", '"1"', "[]", "{}", "null"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("frame", ['{"type":2,"data":"","room":%s}', '{"type":%s,"data":""}'])
def test_numbers_outside_1_to_2_to_the_53_are_rejected(frame: str, number: str) -> None:
    assert refused(frame % number).error.code == "bad_request"


@pytest.mark.parametrize(
    "facts",
    [
        '"after":-1',
        f'"after":{MAX_INT + 1}',
        '"before":0',
        '"limit":0',
        '"limit":501',
        '"rooms":{"0":1}',
        '"rooms":{"-1":1}',
        '"rooms":{"x":1}',
        '"rooms":{"1.0":1}',
        '"rooms":{"٣":1}',
        f'"rooms":{{"{MAX_INT + 1}":1}}',
        '"rooms":{"1":-1}',
        '"rooms":{"1":true}',
        '"rooms":{"1":null}',
        '"rooms":[1]',
        '"epoch":1',
    ],
)
def test_an_invalid_history_command_is_rejected(facts: str) -> None:
    refusal = refused(f'{{"type":7,"id":"a1","room":1,{facts}}}')
    assert (refusal.error.code, refusal.id) == ("bad_request", "a1")


@pytest.mark.parametrize(
    "facts",
    [
        '"type":10,"room":1,"target":2',
        '"type":10,"room":1,"data":"hi"',
        '"type":10,"target":2,"data":"hi"',
        '"type":10,"room":1,"target":0,"data":"hi"',
        '"type":11,"room":1',
        '"type":11,"room":1,"target":"2"',
        '"type":12,"room":1,"target":2',
        '"type":12,"room":1,"target":2,"emoji":""',
        f'"type":12,"room":1,"target":2,"emoji":"{"x" * 33}"',
        '"type":12,"room":1,"target":2,"emoji":"👍","on":1',
        '"type":13,"room":1',
        '"type":13,"room":1,"action":"explode"',
        '"type":13,"room":1,"action":"Join"',
        '"type":13,"room":0,"action":"join"',
        '"type":13,"action":"create","name":"t"',
        f'"type":13,"action":"create","name":"{"t" * 33}"',
        '"type":13,"action":"create","title":""',
        f'"type":13,"action":"create","title":"{"t" * 101}"',
        f'"type":13,"action":"create","topic":"{"t" * 501}"',
        '"type":13,"action":"create","private":"yes"',
        '"type":13,"action":"invite","room":1,"users":[]',
        '"type":13,"action":"invite","room":1,"users":"bo"',
        '"type":13,"action":"invite","room":1,"users":[""]',
        f'"type":13,"action":"invite","room":1,"users":[{",".join(["1"] * 501)}]',
        '"type":13,"action":"change","room":1,"retention_days":-1',
        '"type":13,"action":"change","room":1,"retention_days":36501',
    ],
)
def test_an_invalid_change_is_rejected(facts: str) -> None:
    refusal = refused(f'{{"id":"a1",{facts}}}')
    assert (refusal.error.code, refusal.id) == ("bad_request", "a1")


@pytest.mark.parametrize("frame", ['{"type":8}', '{"type":8,"room":0}', '{"type":9,"room":1}'])
def test_invalid_commands_without_a_reply_are_rejected_too(frame: str) -> None:
    assert refused(frame).error.code == "bad_request"


def test_a_history_command_has_at_most_ten_thousand_rooms() -> None:
    rooms = json.dumps({str(number): 0 for number in range(1, 10_002)})
    frame = f'{{"type":7,"id":"a1","rooms":{rooms}}}'
    assert refused(frame, limit=10 * LIMIT).id == "a1"


@pytest.mark.parametrize(
    "request_id",
    [
        "",
        "x" * 65,
        "\0",
        "a\0b",
        "a\nb",
        "\na",
        "a\n",
        "a\r",
        "a\tb",
        "\x1b[31m",
        "\x7f",
        "\x9b",
        models.GENERATED_PREFIX,
    ],
)
def test_an_id_with_control_characters_or_of_invalid_length_is_rejected(request_id: str) -> None:
    refusal = refused(json.dumps({"type": 2, "data": "", "id": request_id}))
    assert (refusal.error.code, refusal.id) == ("bad_request", None)


@pytest.mark.parametrize("request_id", ["1", "true", "[]", "{}"])
def test_an_id_that_is_not_text_is_rejected(request_id: str) -> None:
    assert refused(f'{{"type":2,"data":"","id":{request_id}}}').id is None


MALFORMED = [
    r'{"type":2,"id":"a1","data":"\ud83d"}',
    r'{"type":2,"data":"\ude00\ud83d","id":"a1"}',
    r'{"id":"a1","type":12,"room":1,"target":2,"emoji":"\ud83d"}',
    r'{"type":13,"action":"change","room":1,"title":"\udc00","id":"a1"}',
    r'{"type":2,"data":{"id":"b","x":"\ud83d"},"id":"a1"}',
    r'{"type":2,"data":"\"id\":\"b\" \ud83d","id":"a1"}',
    '{"type":2,"id":"a1","data":' + "[" * 5_000,
    '{"type":2,"data":' + "[" * 5_000 + "]" * 5_000 + ',"id":"a1"}',
    '{"type":2,"id":"a1","data":"cut',
    '{"type":2,"id":"a1","data":"tab\t\0"}',
    '{"type":2,"id":"a1","data":NaN}',
    '{"type":2,"id":"a1","room":' + "9" * 5_000 + "}",
    '{"type":2,"id":"a1","data":7}',
    '{"type":2,"id":"a1",}',
    '{"type":2,"id":"a1","data":"x"} and more',
    '{"type":7,"id":"a1","rooms":{' + '"1":0,' * 10_001 + '"x":"\\ud83d"}}',
    b'{"type":2,"id":"a1","data":"a frame of bytes"}',
    b'{"type":2,"id":"a1","data":"\xff"}',
]


@pytest.mark.parametrize("frame", MALFORMED, ids=range(len(MALFORMED)))
def test_a_malformed_frame_is_rejected_with_its_id(frame: str | bytes) -> None:
    assert refused(frame, limit=200_000).id == "a1"


@pytest.mark.parametrize(
    "frame", ['{"data":{"id":"a1","x":"\\ud83d"}}', '[{"id":"a1"}', '{"id":["a1"]']
)
def test_a_nested_id_is_not_used(frame: str) -> None:
    assert refused(frame).id is None


@pytest.mark.parametrize(
    "piece", ["[]", '"",', "\\", '"', '\\"', '{"', '"a" ', " ", '"id":"a",', "[", '"a":["']
)
def test_the_search_for_an_id_is_linear(piece: str) -> None:
    """A frame has at most 16 × 64 KiB, which would take seconds in quadratic time."""
    started = time.process_time()
    refused('{"type":2,"data":' + piece * (2**20 // len(piece)), limit=LIMIT)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("kind", [7, 10, 11, 12, 13, 14])
def test_queries_and_changes_need_an_id(kind: int) -> None:
    facts = '"room":1,"target":2,"data":"hi","emoji":"👍","action":"join"'
    assert "missing required field 'id'" in str(refused(f'{{"type":{kind},{facts}}}').error)


@pytest.mark.parametrize("kind", [-1, 0, 1, 4, 5, 6, 15, 16, 99, 2**64])
def test_an_unknown_type_is_rejected(kind: int) -> None:
    refusal = refused(f'{{"type":{kind},"id":"a1","data":"hi"}}')
    assert (refusal.error.code, refusal.id) == ("bad_request", "a1")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        " ",
        "{}",
        "[]",
        "null",
        "7",
        '"hello"',
        "hello",
        "{",
        '{"type":2',
        '{"type":2,"data":"hi"}}',
        '{"type":2,"data":"hi"}{"type":2,"data":"hi"}',
        "{'type':2,'data':'hi'}",
        '{"type":2,"data":"a\nb"}',
        '{"type":2,"data":"\\x"}',
        '{"type":2,"data":"\\ud800"}',
        '{"type":2,"data":"\\udc00\\ud800"}',
        '{"type":2,"data":7}',
        '{"type":2,"data":null}',
        '{"type":2}',
        '{"data":"hi"}',
        '{"type":2,"type":3,"data":"hi"}',
        '{"type":3,"data":"hi","to":7}',
        '{"type":3,"data":"hi","to":""}',
        '\ufeff{"type":2,"data":"hi"}',
        "[" * 60_000,
        '{"a":' * 10_000,
        '{"type":2,"data":' + "[" * 30_000,
        '{"type":2,"data":"hi","x":' + "[" * 30_000 + "]" * 30_000 + "}",
    ],
)
def test_an_invalid_frame_is_rejected(frame: str) -> None:
    assert refused(frame).error.code == "bad_request"


def test_an_error_has_the_id_if_it_can_be_decoded() -> None:
    for frame in ('{"id":"a1"}', '{"type":2,"id":"a1","data":7}', '{"type":99,"id":"a1"}'):
        assert refused(frame).id == "a1"
    assert refused('{"id":"a1').id is None


def test_an_error_names_the_invalid_field() -> None:
    assert "$.reply_to" in str(refused('{"type":2,"data":"","reply_to":0}').error)


def test_a_lone_surrogate_is_rejected() -> None:
    refusal = refused('{"type":2,"id":"a1","data":"\ud800"}')
    assert (refusal.error.code, refusal.id) == ("bad_request", "a1")
    json.dumps(str(refusal.error)).encode()
    assert refused("\ud800" * 30_000).error.code == "too_large"


def test_binary_frames_are_rejected() -> None:
    for data in (b'{"type":2,"data":"hi"}', b"\xff\xfe", b""):
        assert str(refused(data).error) == "Frames are text."


# Size --------------------------------------------------------------------------------------------


def sized(size: int, character: str = "x") -> str:
    """Return a message of that many bytes, mostly of one character."""
    around = '{"type":2,"id":"a1","data":""}'
    width = len(character.encode())
    count, rest = divmod(size - len(around), width)
    return around[:-2] + character * count + "x" * rest + around[-2:]


@pytest.mark.parametrize("character", ["x", "é", "好", "😀"])
def test_the_limit_of_a_frame_counts_bytes(character: str) -> None:
    whole = sized(LIMIT, character)
    assert len(whole.encode()) == LIMIT
    assert id_of(decoded(whole)) == "a1"
    refusal = refused(sized(LIMIT + 1, character))
    assert (refusal.error.code, refusal.id) == ("too_large", "a1")
    assert str(refusal.error) == "A frame has at most 65536 bytes."


def test_large_binary_frames_are_rejected_too() -> None:
    assert refused(b"\xff" * (LIMIT + 1)).error.code == "too_large"


# Generated input ---------------------------------------------------------------------------------

SCALARS = (
    st.sampled_from([None, True, False, 0, 1, 2, 3, 7, 13, MAX_INT, MAX_INT + 1, 2**70, "a1", "\n"])
    | st.integers()
    | st.floats()
    | st.text(max_size=70)
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(["1", "9", "01", "-1", ""]), SCALARS, max_size=2)
)
FIELDS = (
    "data room id to reply_to after before limit epoch rooms token colour seq target emoji on"
    " action name title topic private users receipts leavers_read retention_days"
).split()

SENSE = {"id": "a1", "room": 1, "target": 2, "seq": 2, "data": "hi", "emoji": "x", "action": "join"}


def outcome(frame: str | bytes) -> Command | Undecodable:
    """Return a command or an error; any other exception fails the test."""
    try:
        return decode(frame, limit=LIMIT)
    except Undecodable as refusal:
        return refusal


ANYTHING = st.text() | st.text(st.characters(exclude_categories=())) | st.binary()  # surrogates too


@given(ANYTHING)
@settings(max_examples=500, deadline=None)
def test_any_text_and_any_bytes_are_decoded_or_rejected(frame: str | bytes) -> None:
    assert isinstance(outcome(frame), Command | Undecodable)


@given(
    st.sampled_from([2, 3, *range(7, 15)]),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4),
    st.sampled_from([{}, {"data": "hi"}, {"id": "a1"}, {"id": "a1", "room": 1}, SENSE]),
)
@settings(max_examples=500, deadline=None)
def test_a_command_is_valid_and_an_error_has_the_id(
    kind: int, noise: dict[str, Any], sense: dict[str, Any]
) -> None:
    sent = {"type": kind} | noise | sense
    got = outcome(json.dumps(sent, ensure_ascii=False))
    if isinstance(got, Undecodable):
        assert got.id is None or got.id == sent["id"]
        return
    for name in ("room", "reply_to", "before", "target", "seq"):
        number = getattr(got, name, None)
        assert number is None or (type(number) is int and 1 <= number <= MAX_INT)
    assert 1 <= len(id_of(got) or "a") <= 64
    for name in (sent.keys() & set(got.__struct_fields__)) - {"rooms"}:
        assert getattr(got, name) == sent[name]
    if isinstance(got, History) and sent.get("rooms") is not None:
        assert got.rooms == {int(room): seq for room, seq in sent["rooms"].items()}


@given(st.text(min_size=1), st.integers(0, 200))
@settings(max_examples=500, deadline=None)
def test_a_corrupted_command_is_decoded_or_rejected(noise: str, position: int) -> None:
    good = '{"type":7,"id":"a1","room":1,"rooms":{"1":17,"9":4},"epoch":"e","limit":50}'
    at = position % len(good)
    assert isinstance(outcome(good[:at] + noise + good[at:]), Command | Undecodable)
    assert isinstance(outcome(good[:at] + noise + good[at + 1 :]), Command | Undecodable)


# Replies and events ------------------------------------------------------------------------------

HI = GroupChat(room=1, seq=2, user="ann", data="hi", at=3)
PSST = SingleChat(room=5, seq=1, user="ann", to="bo", data="psst", at=3, id="a1", reply_to=1)
HI_JSON = {"type": 2, "room": 1, "seq": 2, "user": "ann", "data": "hi", "at": 3}
PSST_JSON = {
    "type": 3,
    "room": 5,
    "seq": 1,
    "user": "ann",
    "to": "bo",
    "data": "psst",
    "at": 3,
    "id": "a1",
    "reply_to": 1,
}
LOBBY = WelcomeRoom(
    room=1,
    kind="group",
    name="lobby",
    title="",
    members=2,
    head=2,
    read=1,
    unread=1,
    mentions=0,
    muted=False,
    last=HI,
)
LOBBY_JSON = {
    "room": 1,
    "kind": "group",
    "name": "lobby",
    "title": "",
    "members": 2,
    "head": 2,
    "read": 1,
    "unread": 1,
    "mentions": 0,
    "muted": False,
    "last": HI_JSON,
}
ACT = {"room": 1, "seq": 4, "user": "ann", "at": 5}
TEA = RoomEvent(room=9, seq=1, user="ann", action="create", at=5, title="Tea", state=LOBBY)
TEA_JSON = {"type": 13, "room": 9, "seq": 1, "user": "ann", "action": "create", "at": 5} | {
    "title": "Tea",
    "state": LOBBY_JSON,
}
ANN, ANN_JSON = Person("ann", "Ann"), {"name": "ann", "display": "Ann", "status": "online"}

EXAMPLES: list[tuple[Any, dict[str, Any]]] = [
    (Error(data="over", code="session_over"), {"type": 0, "data": "over", "code": "session_over"}),
    (GroupList(data=[ANN]), {"type": 1, "data": [ANN_JSON]}),
    (HI, HI_JSON),
    (PSST, PSST_JSON),
    (
        GroupChat(
            room=1,
            seq=2,
            user="ann",
            data="hey",
            at=3,
            id="a1",
            edited_at=4,
            reactions={"👍": ["bo", "cy"]},
        ),
        HI_JSON | {"data": "hey", "id": "a1", "edited_at": 4, "reactions": {"👍": ["bo", "cy"]}},
    ),
    (Typing(room=1, user="ann"), {"type": 8, "room": 1, "user": "ann"}),
    (Read(room=1, user="ann", seq=2), {"type": 9, "room": 1, "user": "ann", "seq": 2}),
    (
        Edit(room=1, seq=4, user="ann", target=2, data="hey", at=5),
        {"type": 10, "target": 2, "data": "hey"} | ACT,
    ),
    (Delete(room=1, seq=4, user="ann", target=2, at=5), {"type": 11, "target": 2} | ACT),
    (
        React(room=1, seq=4, user="ann", target=2, emoji="👍", on=False, at=5, id="a1"),
        {"type": 12, "target": 2, "emoji": "👍", "on": False, "id": "a1"} | ACT,
    ),
    (
        RoomEvent(room=1, seq=4, user="ann", action="invite", at=5, users=["bo"]),
        {"type": 13, "action": "invite", "users": ["bo"]} | ACT,
    ),
    (
        RoomEvent(room=1, seq=4, user="ann", action="change", at=5, private=False, topic=""),
        {"type": 13, "action": "change", "private": False, "topic": ""} | ACT,
    ),
    (TEA, TEA_JSON),
    (
        RoomChanged(id="a1", ok=True, room=1, seq=2, at=3),
        {"type": 4, "id": "a1", "ok": True, "room": 1, "seq": 2, "at": 3},
    ),
    (
        RoomChanged(id="a1", ok=True, room=1, seq=2, at=3, state=LOBBY),
        {"type": 4, "id": "a1", "ok": True, "room": 1, "seq": 2, "at": 3, "state": LOBBY_JSON},
    ),
    (
        Muted(id="a1", ok=True, room=1, muted=False),
        {"type": 4, "id": "a1", "ok": True, "room": 1, "muted": False},
    ),
    (
        Favored(id="a1", ok=True, room=1, favorite=True),
        {"type": 4, "id": "a1", "ok": True, "room": 1, "favorite": True},
    ),
    (
        Stored(id="a1", ok=True, room=1, seq=2, at=3),
        {"type": 4, "id": "a1", "ok": True, "room": 1, "seq": 2, "at": 3},
    ),
    (
        Stored(id="a1", ok=True, room=1, seq=2, at=3, duplicate=True),
        {"type": 4, "id": "a1", "ok": True, "room": 1, "seq": 2, "at": 3, "duplicate": True},
    ),
    (
        HistoryPage(id="a1", ok=True, room=1, events=[HI, PSST], head=2, more=False),
        {"type": 4, "id": "a1", "ok": True, "room": 1, "events": [HI_JSON, PSST_JSON]}
        | {"head": 2, "more": False},
    ),
    (
        MoreRooms(id="a1", ok=True, rooms=[LOBBY], rooms_more=True, rooms_after=1),
        {"type": 4, "id": "a1", "ok": True, "rooms": [LOBBY_JSON]}
        | {"rooms_more": True, "rooms_after": 1},
    ),
    (
        CatchUp(
            id="a1",
            ok=True,
            epoch="e",
            rooms=[RoomPage(room=1, events=[HI], head=2, more=True)],
            gone=[9],
        ),
        {"type": 4, "id": "a1", "ok": True, "epoch": "e", "gone": [9]}
        | {"rooms": [{"room": 1, "events": [HI_JSON], "head": 2, "more": True}]},
    ),
    (
        Renewed(id="a1", ok=True, expires_at=9, token="t"),
        {"type": 4, "id": "a1", "ok": True, "expires_at": 9, "token": "t"},
    ),
    (
        Refused(ok=False, code="not_found", data="no"),
        {"type": 4, "ok": False, "code": "not_found", "data": "no"},
    ),
    (
        Welcome(
            user="ann",
            epoch="e",
            session=WelcomeSession("s1", 9, 60),
            limits=WelcomeLimits(4000, 65536, 5.0, 20),
            rooms=[LOBBY],
        ),
        {
            "type": 5,
            "user": "ann",
            "epoch": "e",
            "session": {"id": "s1", "expires_at": 9, "lifetime": 60},
            "limits": {
                "message_chars": 4000,
                "frame_bytes": 65536,
                "messages_per_second": 5.0,
                "message_burst": 20,
                "history": 500,
                "file_bytes": 0,
                "files_per_message": 0,
                "all_members": 0,
            },
            "rooms": [LOBBY_JSON],
        },
    ),
    (Presence(online=[ANN], offline=["bo"]), {"type": 6, "online": [ANN_JSON], "offline": ["bo"]}),
    (Heartbeat(), {"type": 15}),
    (
        NotificationRules(rules=Rules(keywords=["tea"])),
        {
            "type": 19,
            "rules": {
                "level": "mentions",
                "keywords": ["tea"],
                "quiet": None,
                "paused_until": 0,
                "sound": True,
            },
        },
    ),
]


@pytest.mark.parametrize(("message", "expected"), EXAMPLES)
def test_every_frame_is_encoded_as_documented(message: Any, expected: dict[str, Any]) -> None:
    ((kind, payload),) = read_frames(protocol.encode(message))
    assert kind == TEXT
    assert json.loads(payload) == expected
    assert json.loads(protocol.encode_json(message)) == expected


def test_the_examples_include_every_frame() -> None:
    declared = {*get_args(protocol.Outgoing), *get_args(protocol.Reply)}
    assert {type(message) for message, _ in EXAMPLES} == declared


# docs/protocol.md, section 4: the number, its name, what clients send, what servers send.
CONTRACT: list[tuple[int, str, set[type], set[type]]] = [
    (0, "ERROR", set(), {Error}),
    (1, "GROUP_LIST", set(), {GroupList}),
    (2, "GROUP_CHAT", {SayToRoom}, {GroupChat}),
    (3, "SINGLE_CHAT", {SayToPerson}, {SingleChat}),
    (4, "REPLY", set(), {*get_args(protocol.Reply)}),
    (5, "WELCOME", set(), {Welcome}),
    (6, "PRESENCE", set(), {Presence}),
    (7, "HISTORY", {History}, set()),
    (8, "TYPING", {StartTyping}, {Typing}),
    (9, "READ", {MarkRead}, {Read}),
    (10, "EDIT", {EditMessage}, {Edit}),
    (11, "DELETE", {DeleteMessage}, {Delete}),
    (12, "REACT", {ReactTo}, {React}),
    (13, "ROOM", {ChangeRoom}, {RoomEvent}),
    (14, "RENEW", {Renew}, set()),
    (15, "HEARTBEAT", set(), {Heartbeat}),
    (18, "VISIBLE", {ReportVisible}, set()),
    (19, "NOTIFICATIONS", set(), {NotificationRules}),
]


def tagged(number: int, union: Any) -> set[type]:
    return {kind for kind in get_args(union) if kind.__struct_config__.tag == number}


@pytest.mark.parametrize(("number", "name", "commands", "messages"), CONTRACT)
def test_a_type_has_the_same_number_in_both_directions(
    number: int, name: str, commands: set[type], messages: set[type]
) -> None:
    assert Type(number).name == name
    assert tagged(number, Command) == commands
    assert tagged(number, protocol.Outgoing | protocol.Reply) == messages


def test_the_documented_types_are_complete() -> None:
    assert [int(kind) for kind in Type] == [number for number, *_ in CONTRACT]


def test_text_that_looks_like_a_frame_is_encoded_as_text() -> None:
    message = GroupChat(room=1, seq=1, user="ann", data='"}\n\x81\x00\u2028</script>', at=1)
    ((_, payload),) = read_frames(protocol.encode(message))
    assert json.loads(payload)["data"] == message.data
    assert b"\n" not in payload


# Conversion of domain values ----------------------------------------------------------------------


def test_a_stored_event_becomes_a_message_to_a_room() -> None:
    event = models.Event(
        1, 2, "ann", "hi", 3, id="a1", reply_to=1, edited_at=4, participants=(1, 2)
    )
    assert json.loads(protocol.encode_json(encode_events.to_message(event))) == HI_JSON | {
        "id": "a1",
        "reply_to": 1,
        "edited_at": 4,
    }


def test_a_stored_event_becomes_a_direct_message() -> None:
    event = models.Event(5, 1, "ann", "psst", 3, id="a1", to="bo", reply_to=1, participants=(1, 2))
    assert encode_events.to_message(event) == PSST


LOBBY_STATE = models.RoomState(
    room=1,
    kind=models.RoomKind.GROUP,
    name="lobby",
    title="",
    members=2,
    head=2,
    read=1,
    unread=1,
    mentions=0,
    muted=False,
    last=models.Event(1, 2, "ann", "hi", 3),
)
ACTED: dict[str, Any] = {"room": 1, "seq": 4, "user": "ann", "at": 5, "id": "a1"}


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        (
            {"kind": EventKind.EDIT, "target": 2, "data": "hey"},
            Edit(**ACTED, target=2, data="hey"),
        ),
        ({"kind": EventKind.DELETE, "target": 2, "data": ""}, Delete(**ACTED, target=2)),
        (
            {"kind": EventKind.REACT, "target": 2, "data": "👍", "on": False},
            React(**ACTED, target=2, emoji="👍", on=False),
        ),
        (
            {"kind": EventKind.ROOM, "data": "", "change": {"action": "invite", "users": ["bo"]}},
            RoomEvent(**ACTED, action="invite", users=["bo"]),
        ),
    ],
)
def test_every_kind_of_event_becomes_its_frame(facts: dict[str, Any], message: Any) -> None:
    event = models.Event(**ACTED, **facts, joined_ids=(2,), participants=(1, 2), user_id=1)
    assert encode_events.to_message(event) == message
    assert encode_events.payload(event) == protocol.encode_json(message)
    assert EventKind(event.kind) == message.__struct_config__.tag


def test_the_kinds_of_events_have_the_numbers_of_the_protocol() -> None:
    assert {kind.name for kind in EventKind} - {"MESSAGE"} <= set(Type.__members__)
    assert all(Type(kind) in Type for kind in EventKind)
    assert int(EventKind.MESSAGE) == int(Type.GROUP_CHAT)


def test_a_deleted_message_is_encoded_as_a_tombstone() -> None:
    event = models.Event(1, 2, "ann", "", 3, deleted_at=4)
    assert json.loads(encode_events.payload(event)) == HI_JSON | {"data": "", "deleted_at": 4}


def test_reactions_are_encoded_with_their_users() -> None:
    event = models.Event(1, 2, "ann", "hi", 3, reactions={"👍": ["bo"]})
    assert json.loads(encode_events.payload(event)) == HI_JSON | {"reactions": {"👍": ["bo"]}}


def test_a_new_member_gets_the_event_with_the_state_of_the_room() -> None:
    event = models.Event(
        *(9, 1, "ann", "", 5), kind=EventKind.ROOM, change={"action": "create", "title": "Tea"}
    )
    ((kind, payload),) = read_frames(
        encode_events.with_state(encode_events.payload(event), LOBBY_STATE)
    )
    assert kind == TEXT
    assert json.loads(payload) == TEA_JSON


@pytest.mark.parametrize("users", [[], [ANN], [ANN, protocol.Person("bo", "波")]])
def test_the_presence_list_is_built_from_encoded_parts(users: list[protocol.Person]) -> None:
    whole = protocol.encode(GroupList(data=users))
    assert encode_events.group_list(protocol.encode_json(users)[1:-1]) == whole


def test_events_become_consecutive_frames() -> None:
    events = [models.Event(1, seq, "ann", "hi", 3) for seq in (1, 2, 3)]
    sequence = [
        json.loads(payload)["seq"] for _, payload in read_frames(encode_events.frames(events))
    ]
    assert sequence == [1, 2, 3]


def test_a_receipt_becomes_a_reply() -> None:
    receipt = models.Receipt(1, 2, 3, duplicate=True)
    assert encode_events.stored(receipt, "a1") == Stored(
        id="a1", ok=True, room=1, seq=2, at=3, duplicate=True
    )


@pytest.mark.parametrize("state", [None, "lobby"])
def test_a_receipt_of_a_change_becomes_a_reply_with_the_room(state: str | None) -> None:
    receipt = models.Receipt(1, 2, 3)
    reply = encode_events.room_changed(receipt, "a1", LOBBY_STATE if state else None)
    room = LOBBY if state else None
    assert reply == RoomChanged(id="a1", ok=True, room=1, seq=2, at=3, state=room)


def test_a_room_in_the_welcome_has_its_head() -> None:
    assert encode_events.welcome_room(LOBBY_STATE) == LOBBY


def test_the_state_of_a_room_is_encoded_completely() -> None:
    facts: dict[str, Any] = {"topic": "t", "private": True, "archived": True, "receipts": True}
    facts |= {"admin": True, "muted": True, "favorite": True, "notify": "nothing", "mentions": 3}
    facts |= {"to": "bo", "at_least": True}
    seen = encode_events.welcome_room(msgspec.structs.replace(LOBBY_STATE, **facts))
    assert seen == msgspec.structs.replace(LOBBY, **facts)
    assert {*msgspec.to_builtins(seen)} == {*WelcomeRoom.__struct_fields__}


@pytest.mark.parametrize(
    ("error", "facts"),
    [
        (errors.NotFound(), {"code": "not_found"}),
        (errors.RateLimited(1.2345), {"code": "rate_limited", "retry_after": 1.234}),
        (errors.RateLimited(0), {"code": "rate_limited", "retry_after": 0.001}),
        (errors.Reset("e2"), {"code": "reset", "epoch": "e2"}),
        (
            errors.TooLarge("At most %(count)d.", count=7),
            {"code": "too_large", "data": "At most 7."},
        ),
        (errors.ChatError(), {"code": "internal"}),
    ],
)
def test_an_error_has_its_fields(error: errors.ChatError, facts: dict[str, Any]) -> None:
    reply = json.loads(
        protocol.encode_json(encode_events.refusal(error, "a1", sentence=str(error)))
    )
    whole = {"type": 4, "ok": False, "id": "a1", "data": str(error)} | facts
    assert reply == whole


def test_an_error_without_an_id_omits_the_field() -> None:
    reply = msgspec.json.decode(
        protocol.encode_json(encode_events.refusal(errors.Forbidden(), None, sentence="No."))
    )
    assert set(reply) == {"type", "ok", "code", "data"}
