"""What errors of an S3 service mean: why it cannot be used, as text for operators."""

import ssl
from typing import Any, NamedTuple

from botocore import exceptions as errors
from botocore.parsers import ResponseParserError

MISSING = {"404", "NoSuchKey", "NoSuchUpload"}  # codes of a missing object, not of a missing bucket


class Cause(NamedTuple):
    """Why a request failed; `may_pass` if it may succeed later without a change."""

    reason: str
    may_pass: bool = False


BUSY = Cause("the S3 service is busy", may_pass=True)
BROKEN = Cause("the S3 service has an internal error", may_pass=True)
UNREACHABLE = Cause("the S3 service cannot be reached", may_pass=True)
SILENT = Cause("the S3 service does not answer in time", may_pass=True)
INTERRUPTED = Cause("the connection to the S3 service was interrupted", may_pass=True)
ALTERED = Cause("bytes were altered on the way to the S3 service", may_pass=True)
FULL = Cause("the bucket is full or its quota is used up", may_pass=True)
DENIED = Cause("the S3 service denies access: the key needs rights on the bucket")
SKEWED = Cause("the clock of this machine is wrong: the S3 service has another time")
NO_BUCKET = Cause("there is no such bucket")
OTHER_REGION = Cause("the bucket is in another region: set region or endpoint in files.url")
NO_S3 = Cause("the endpoint does not answer like an S3 service: check files.url")
NO_TLS = Cause("there is no TLS with the S3 service, or its certificate is not trusted")
NO_CREDENTIALS = Cause("there are no credentials: set files.access_key and files.secret_key")

CODES = {
    "SlowDown": BUSY,
    "ServiceUnavailable": BUSY,
    "TooManyRequests": BUSY,
    "RequestTimeout": INTERRUPTED,
    "IncompleteBody": INTERRUPTED,
    "InternalError": BROKEN,
    "BadDigest": ALTERED,
    "InvalidDigest": ALTERED,
    "XAmzContentSHA256Mismatch": ALTERED,
    "QuotaExceeded": FULL,
    "EntityTooLarge": Cause("the S3 service rejects files of this size"),
    "XMinioStorageFull": FULL,
    "NoSuchBucket": NO_BUCKET,
    "AccessDenied": DENIED,
    "AllAccessDisabled": DENIED,
    "InvalidAccessKeyId": Cause("the S3 service does not know the access key"),
    "SignatureDoesNotMatch": Cause("the secret key does not belong to the access key"),
    "ExpiredToken": Cause("the credentials have expired"),
    "InvalidToken": Cause("the credentials are not valid"),
    "RequestTimeTooSkewed": SKEWED,
    "RequestExpired": SKEWED,
    "PermanentRedirect": OTHER_REGION,
    "AuthorizationHeaderMalformed": OTHER_REGION,
    "IllegalLocationConstraintException": OTHER_REGION,
}
STATUS = {
    401: DENIED,
    403: DENIED,
    429: BUSY,
    500: BROKEN,
    502: UNREACHABLE,
    503: BUSY,
    504: SILENT,
    507: FULL,
}
KINDS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Cause], ...] = (
    ((errors.NoCredentialsError, errors.PartialCredentialsError), NO_CREDENTIALS),
    (errors.CredentialRetrievalError, NO_CREDENTIALS),
    ((errors.SSLError, ssl.SSLError), NO_TLS),
    (FileNotFoundError, Cause("the file of ssl_ca in files.url does not exist")),
    ((errors.ConnectTimeoutError, errors.ReadTimeoutError, TimeoutError), SILENT),
    ((errors.EndpointConnectionError, errors.ProxyConnectionError), UNREACHABLE),
    (ResponseParserError, NO_S3),
    (RecursionError, OTHER_REGION),
)


def cause(error: BaseException) -> Cause:
    """Return why a request to the service failed."""
    if isinstance(error, errors.ClientError):
        return _of_answer(error.response)
    if type(error) is errors.HTTPClientError:  # of no further kind
        error = getattr(error, "kwargs", {}).get("error", error)
    return next((found for kinds, found in KINDS if isinstance(error, kinds)), INTERRUPTED)


def is_missing(error: Exception) -> bool:
    """Whether the service says that there is no such object."""
    return isinstance(error, errors.ClientError) and _code(error.response) in MISSING


def _of_answer(answer: Any) -> Cause:
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = _code(answer)
    if status in (301, 302, 307, 308):
        return OTHER_REGION
    return CODES.get(code) or STATUS.get(status) or Cause(f"the S3 service refuses: {code[:60]}")


def _code(answer: Any) -> str:
    return str(answer.get("Error", {}).get("Code", ""))
