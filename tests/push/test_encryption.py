"""Encryption of push messages: the example of RFC 8291, and sizes."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chatserver.push.encryption import (
    MAX_PLAINTEXT,
    decode_base64,
    encode_base64,
    encoded_public_key,
    encrypt,
    encrypt_record,
)

# RFC 8291, 5 and appendix A.
TEXT = b"When I grow up, I want to be a watermelon"
SECRET = "BTBZMqHH6r4Tts7J_aSIgg"
BROWSER_KEY = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
SERVER_KEY = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6T"
    "lzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy"
    "4a-fN"
)


def test_the_example_of_the_standard_is_encrypted_as_there() -> None:
    scalar = int.from_bytes(decode_base64(SERVER_KEY))
    body = encrypt_record(
        TEXT + b"\2",
        browser_key=decode_base64(BROWSER_KEY),
        secret=decode_base64(SECRET),
        salt=decode_base64(SALT),
        own_key=ec.derive_private_key(scalar, ec.SECP256R1()),
    )
    assert encode_base64(body) == BODY


@pytest.mark.parametrize("length", [0, 1, 255, 256, 3_900, MAX_PLAINTEXT])
def test_another_implementation_decrypts_texts_of_every_length(length: int) -> None:
    http_ece = pytest.importorskip("http_ece")
    key, secret, text = ec.generate_private_key(ec.SECP256R1()), os.urandom(16), b"x" * length
    body = encrypt(text, browser_key=encoded_public_key(key), secret=secret)
    assert len(body) <= 4_096
    assert http_ece.decrypt(body, private_key=key, auth_secret=secret) == text


def test_lengths_are_padded_to_steps_and_no_body_repeats() -> None:
    key = encoded_public_key(ec.generate_private_key(ec.SECP256R1()))
    bodies = [encrypt(b"x" * n, browser_key=key, secret=bytes(16)) for n in (1, 200, 255, 256, 257)]
    assert [len(body) - len(bodies[0]) for body in bodies] == [0, 0, 0, 256, 256]
    assert len({body[:86] for body in bodies}) == 5
    with pytest.raises(ValueError, match="does not fit"):
        encrypt(bytes(MAX_PLAINTEXT + 1), browser_key=key, secret=bytes(16))


@pytest.mark.parametrize("text", ["AA+/", "AA-_", "AA-_AA==", ""])
def test_base64_is_decoded_with_and_without_padding(text: str) -> None:
    assert decode_base64(text)[:2] in (b"\0\x0f", b"")


def test_other_characters_are_not_decoded() -> None:
    for text in ("AA\n", "A A", "Ä", "A"):
        with pytest.raises(ValueError):  # noqa: PT011 - binascii.Error has no stable text
            decode_base64(text)
