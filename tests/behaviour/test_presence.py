"""Who is online: named whole once, then told as changes."""

from tests.conftest import StartChat
from tests.driver import Device, Person


def names(persons: list[dict[str, str]]) -> list[str]:
    return [person["name"] for person in persons]


async def told(device: Device, *, online: str = "", offline: str = "") -> None:
    """Wait until presence has said that of this person."""
    while True:
        frame = await device.next(6)
        if (not online or online in names(frame["online"])) and (
            not offline or offline in frame["offline"]
        ):
            return


async def test_whoever_comes_and_goes_is_told_to_the_others(ann: Person, bo: Person) -> None:
    anns = await ann.connect()
    assert names(anns.online["data"]) == ["ann"]
    bos = await bo.connect()
    assert names(bos.online["data"]) == ["ann", "bo"]
    await told(anns, online="bo")
    await bos.close()
    await told(anns, offline="bo")


async def test_many_sockets_are_one_person(ann: Person, bo: Person) -> None:
    anns = await ann.connect()
    devices = [await bo.connect() for _ in range(10)]
    await told(anns, online="bo")
    for device in devices[1:]:
        await device.close()
    assert names((await ann.connect()).online["data"]) == ["ann", "bo"]
    await devices[0].close()
    await told(anns, offline="bo")


async def test_a_connect_storm_is_told_in_few_frames(start_chat: StartChat) -> None:
    chat = await start_chat()
    watcher = await (await chat.person("ann")).connect()
    people = [await chat.person(f"bo{number}") for number in range(40)]
    devices = [await person.connect() for person in people]
    online: set[str] = set()
    frames = 0
    while len(online - {"ann"}) < 40:
        online |= set(names((await watcher.next(6))["online"]))
        frames += 1
    assert frames <= 5
    assert len(devices) == 40
