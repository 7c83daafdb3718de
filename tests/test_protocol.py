"""The wire: what is understood, what is refused, and how bytes look."""

import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatserver import errors, models, protocol, wire
from chatserver.protocol import (
    MAX_INT,
    CatchUp,
    Command,
    Error,
    GroupChat,
    GroupList,
    Heartbeat,
    History,
    HistoryPage,
    Person,
    Presence,
    Refused,
    Renew,
    Renewed,
    RoomPage,
    SayToPerson,
    SayToRoom,
    SingleChat,
    Stored,
    Undecodable,
    Welcome,
    WelcomeLimits,
    WelcomeRoom,
    WelcomeSession,
    decode,
)
from tests.fakes import TEXT, read_frames

LIMIT = 65_536


def understood(frame: str) -> Command:
    return decode(frame, limit=LIMIT)


def refused(frame: str | bytes, *, limit: int = LIMIT) -> Undecodable:
    with pytest.raises(Undecodable) as refusal:
        decode(frame, limit=limit)
    return refusal.value


# Commands ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("frame", "command"),
    [
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
        ('{"type":14,"id":"a1"}', Renew(id="a1")),
        ('{"type":14,"id":"a1","token":"t"}', Renew(id="a1", token="t")),
    ],
)
def test_every_command_is_understood(frame: str, command: Command) -> None:
    assert understood(frame) == command


def test_unknown_fields_order_and_white_space_do_not_matter() -> None:
    frame = '\r\n{ "data" : "hi" , "colour": {"deep": [1, null]}, "type" :\t2 } '
    assert understood(frame) == SayToRoom(data="hi")


def test_the_last_one_of_two_equal_fields_counts() -> None:
    assert understood('{"type":2,"data":"a","data":"b"}') == SayToRoom(data="b")


def test_text_arrives_as_it_was_written() -> None:
    text = "你好 👩‍👩‍👧 \u0000 \u202e \ufffe \\ \" ' \U0010ffff"
    frame = json.dumps({"type": 2, "data": text})
    assert understood(frame) == SayToRoom(data=text)
    assert understood('{"type":2,"data":"\\ud83d\\ude00"}') == SayToRoom(data="😀")


@pytest.mark.parametrize("number", [1, 2**31, MAX_INT])
def test_numbers_go_up_to_what_every_reader_of_json_keeps(number: int) -> None:
    assert understood(f'{{"type":2,"data":"","room":{number}}}') == SayToRoom(data="", room=number)


@pytest.mark.parametrize("request_id", ["a", "x" * 64, "😀" * 64, "a b", "ä", "0"])
def test_an_id_is_one_to_64_printable_characters(request_id: str) -> None:
    frame = json.dumps({"type": 2, "data": "", "id": request_id})
    assert understood(frame).id == request_id


# Refusals ----------------------------------------------------------------------------------------

NUMBERS = ["0", "-1", str(MAX_INT + 1), str(2**63), "1" + "0" * 400, "1.0", "1.5", "1e2", "1e999"]
NUMBERS += ["NaN", "Infinity", "true", "false", '"1"', "[]", "{}", "null"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("frame", ['{"type":2,"data":"","room":%s}', '{"type":%s,"data":""}'])
def test_what_is_no_number_between_1_and_2_to_the_53_is_refused(frame: str, number: str) -> None:
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
def test_a_question_about_history_must_make_sense(facts: str) -> None:
    refusal = refused(f'{{"type":7,"id":"a1","room":1,{facts}}}')
    assert (refusal.error.code, refusal.id) == ("bad_request", "a1")


def test_not_more_than_ten_thousand_rooms_are_asked_about_at_once() -> None:
    rooms = json.dumps({str(number): 0 for number in range(1, 10_002)})
    frame = f'{{"type":7,"id":"a1","rooms":{rooms}}}'
    assert refused(frame, limit=10 * LIMIT).id == "a1"


@pytest.mark.parametrize(
    "request_id",
    ["", "x" * 65, "\0", "a\0b", "a\nb", "\na", "a\tb", "\x1b[31m", "\x7f", "\x9b", models.OWN_ID],
)
def test_an_id_with_control_characters_or_of_wrong_length_is_refused(request_id: str) -> None:
    refusal = refused(json.dumps({"type": 2, "data": "", "id": request_id}))
    assert (refusal.error.code, refusal.id) == ("bad_request", None)


@pytest.mark.parametrize("request_id", ["1", "true", "[]", "{}"])
def test_an_id_that_is_no_text_is_refused(request_id: str) -> None:
    assert refused(f'{{"type":2,"data":"","id":{request_id}}}').id is None


@pytest.mark.parametrize("kind", [7, 14])
def test_a_question_needs_an_id(kind: int) -> None:
    assert "id" in str(refused(f'{{"type":{kind},"room":1}}').error)


@pytest.mark.parametrize("kind", [-1, 0, 1, 4, 5, 6, 15, 16, 99, 2**64])
def test_a_type_that_no_client_sends_is_refused(kind: int) -> None:
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
def test_what_makes_no_sense_is_refused(frame: str) -> None:
    assert refused(frame).error.code == "bad_request"


def test_a_refusal_echoes_the_id_when_it_can_be_read() -> None:
    for frame in ('{"id":"a1"}', '{"type":2,"id":"a1","data":7}', '{"type":99,"id":"a1"}'):
        assert refused(frame).id == "a1"
    assert refused('{"id":"a1"').id is None


def test_a_refusal_says_which_field_is_wrong() -> None:
    assert "$.reply_to" in str(refused('{"type":2,"data":"","reply_to":0}').error)


def test_binary_frames_are_refused() -> None:
    for data in (b'{"type":2,"data":"hi"}', b"\xff\xfe", b""):
        assert str(refused(data).error) == "Frames are text."


# Size --------------------------------------------------------------------------------------------


def sized(size: int, character: str = "x") -> str:
    """A message of that many bytes, most of them one character."""
    around = '{"type":2,"id":"a1","data":""}'
    width = len(character.encode())
    count, rest = divmod(size - len(around), width)
    return around[:-2] + character * count + "x" * rest + around[-2:]


@pytest.mark.parametrize("character", ["x", "é", "好", "😀"])
def test_the_limit_of_a_frame_counts_bytes(character: str) -> None:
    whole = sized(LIMIT, character)
    assert len(whole.encode()) == LIMIT
    assert understood(whole).id == "a1"
    refusal = refused(sized(LIMIT + 1, character))
    assert (refusal.error.code, refusal.id) == ("too_large", "a1")
    assert str(refusal.error) == "A frame has at most 65536 bytes."


def test_large_binary_frames_are_refused_too() -> None:
    assert refused(b"\xff" * (LIMIT + 1)).error.code == "too_large"


# Whatever comes ----------------------------------------------------------------------------------

SCALARS = (
    st.sampled_from([None, True, False, 0, 1, 2, 3, 7, 14, MAX_INT, MAX_INT + 1, 2**70, "a1", "\n"])
    | st.integers()
    | st.floats()
    | st.text(max_size=70)
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.sampled_from(["1", "9", "01", "-1", ""]), SCALARS, max_size=2)
)
FIELDS = "data room id to reply_to after before limit epoch rooms token colour".split()


def outcome(frame: str | bytes) -> Command | Undecodable:
    """A command or why not; any other exception fails the test."""
    try:
        return decode(frame, limit=LIMIT)
    except Undecodable as refusal:
        return refusal


@given(st.text() | st.binary())
@settings(max_examples=500, deadline=None)
def test_any_text_and_any_bytes_are_a_command_or_refused(frame: str | bytes) -> None:
    assert isinstance(outcome(frame), Command | Undecodable)


@given(
    st.sampled_from([2, 3, 7, 14]),
    st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4),
    st.sampled_from([{}, {"data": "hi"}, {"id": "a1"}, {"id": "a1", "room": 1}]),
)
@settings(max_examples=500, deadline=None)
def test_a_command_keeps_its_promises_and_a_refusal_its_id(
    kind: int, noise: dict[str, Any], sense: dict[str, Any]
) -> None:
    sent = {"type": kind} | noise | sense
    got = outcome(json.dumps(sent, ensure_ascii=False))
    if isinstance(got, Undecodable):
        assert got.id is None or got.id == sent["id"]
        return
    for name in ("room", "reply_to", "before"):
        number = getattr(got, name, None)
        assert number is None or (type(number) is int and 1 <= number <= MAX_INT)
    assert got.id is None or 1 <= len(got.id) <= 64
    for name in (sent.keys() & set(got.__struct_fields__)) - {"rooms"}:
        assert getattr(got, name) == sent[name]
    if isinstance(got, History) and sent.get("rooms") is not None:
        assert got.rooms == {int(room): seq for room, seq in sent["rooms"].items()}


@given(st.text(min_size=1), st.integers(0, 200))
@settings(max_examples=500, deadline=None)
def test_a_command_with_noise_in_it_is_a_command_or_refused(noise: str, position: int) -> None:
    good = '{"type":7,"id":"a1","room":1,"rooms":{"1":17,"9":4},"epoch":"e","limit":50}'
    at = position % len(good)
    assert isinstance(outcome(good[:at] + noise + good[at:]), Command | Undecodable)
    assert isinstance(outcome(good[:at] + noise + good[at + 1 :]), Command | Undecodable)


# Answers and events ------------------------------------------------------------------------------

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
ANN, ANN_JSON = Person("ann", "Ann"), {"name": "ann", "display": "Ann", "status": "online"}

EXAMPLES: list[tuple[Any, dict[str, Any]]] = [
    (Error(data="over", code="session_over"), {"type": 0, "data": "over", "code": "session_over"}),
    (GroupList(data=[ANN]), {"type": 1, "data": [ANN_JSON]}),
    (HI, HI_JSON),
    (PSST, PSST_JSON),
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
            session=WelcomeSession("s1", 9),
            limits=WelcomeLimits(4000, 65536, 5.0, 20),
            rooms=[LOBBY],
        ),
        {
            "type": 5,
            "user": "ann",
            "epoch": "e",
            "session": {"id": "s1", "expires_at": 9},
            "limits": {
                "message_chars": 4000,
                "frame_bytes": 65536,
                "messages_per_second": 5.0,
                "message_burst": 20,
                "history": 500,
            },
            "rooms": [LOBBY_JSON],
        },
    ),
    (Presence(online=[ANN], offline=["bo"]), {"type": 6, "online": [ANN_JSON], "offline": ["bo"]}),
    (Heartbeat(), {"type": 15}),
]


@pytest.mark.parametrize(("message", "expected"), EXAMPLES)
def test_every_message_looks_as_the_contract_says(message: Any, expected: dict[str, Any]) -> None:
    ((kind, payload),) = read_frames(protocol.encode(message))
    assert kind == TEXT
    assert json.loads(payload) == expected
    assert json.loads(protocol.text(message)) == expected


def test_the_examples_leave_no_message_out() -> None:
    declared = {*get_args(protocol.Outgoing), *get_args(protocol.Answer)}
    assert {type(message) for message, _ in EXAMPLES} == declared


def test_the_first_four_types_keep_their_numbers() -> None:
    assert [int(kind) for kind in protocol.Type][:4] == [0, 1, 2, 3]
    assert {HI_JSON["type"], PSST_JSON["type"]} == {2, 3}


def test_a_client_can_read_what_it_can_send() -> None:
    """The tags of both directions mean the same."""
    names = {2: "Say", 3: "Say", 7: "History", 14: "Renew"}
    for command in get_args(Command):
        tag = command.__struct_config__.tag
        assert command.__name__.startswith(names[tag])


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_frame_of_any_size_is_read_back(size: int) -> None:
    payload = b"x" * size
    line = protocol.frame(payload) + protocol.frame(b"next")
    assert read_frames(line) == [(TEXT, payload), (TEXT, b"next")]


def test_text_that_looks_like_a_frame_stays_text() -> None:
    message = GroupChat(room=1, seq=1, user="ann", data='"}\n\x81\x00\u2028</script>', at=1)
    ((_, payload),) = read_frames(protocol.encode(message))
    assert json.loads(payload)["data"] == message.data
    assert b"\n" not in payload


# From the rest of the program to the wire --------------------------------------------------------


def test_a_stored_event_becomes_a_message_to_a_room() -> None:
    event = models.Event(1, 2, "ann", "hi", 3, id="a1", reply_to=1, edited_at=4, people=(1, 2))
    assert json.loads(protocol.text(wire.chat(event))) == HI_JSON | {
        "id": "a1",
        "reply_to": 1,
        "edited_at": 4,
    }


def test_a_stored_event_becomes_a_message_to_a_person() -> None:
    event = models.Event(5, 1, "ann", "psst", 3, id="a1", to="bo", reply_to=1, people=(1, 2))
    assert wire.chat(event) == PSST


def test_events_become_frames_one_after_the_other() -> None:
    events = [models.Event(1, seq, "ann", "hi", 3) for seq in (1, 2, 3)]
    sequence = [json.loads(payload)["seq"] for _, payload in read_frames(wire.frames(events))]
    assert sequence == [1, 2, 3]


def test_a_receipt_becomes_the_answer() -> None:
    receipt = models.Receipt(1, 2, 3, duplicate=True)
    assert wire.stored(receipt, "a1") == Stored(
        id="a1", ok=True, room=1, seq=2, at=3, duplicate=True
    )


def test_a_page_becomes_one_room_among_many() -> None:
    page = models.Page(1, [models.Event(1, 2, "ann", "hi", 3)], 2, more=True)
    assert wire.room_page(page) == RoomPage(room=1, events=[HI], head=2, more=True)


def test_a_room_is_welcomed_with_the_head_that_the_hub_names() -> None:
    last = models.Event(1, 2, "ann", "hi", 3)
    state = models.RoomState(
        *(1, models.RoomKind.GROUP, "lobby", "", 2),
        head=1,
        read=1,
        unread=1,
        muted=False,
        last=last,
    )
    assert wire.welcome_room(state, 2) == LOBBY


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
def test_a_refusal_says_what_helps(error: errors.ChatError, facts: dict[str, Any]) -> None:
    told = json.loads(protocol.text(wire.refusal(error, "a1")))
    whole = {"type": 4, "ok": False, "id": "a1", "data": str(error)} | facts
    assert told == whole


def test_a_refusal_without_an_id_has_none() -> None:
    told = msgspec.json.decode(protocol.text(wire.refusal(errors.Forbidden(), None)))
    assert set(told) == {"type", "ok", "code", "data"}
