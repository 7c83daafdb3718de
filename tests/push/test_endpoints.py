"""Validation of endpoints and keys that browsers subscribe with."""

import pytest

from chatserver.errors import BadRequest, Forbidden
from chatserver.push.encryption import encode_base64, encoded_public_key, new_private_key
from chatserver.push.endpoints import EndpointRules, check_keys

RULES = EndpointRules(["Push.Example.com", "10.0.0.5:8443"])
POINT = encoded_public_key(new_private_key())


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def",
        "https://updates.push.services.mozilla.com/wpush/v2/x",
        "https://web.push.apple.com/Q",
        "https://wns2-db5p.notify.windows.com/w/?token=B%2bA",
        "https://FCM.googleapis.com:443/x",
        "https://push.example.com/x",
        "https://10.0.0.5:8443/UP?id=1",
    ],
)
def test_endpoints_of_known_services_are_accepted(endpoint: str) -> None:
    RULES.check(endpoint)


@pytest.mark.parametrize(
    "endpoint",
    [
        "",
        "fcm.googleapis.com/x",
        "http://fcm.googleapis.com/x",
        "https://fcm.googleapis.com:8443/x",
        "https://fcm.googleapis.com:0/x",
        "https://fcm.googleapis.com:x/x",
        "https://user@fcm.googleapis.com/x",
        "https://fcm.googleapis.com@evil.example/x",
        "https://fcm.googleapis.com/x#y",
        "https://fcm.googleapis.com./x",
        "https://fcm.googleapis.com/ x",
        "https://fcm.googleapis.com/\r\nHost: x",
        "https://127.1/x",
        "https://0x7f.1/x",
        "https://2130706433/x",
        "https://①②⑦.0.0.1/x",
        "https://[::1]/x",
        "https://[::1/x",
        "https://169.254.169.254/latest",
        "https://localhost/x",
        "https://10.0.0.5/x",
        "https://push.example.com:8443/x",
        "ftp://push.example.com/x",
    ],
)
def test_other_urls_are_no_endpoints(endpoint: str) -> None:
    with pytest.raises(BadRequest):
        RULES.check(endpoint)


@pytest.mark.parametrize(
    "host", ["evil.example", "evilfcm.googleapis.com", "push.apple.com.evil.co"]
)
def test_other_hosts_are_forbidden(host: str) -> None:
    with pytest.raises(Forbidden):
        RULES.check(f"https://{host}/x")


def test_keys_are_a_point_on_the_curve_and_16_bytes() -> None:
    check_keys(encode_base64(POINT), encode_base64(bytes(16)))
    check_keys(encode_base64(POINT) + "=", encode_base64(bytes(16)) + "==")
    off_the_curve = POINT[:64] + bytes([POINT[64] ^ 1])
    for point, secret in (
        (off_the_curve, bytes(16)),
        (POINT[:64], bytes(16)),
        (b"\2" + POINT[1:33], bytes(16)),
        (bytes(65), bytes(16)),
        (POINT, bytes(15)),
        (POINT, bytes(17)),
        (b"", b""),
    ):
        with pytest.raises(BadRequest):
            check_keys(encode_base64(point), encode_base64(secret))
    with pytest.raises(BadRequest):
        check_keys("ü" * 87, encode_base64(bytes(16)))
