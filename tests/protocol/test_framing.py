"""Frames written by the server; tests/hostile tests those of clients."""

import pytest

from chatserver.errors import CloseCode
from chatserver.protocol import framing
from tests.fakes import read_frames
from tests.hostile.raw_connection import CLOSE, PING, PONG, TEXT


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536, 70_000])
def test_a_text_frame_of_any_size_is_read_back(size: int) -> None:
    payload = b"x" * size
    frames = framing.text_frame(payload) + framing.text_frame(b"next")
    assert read_frames(frames) == [(TEXT, payload), (TEXT, b"next")]


def test_a_close_frame_contains_code_and_reason() -> None:
    assert framing.close_frame(CloseCode.TOO_SLOW, "too slow") == b"\x88\x0a\x0f\xa2too slow"
    assert read_frames(framing.close_frame(CloseCode.SILENT, "")) == [(CLOSE, b"\x0f\xa4")]


def test_a_long_reason_fits_a_control_frame() -> None:
    ((_, payload),) = read_frames(framing.close_frame(CloseCode.ACCOUNT_CLOSED, "x" * 500))
    assert len(payload) <= 125


def test_a_pong_repeats_the_data_of_the_ping() -> None:
    assert read_frames(framing.PING) == [(PING, b"")]
    assert read_frames(framing.pong_frame(b"x" * 125)) == [(PONG, b"x" * 125)]
