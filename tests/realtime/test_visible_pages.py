"""Reports of visible pages, from this node and others."""

from typing import Any, cast

import pytest

from chatserver.bus.messages import PageVisible
from chatserver.realtime.connection import Connection
from chatserver.realtime.visible_pages import VisiblePages
from tests.fakes import FakeClock

USER = 7


class Page:
    """A connection as far as it matters here."""

    def __init__(self) -> None:
        self.user = cast("Any", self)
        self.id = USER


def page() -> Connection:
    return cast("Connection", Page())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_a_user_looks_at_the_chat_while_one_page_is_visible(clock: FakeClock) -> None:
    pages, one, other = VisiblePages(lambda _: None, clock=clock), page(), page()
    assert not pages.has_visible_page(USER)
    pages.report(one, visible=True)
    pages.report(other, visible=True)
    pages.forget(one)
    assert pages.has_visible_page(USER)
    pages.report(other, visible=False)
    assert not pages.has_visible_page(USER)


def test_a_report_that_is_not_repeated_expires(clock: FakeClock) -> None:
    pages = VisiblePages(lambda _: None, clock=clock)
    pages.report(page(), visible=True)
    clock.advance(89)
    assert pages.has_visible_page(USER)
    clock.advance(2)
    assert not pages.has_visible_page(USER)


def test_other_nodes_learn_of_visible_pages_and_of_no_others(clock: FakeClock) -> None:
    sent: list[PageVisible] = []
    other = VisiblePages(lambda _: None, clock=clock)

    def publish(message: PageVisible) -> None:
        sent.append(message)
        other.receive(message)

    here = VisiblePages(publish, clock=clock)
    one = page()
    here.forget(one)
    assert sent == []
    here.report(one, visible=True)
    assert other.has_visible_page(USER)
    here.forget(one)
    assert not other.has_visible_page(USER)
