"""What failures of an S3 service mean."""

import pytest

from chatserver.bucket_url import BucketUrl
from chatserver.errors import FilesUnavailable
from chatserver.files import bucket as module
from chatserver.files.bucket import Bucket
from tests.files.fault_proxy import ALTERED, CUT, SILENT, FaultProxy, sound
from tests.files.test_bucket import client_of, once, proxy
from tests.rig.moto import BUCKET, PrivateS3

__all__ = ["once", "proxy"]


@pytest.mark.parametrize(
    ("verdict", "cause", "may_pass"),
    [
        ("503 SlowDown", "is busy", True),
        ("503 ", "is busy", True),
        ("500 InternalError", "internal error", True),
        ("403 AccessDenied", "denies access", False),
        ("403 ", "denies access", False),
        ("403 InvalidAccessKeyId", "does not know the access key", False),
        ("403 SignatureDoesNotMatch", "secret key does not belong", False),
        ("403 RequestTimeTooSkewed", "clock of this machine is wrong", False),
        ("404 NoSuchBucket", "no such bucket", False),
        ("301 PermanentRedirect", "another region", False),
        ("400 AuthorizationHeaderMalformed", "another region", False),
        ("507 XMinioStorageFull", "is full", True),
        ("418 Teapot", "refuses: Teapot", False),
        (ALTERED, "bytes were altered", True),
        (SILENT, "does not answer in time", True),
        (CUT, "interrupted", True),
    ],
)
async def test_an_error_of_the_service_is_reported_with_its_cause(
    once: Bucket,
    proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
    verdict: str,
    cause: str,
    may_pass: bool,
) -> None:
    monkeypatch.setattr(module, "CALL_TIMEOUT", 1.0 if verdict == SILENT else 20.0)
    proxy.judge = lambda _request: verdict
    with pytest.raises(FilesUnavailable) as failed:
        await once.put("a", b"text")
    assert cause in failed.value.cause
    assert failed.value.may_pass is may_pass
    assert once.health.reason == failed.value.cause
    proxy.judge = sound
    await once.put("a", b"text")
    assert (once.health.reason, once.health.failures) == ("", 1)


async def test_other_endpoints_and_missing_buckets_are_named(
    s3: PrivateS3, proxy: FaultProxy
) -> None:
    found = {}
    for name, endpoint, bucket in (
        ("nobody", "http://127.0.0.1:1", BUCKET),
        ("unknown", "http://nowhere.invalid", BUCKET),
        ("missing", s3.endpoint, "missing"),
    ):
        other = client_of(endpoint, "", bucket)
        with pytest.raises(FilesUnavailable) as failed:
            await other.probe()
        found[name] = failed.value.cause
        await other.close()
    assert found["nobody"] == found["unknown"] == "the S3 service cannot be reached"
    assert found["missing"] == "there is no such bucket"


async def test_a_missing_file_of_the_authority_is_named() -> None:
    url = BucketUrl(BUCKET, "", "https://127.0.0.1:1", ssl_ca="/nowhere/ca.pem")
    other = Bucket(url, access_key="ann", secret_key="secret")
    with pytest.raises(FilesUnavailable) as failed:
        await other.probe()
    assert failed.value.cause == "the file of ssl_ca in files.url does not exist"
    await other.close()
