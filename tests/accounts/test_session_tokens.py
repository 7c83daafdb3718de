"""Session tokens and signing keys: only tokens of this server are accepted."""

import base64
import hashlib
import hmac
import json
import os
import stat
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from chatserver.accounts.session_tokens import SigningKeys
from chatserver.clocks import MAX_CLOCK_LEAD
from chatserver.errors import StartError, Unauthorized
from chatserver.permissions import write_private
from tests.fakes import FakeClock

HOUR = 3_600
DIGESTS = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}

Json = dict[str, Any]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


@pytest.fixture
def keys(file: Path, clock: FakeClock) -> SigningKeys:
    made = SigningKeys(file, clock=clock.ms)
    made.load()
    return made


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Set the most permissive umask."""
    before = os.umask(0)
    yield
    os.umask(before)


def issue(keys: SigningKeys, clock: FakeClock) -> str:
    now = clock.ms()
    return keys.issue(session="s1", user_id=7, issued_at=now, expires_at=now + HOUR * 1000)


# The file ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("open_umask")
def test_the_key_file_is_readable_by_its_owner_only(file: Path, keys: SigningKeys) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.usefixtures("open_umask")
def test_a_file_that_is_replaced_becomes_private(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    write_private(file, "new")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_text() == "new"


def test_remains_of_an_interrupted_write_are_ignored(tmp_path: Path) -> None:
    (tmp_path / ".secret.new").write_text("half")
    write_private(tmp_path / "secret", "whole")
    assert [entry.name for entry in tmp_path.iterdir()] == ["secret"]


def test_keys_have_32_random_bytes_and_are_different(tmp_path: Path, clock: FakeClock) -> None:
    made = set()
    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        SigningKeys(folder / "keys.json", clock=clock.ms).load()
        made.add(secret(folder / "keys.json"))
    assert {len(key) for key in made} == {32}
    assert len(made) == 5


def test_a_token_is_valid_after_a_restart(file: Path, keys: SigningKeys, clock: FakeClock) -> None:
    token = issue(keys, clock)
    again = SigningKeys(file, clock=clock.ms)
    again.load()
    assert again.verify(token).session == "s1"


@pytest.mark.parametrize(
    "entry",
    [
        {"kty": "oct", "alg": "HS256", "kid": "a", "k": "YQ"},
        {"kty": "oct", "alg": "HS256", "kid": "a", "k": "A" * 41},  # 30 bytes
        {"kty": "oct", "alg": "HS256", "kid": "a", "k": ""},
        {"kty": "oct", "alg": "HS256", "kid": "", "k": "A" * 43},
        {"kty": "oct", "alg": "HS256", "k": "A" * 43},
        {"kty": "oct", "alg": "HS512", "kid": "a", "k": "A" * 86},
        {"kty": "RSA", "kid": "a", "n": "AQAB", "e": "AQAB"},
        {},
    ],
)
def test_a_weak_key_prevents_the_start(file: Path, clock: FakeClock, entry: Json) -> None:
    file.write_text(json.dumps({"keys": [entry]}))
    before = file.read_bytes()
    with pytest.raises(StartError, match=str(file)):
        SigningKeys(file, clock=clock.ms).load()
    assert file.read_bytes() == before


NO_KEYS = ["", "secret", "[]", "{}", '{"keys": null}', "schlüssel", "7"]
NO_KEYS += ['{"keys": ["abc"]}', '{"keys": {"a": 1}}', "[" * 5_000]
NO_KEYS += ['{"keys": [{"kty": "oct", "alg": "none", "kid": "a", "k": "QUFB"}]}']


@pytest.mark.parametrize("text", NO_KEYS)
def test_a_file_without_keys_is_rejected_and_kept(file: Path, clock: FakeClock, text: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StartError, match="cannot be used"):
        SigningKeys(file, clock=clock.ms).load()
    assert file.read_text(encoding="utf-8") == text


# Valid tokens ------------------------------------------------------------------------------------


def test_a_token_contains_session_user_and_expiry(keys: SigningKeys, clock: FakeClock) -> None:
    token = keys.verify(issue(keys, clock))
    assert (token.session, token.user_id, token.lifetime) == ("s1", 7, HOUR)
    assert token.expires_at * 1000 == clock.ms() + HOUR * 1000


def test_waiting_before_the_signature_does_not_shorten_a_lifetime(
    keys: SigningKeys, clock: FakeClock
) -> None:
    now = clock.ms()
    clock.advance(1.5)
    token = keys.issue(session="s1", user_id=7, issued_at=now, expires_at=now + HOUR * 1000)
    assert keys.verify(token).lifetime == HOUR


def test_a_token_has_an_age(keys: SigningKeys, clock: FakeClock) -> None:
    token = keys.verify(issue(keys, clock))
    clock.advance(90.5)
    assert token.age(clock.ms()) == 90.5


def test_a_token_is_valid_until_its_last_second(keys: SigningKeys, clock: FakeClock) -> None:
    token = issue(keys, clock)
    clock.advance(HOUR - 0.001)
    keys.verify(token)
    clock.advance(0.001)
    with pytest.raises(Unauthorized, match="has ended"):
        keys.verify(token)


@pytest.mark.parametrize(("over", "is_refused"), [(0, False), (1, True), (365 * 86_400, True)])
def test_a_token_from_the_future_is_rejected(
    keys: SigningKeys, clock: FakeClock, over: int, is_refused: bool
) -> None:
    token = issue(keys, clock)
    clock.advance(-(MAX_CLOCK_LEAD // 1000 + over))
    with pytest.raises(Unauthorized) if is_refused else nullcontext():
        keys.verify(token)


def test_setting_back_the_clock_ends_no_session(keys: SigningKeys, clock: FakeClock) -> None:
    token = issue(keys, clock)
    clock.advance(-HOUR)
    assert keys.verify(token).session == "s1"


def test_a_token_is_valid_after_two_rotations_and_not_after_three(
    file: Path, keys: SigningKeys, clock: FakeClock
) -> None:
    token = issue(keys, clock)
    for _ in range(2):
        keys.rotate()
        assert keys.verify(token).session == "s1"
    restarted = SigningKeys(file, clock=clock.ms)
    restarted.load()
    assert restarted.verify(token).session == "s1"
    keys.rotate()
    with pytest.raises(Unauthorized):
        keys.verify(token)


def test_after_a_rotation_the_new_key_signs(
    file: Path, keys: SigningKeys, clock: FakeClock
) -> None:
    old = kid(file)
    new = keys.rotate()
    assert new != old
    assert new == kid(file) == header(issue(keys, clock))["kid"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_published_key_verifies_and_does_not_sign(
    file: Path, keys: SigningKeys, clock: FakeClock
) -> None:
    old = keys.names()
    new = keys.publish()
    assert keys.names() == [*old, new]
    assert header(issue(keys, clock))["kid"] == old[0]
    again = SigningKeys(file, clock=clock.ms)
    again.load()
    assert (again.names(), again.next) == ([*old, new], new)
    assert keys.activate() == new
    assert again.verify(issue(keys, clock)).key == new
    again.refresh()
    assert again.names() == keys.names() == [new, *old]
    assert again.next is None


def test_a_rotation_drops_the_published_key(keys: SigningKeys) -> None:
    old, published = keys.names(), keys.publish()
    new = keys.rotate()
    assert keys.names() == [new, *old]
    assert (published in keys.names(), keys.next) == (False, None)


# Forged tokens -----------------------------------------------------------------------------------


def encoded(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def header(token: str) -> Any:
    return decoded(token.partition(".")[0])


def secret(file: Path) -> bytes:
    key = json.loads(file.read_text())["keys"][0]["k"]
    return base64.urlsafe_b64decode(key + "=" * (-len(key) % 4))


def kid(file: Path) -> str:
    return str(json.loads(file.read_text())["keys"][0]["kid"])


def sign(head: Any, claims: Any, key: bytes, digest: str = "HS256") -> str:
    """Return a token that is built by hand: RFC 7515, 3.1."""
    signed = f"{encoded(head)}.{encoded(claims)}"
    return f"{signed}.{encoded(hmac.digest(key, signed.encode(), DIGESTS[digest]))}"


class Forger:
    """An attacker who knows the content of a valid token, and possibly the key."""

    def __init__(self, file: Path, clock: FakeClock) -> None:
        self.key = secret(file)
        now = int(clock())
        self.head: Json = {"alg": "HS256", "typ": "JWT", "kid": kid(file)}
        self.claims: Json = {
            "sub": "7",
            "sid": "s1",
            "iat": now,
            "exp": now + HOUR,
            "iss": "chatserver",
            "aud": "chatserver",
        }

    def token(self, *, key: bytes | None = None, digest: str = "HS256", **head: Any) -> str:
        """Return a token, by default with the right key; `head` changes the header."""
        return sign(self.head | head, self.claims, self.key if key is None else key, digest)

    def claiming(self, **claims: Any) -> str:
        """Return a token with a valid signature and other claims; None omits one."""
        whole = {k: v for k, v in (self.claims | claims).items() if v is not None}
        return sign(self.head, whole, self.key)


@pytest.fixture
def forger(file: Path, keys: SigningKeys, clock: FakeClock) -> Forger:
    return Forger(file, clock)


def test_the_forger_can_build_a_valid_token(keys: SigningKeys, forger: Forger) -> None:
    assert keys.verify(forger.token()).user_id == 7
    assert keys.verify(forger.claiming()).session == "s1"


@pytest.mark.parametrize("alg", ["none", "None", "nOnE", "", None, 256, ["HS256"], "XS256"])
def test_a_token_without_a_signature_is_rejected(
    keys: SigningKeys, forger: Forger, alg: Any
) -> None:
    unsigned = f"{encoded(forger.head | {'alg': alg})}.{encoded(forger.claims)}."
    assert_refused(keys, unsigned)
    assert_refused(keys, forger.token(alg=alg))


@pytest.mark.parametrize("alg", ["RS256", "ES256", "PS256", "EdDSA", "HS384", "HS512"])
def test_another_algorithm_is_rejected_with_the_right_key(
    keys: SigningKeys, forger: Forger, alg: str
) -> None:
    assert_refused(keys, forger.token(alg=alg))
    assert_refused(keys, forger.token(alg=alg, digest=alg if alg in DIGESTS else "HS256"))


@pytest.mark.parametrize("key", [b"", b"secret", b"\0" * 32, b"chatserver"])
def test_another_key_is_rejected(keys: SigningKeys, forger: Forger, key: bytes) -> None:
    assert_refused(keys, forger.token(key=key))


@pytest.mark.parametrize(
    "name",
    [
        None,
        "",
        "unknown",
        0,
        True,
        ["a"],
        {"a": "b"},
        "../../../../dev/null",
        "/dev/null",
        "keys.json",
        "' OR '1'='1",
        "\0",
        "k" * 5_000,
    ],
)
def test_an_unknown_key_id_is_rejected(keys: SigningKeys, forger: Forger, name: Any) -> None:
    assert_refused(keys, forger.token(kid=name))
    assert_refused(keys, forger.token(kid=name, key=b""))


def test_a_token_without_a_key_id_is_rejected(keys: SigningKeys, forger: Forger) -> None:
    del forger.head["kid"]
    assert_refused(keys, forger.token())


def test_a_token_with_an_embedded_key_is_rejected(keys: SigningKeys, forger: Forger) -> None:
    own = b"chosen by the forger"
    jwk = {"kty": "oct", "k": encoded(own), "kid": "own", "alg": "HS256"}
    for head in ({"jwk": jwk}, {"jwk": jwk, "kid": "own"}, {"jku": "https://example.com/keys"}):
        assert_refused(keys, forger.token(key=own, **head))


def test_a_critical_extension_is_rejected(keys: SigningKeys, forger: Forger) -> None:
    forger.head["x-admin"] = True
    assert keys.verify(forger.token()).user_id == 7
    assert_refused(keys, forger.token(crit=["x-admin"]))


@pytest.mark.parametrize("claim", ["exp", "iat", "iss", "aud", "sub", "sid"])
def test_a_token_without_a_claim_is_rejected(keys: SigningKeys, forger: Forger, claim: str) -> None:
    assert_refused(keys, forger.claiming(**{claim: None}))


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "another issuer"},
        {"iss": ""},
        {"iss": ["chatserver"]},
        {"aud": "another service"},
        {"aud": ["another service"]},
        {"aud": []},
        {"aud": "chatserver2"},
        {"sub": "ann"},
        {"sub": 7},
        {"sub": ""},
        {"exp": "never"},
        {"exp": [1]},
        {"iat": "now"},
        {"nbf": 99_999_999_999},
    ],
)
def test_an_invalid_claim_is_rejected(keys: SigningKeys, forger: Forger, claims: Json) -> None:
    assert_refused(keys, forger.claiming(**claims))


def test_an_expired_token_is_rejected(keys: SigningKeys, forger: Forger, clock: FakeClock) -> None:
    assert_refused(keys, forger.claiming(exp=int(clock())))
    assert_refused(keys, forger.claiming(exp=int(clock()) - HOUR))
    assert_refused(keys, forger.claiming(exp=0))


def test_a_modified_token_is_rejected(keys: SigningKeys, clock: FakeClock) -> None:
    head, claims, signature = issue(keys, clock).split(".")
    admin = encoded(decoded(claims) | {"sub": "1"})
    for forged in (
        f"{head}.{admin}.{signature}",
        f"{head}.{claims}.{signature[:-2]}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}..{signature}",
        f".{claims}.{signature}",
        f"{head}.{claims}.{signature}.{signature}",
        f"{head}.{claims}.{signature[::-1]}",
    ):
        assert_refused(keys, forged)


@pytest.mark.parametrize(
    "token",
    [
        "",
        ".",
        "..",
        "...",
        "garbage",
        "a.b.c",
        "é.é.é",
        "\ud800.a.b",
        "\0.\0.\0",
        " ",
        "a" * 100_000,
        "." * 100_000,
    ],
)
def test_a_malformed_token_is_rejected(keys: SigningKeys, token: str) -> None:
    assert_refused(keys, token)


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"no json",
        b"\xff",
        b"[]",
        b"7",
        b'"x"',
        b"null",
        b"[" * 6_000,
        b'{"kid":' * 2_000,
        b'{"alg":"HS256","kid":' + b"1" * 5_000 + b"}",
    ],
)
def test_an_invalid_header_is_rejected(keys: SigningKeys, forger: Forger, head: bytes) -> None:
    assert_refused(keys, sign(head, forger.claims, forger.key))


def test_a_payload_that_is_not_an_object_is_rejected(keys: SigningKeys, forger: Forger) -> None:
    for payload in (b"", b"[]", b"7", b"null", b"\xff", b"[" * 6_000):
        assert_refused(keys, sign(forger.head, payload, forger.key))


def assert_refused(keys: SigningKeys, token: str) -> None:
    with pytest.raises(Unauthorized):
        keys.verify(token)
