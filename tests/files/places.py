"""Places of files for tests: a folder, or a bucket with a folder for each node."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from msgspec.structs import replace

from chatserver.bucket_url import BucketUrl
from chatserver.config import FileSettings
from chatserver.data_dir import DataDir
from chatserver.files.folder_store import FolderStore
from chatserver.files.store import FileStore
from tests.rig.moto import BUCKET

if TYPE_CHECKING:
    from chatserver.files.s3_store import S3Store

NO_RESERVE = FileSettings(free_bytes=0, free_percent=0)
ON_FOLDER = pytest.mark.parametrize("place", ["folder"], indirect=True)
KEYS = {"aws_access_key_id": "ann", "aws_secret_access_key": "secret"}


class Place(Protocol):
    """Where files are, seen from outside. Names are ids with suffixes."""

    async def store(self) -> FileStore:
        """Return an open store, as that of a node that starts here."""

    def names(self) -> list[str]:
        """Return the names of everything that is stored."""

    def read(self, name: str) -> bytes: ...

    def write(self, name: str, content: bytes) -> None: ...

    def remove(self, name: str) -> None: ...

    def elsewhere(self, data: Path) -> "Place":
        """Return the place of the files of another chat, with this data folder."""

    @property
    def settings(self) -> FileSettings: ...


class Folder:
    """A folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def store(self) -> FolderStore:
        return FolderStore(self.folder)

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.glob("*/*/*") if path.is_file())

    def read(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        self._path(name).parent.mkdir(parents=True, exist_ok=True)
        self._path(name).write_bytes(content)

    def remove(self, name: str) -> None:
        self._path(name).unlink()

    def elsewhere(self, data: Path) -> "Folder":
        return Folder(DataDir(data).files_folder)

    @property
    def settings(self) -> FileSettings:
        return NO_RESERVE

    def _path(self, name: str) -> Path:
        return self.folder / name[:2] / name[2:4] / name


class BucketPlace:
    """A prefix of a bucket, and the folder of one node."""

    def __init__(self, endpoint: str, prefix: str, folder: Path, *, proxy: str = "") -> None:
        """`proxy`: endpoint that the store uses instead."""
        self.folder = folder
        self.prefix = f"{prefix}/"
        self._endpoints = (endpoint, proxy or endpoint)
        self._client = client(endpoint)
        self._opened: list[S3Store | BucketPlace] = []

    async def store(self) -> "S3Store":
        from chatserver.files.bucket import Bucket
        from chatserver.files.s3_store import S3Store

        url = BucketUrl(BUCKET, self.prefix, self._endpoints[1])
        store = S3Store(Bucket(url, access_key="ann", secret_key="secret"), self.folder)
        self._opened.append(store)
        return store

    async def close(self) -> None:
        for opened in self._opened:
            await opened.close()

    def elsewhere(self, data: Path) -> "BucketPlace":
        prefix, (endpoint, proxy) = f"{self.prefix[:-1]}-{data.name}", self._endpoints
        place = BucketPlace(endpoint, prefix, DataDir(data).uploads_folder, proxy=proxy)
        self._opened.append(place)
        return place

    def node(self, folder: Path) -> "BucketPlace":
        """Return the same bucket as another node sees it."""
        endpoint, proxy = self._endpoints
        place = BucketPlace(endpoint, self.prefix[:-1], folder, proxy=proxy)
        self._opened.append(place)
        return place

    @property
    def settings(self) -> FileSettings:
        url = f"s3://{BUCKET}/{self.prefix}?endpoint={self._endpoints[1]}"
        return replace(NO_RESERVE, url=url, access_key="ann", secret_key="secret")

    def names(self) -> list[str]:
        return sorted([*Folder(self.folder).names(), *self.objects()])

    def objects(self) -> list[str]:
        """Return the names of objects; copies of parts have their range after a slash."""
        return [key.split("/", 2)[2] for key in self._keys()]

    def _keys(self) -> Iterator[str]:
        found = self._client.list_objects_v2(Bucket=BUCKET, Prefix=self.prefix)
        yield from (one["Key"].removeprefix(self.prefix) for one in found.get("Contents", []))

    def unfinished(self) -> list[str]:
        """Return the keys of objects whose parts were not put together."""
        found = self._client.list_multipart_uploads(Bucket=BUCKET, Prefix=self.prefix)
        return [one["Key"] for one in found.get("Uploads", [])]

    def read(self, name: str) -> bytes:
        answer = self._client.get_object(Bucket=BUCKET, Key=self._key(name))
        content: bytes = answer["Body"].read()
        return content

    def write(self, name: str, content: bytes) -> None:
        self._client.put_object(Bucket=BUCKET, Key=self._key(name), Body=content)

    def remove(self, name: str) -> None:
        self._client.delete_object(Bucket=BUCKET, Key=self._key(name))

    def _key(self, name: str) -> str:
        return f"{self.prefix}{name[:2]}/{name[2:4]}/{name}"


def client(endpoint: str) -> Any:
    """Return a client of another library than the store's."""
    import boto3
    from botocore.config import Config

    config = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=config, **KEYS)
