"""Password rules and hashes."""

import asyncio
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatserver.accounts.passwords import MAX_QUEUED, WORKERS, Passwords, check_choice, generate
from chatserver.config import AuthSettings
from chatserver.errors import BadRequest, RateLimited

# The page has the same rule: tests/js/strength.test.mjs reads these cases too.
CASES = json.loads((Path(__file__).parent.parent / "passwords.json").read_bytes())
RIGHT, WRONG = "purple stone river", "purple stone rivers"


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """Passwords with the default configuration."""
    defaults = AuthSettings()
    made = Passwords(memory_kib=defaults.argon2_memory_kib, time_cost=defaults.argon2_time)
    yield made
    made.close()


@pytest.fixture
def cheap() -> Iterator[Passwords]:
    """Passwords with a fast hash."""
    made = Passwords(memory_kib=64, time_cost=1)
    yield made
    made.close()


# Rules -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("password", CASES["accepted"]["passwords"])
def test_a_good_password_is_accepted(password: str) -> None:
    check_choice(password, *CASES["accepted"]["names"])


@pytest.mark.parametrize("case", CASES["guessable"], ids=lambda case: case["kind"])
def test_guessable_passwords_are_rejected(case: dict[str, list[str]]) -> None:
    for password in case["passwords"]:
        assert "easy to guess" in refused(password, *case["names"])


def test_the_name_of_another_user_is_not_considered() -> None:
    check_choice("annabella24", "bo", "Bo")


@pytest.mark.parametrize("password", ["", "sh0rt!x", "七个字的密码啊"])
def test_fewer_than_eight_characters_are_rejected(password: str) -> None:
    assert "at least 8" in refused(password)


def test_characters_are_counted_in_the_stored_form() -> None:
    assert "at least 8" in refused("e\u0301x7!kQ2")  # an e and its accent are one
    check_choice("e\u0301x7!kQ2#")


def test_more_than_256_characters_are_rejected() -> None:
    assert "at most 256" in refused("0x" * 128 + "9")


def test_an_error_does_not_contain_the_password() -> None:
    assert "letmein99" not in refused("letmein99")


def test_generated_passwords_are_accepted_and_different() -> None:
    made = {generate() for _ in range(100)}
    assert len(made) == 100
    for password in made:
        check_choice(password, "ann", "Ann")
        assert re.fullmatch("[a-z2-9]{4}(-[a-z2-9]{4}){3}", password)


def refused(password: str, *context: str) -> str:
    """Return why a password is rejected; it must be."""
    with pytest.raises(BadRequest) as refusal:
        check_choice(password, *context)
    return str(refusal.value)


# Hashes ------------------------------------------------------------------------------------------


async def test_the_right_password_matches_and_others_do_not(cheap: Passwords) -> None:
    stored = await cheap.hash(RIGHT)
    assert await cheap.verify(stored, RIGHT)
    assert not await cheap.verify(stored, WRONG)
    assert not await cheap.verify(stored, RIGHT.upper())
    assert not await cheap.verify(stored, "")


async def test_a_hash_is_argon2id_with_at_least_19_mib_and_two_passes(passwords: Passwords) -> None:
    stored = await passwords.hash(RIGHT)
    facts = re.match(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$", stored)
    assert facts is not None
    memory_kib, passes, lanes = map(int, facts.groups())
    assert memory_kib >= 19 * 1024
    assert passes >= 2
    assert lanes == 1
    assert RIGHT not in stored


async def test_two_hashes_of_one_password_differ(cheap: Passwords) -> None:
    assert await cheap.hash(RIGHT) != await cheap.hash(RIGHT)


async def test_a_hash_of_other_parameters_still_matches_and_is_outdated(
    passwords: Passwords, cheap: Passwords
) -> None:
    old, new = await cheap.hash(RIGHT), await passwords.hash(RIGHT)
    assert await passwords.verify(old, RIGHT)
    assert passwords.outdated(old)
    assert not passwords.outdated(new)


async def test_a_password_matches_in_every_normalization_form(cheap: Passwords) -> None:
    stored = await cheap.hash("Café ①２３ ｗörd")
    assert await cheap.verify(stored, "Cafe\u0301 123 wo\u0308rd")


async def test_text_that_is_not_a_hash_matches_nothing(cheap: Passwords) -> None:
    for broken in ("", "plain text", RIGHT, "$argon2id$v=19$m=64,t=1,p=1$c2FsdA$"):
        assert not await cheap.verify(broken, RIGHT)


async def test_an_unknown_user_costs_as_much_work_as_a_wrong_password(
    passwords: Passwords,
) -> None:
    stored = await passwords.hash(RIGHT)
    assert not await passwords.verify(None, RIGHT)  # the first one creates the dummy hash
    for nothing in (None, "!"):  # an unknown user, and a bot
        assert await work(passwords, nothing) > 0.6 * await work(passwords, stored)


async def work(passwords: Passwords, stored: str | None) -> float:
    """Return the lowest CPU seconds of a rejection."""
    taken = []
    for _ in range(5):
        before = time.process_time()
        assert not await passwords.verify(stored, WRONG)
        taken.append(time.process_time() - before)
    return min(taken)


async def test_the_event_loop_runs_while_a_password_is_hashed(passwords: Passwords) -> None:
    hashing = asyncio.create_task(passwords.hash(RIGHT))
    turns = 0
    while not hashing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10


async def test_verifications_above_the_queue_limit_are_rejected(cheap: Passwords) -> None:
    stored = await cheap.hash(RIGHT)
    asked = WORKERS + MAX_QUEUED + 8
    answers = await asyncio.gather(
        *(cheap.verify(stored, RIGHT) for _ in range(asked)), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, RateLimited)]
    assert len(refusals) == 8
    assert {refusal.retry_after for refusal in refusals} == {1.0}
    assert answers.count(True) == WORKERS + MAX_QUEUED
    assert await cheap.verify(stored, RIGHT)
