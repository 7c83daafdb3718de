"""Read receipts: sent in batches with bounded work."""

import msgspec

from chatserver.realtime.read_receipts import BATCH_SIZE, INTERVAL, ReadReceipts
from tests.fakes import SkippingLoop, read_frames, run_skipping

Sent = list[tuple[int, list[tuple[str, int]]]]


def receipts(loop: SkippingLoop) -> tuple[ReadReceipts, Sent]:
    sent: Sent = []

    def send(frames: bytes, room: int) -> None:
        read = [msgspec.json.decode(payload) for _, payload in read_frames(frames)]
        assert all((one["type"], one["room"]) == (9, room) for one in read)
        sent.append((room, [(one["user"], one["seq"]) for one in read]))

    return ReadReceipts(send, loop.time), sent


def test_a_position_is_sent_immediately_after_a_quiet_second() -> None:
    async def story(loop: SkippingLoop) -> None:
        made, sent = receipts(loop)
        made.add(1, "ann", 7)
        await loop.skip(0)
        assert sent == [(1, [("ann", 7)])]

    run_skipping(story)


def test_later_positions_are_sent_together_a_second_later() -> None:
    async def story(loop: SkippingLoop) -> None:
        made, sent = receipts(loop)
        made.add(1, "ann", 1)
        await loop.skip(0)
        for user, seq in (("bo", 2), ("ann", 3), ("ann", 2), ("cy", 3)):
            made.add(1, user, seq)
        made.add(2, "bo", 9)
        await loop.skip(INTERVAL - 0.1)
        assert len(sent) == 1
        await loop.skip(0.2)
        await loop.skip(0)
        assert sent[1:] == [(1, [("bo", 2), ("ann", 3), ("cy", 3)]), (2, [("bo", 9)])]

    run_skipping(story)


def test_a_batch_has_a_limited_number_of_positions_per_room() -> None:
    async def story(loop: SkippingLoop) -> None:
        made, sent = receipts(loop)
        names = [f"user{number}" for number in range(2 * BATCH_SIZE + 1)]
        for name in names:
            made.add(1, name, 1)
        for _ in range(3):
            await loop.skip(INTERVAL + 0.1)
            await loop.skip(0)
        assert [len(positions) for _, positions in sent] == [BATCH_SIZE, BATCH_SIZE, 1]
        assert [name for _, positions in sent for name, _ in positions] == names

    run_skipping(story)
