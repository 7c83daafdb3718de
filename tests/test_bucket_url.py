"""URLs of buckets."""

import pytest

from chatserver.bucket_url import BucketUrl, parse


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("s3://chat", BucketUrl("chat", "")),
        ("s3://chat/", BucketUrl("chat", "")),
        ("s3://my-chat.files/a/b/", BucketUrl("my-chat.files", "a/b/")),
        (
            "s3://chat/a?endpoint=http://127.0.0.1:9000&region=eu-1&ssl_ca=/etc/ca.pem",
            BucketUrl("chat", "a/", "http://127.0.0.1:9000", "eu-1", "/etc/ca.pem"),
        ),
    ],
)
def test_a_url_has_a_bucket_a_prefix_and_options(url: str, expected: BucketUrl) -> None:
    assert parse(url) == expected


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ("zone=x", "zone is not one of its options, endpoint, region, ssl_ca"),
        ("region=", "region is empty"),
        ("endpoint=s3.example.com", "its endpoint is a URL like https://s3.example.com"),
        ("endpoint=ftp://s3.example.com", "its endpoint is a URL"),
        ("endpoint=https://ann:secret@s3.example.com", "its endpoint is a URL"),
    ],
)
def test_a_mistake_in_the_options_is_named_without_secrets(options: str, mistake: str) -> None:
    with pytest.raises(ValueError, match=mistake) as refused:
        parse(f"s3://chat?{options}")
    assert "secret" not in str(refused.value)
