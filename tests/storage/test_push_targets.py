"""Push targets."""

from dataclasses import replace

import pytest

from chatserver.storage.push_targets import Content, Level, PushTarget

TARGET = PushTarget("", "p", "a", "s", "https://chat.example/", "en", Level.ALL, Content.TEXT)


@pytest.mark.parametrize(
    ("endpoint", "service"),
    [
        ("https://fcm.googleapis.com/x", "fcm.googleapis.com"),
        ("https://FCM.googleapis.com/x", "fcm.googleapis.com"),
        ("https://fcm.googleapis.com:/x", "fcm.googleapis.com"),
        ("https://fcm.googleapis.com:443/x", "fcm.googleapis.com"),
        ("https://fcm.googleapis.com:0443/x", "fcm.googleapis.com"),
        ("https://10.0.0.5:08443/x", "10.0.0.5:8443"),
        ("https://[2001:DB8::1]:8443/x", "[2001:db8::1]:8443"),
    ],
)
def test_a_service_has_one_name_however_its_endpoints_are_spelled(
    endpoint: str, service: str
) -> None:
    """Its limits and tokens are by that name."""
    assert replace(TARGET, endpoint=endpoint).service == service
