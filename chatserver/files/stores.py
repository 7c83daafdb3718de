"""The store of files that is configured."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chatserver.bucket_url import parse
from chatserver.config import FileSettings, Settings
from chatserver.data_dir import DataDir
from chatserver.files.folder_store import FolderStore
from chatserver.files.store import FileStore


def file_store(folder: DataDir, settings: FileSettings) -> FileStore:
    """Return the store, which opens nothing. Raises StartError without the package for S3."""
    if not settings.url:
        return FolderStore(folder.files_folder)
    from chatserver.files.bucket import Bucket
    from chatserver.files.s3_store import S3Store

    keys = {"access_key": settings.access_key, "secret_key": settings.secret_key}
    return S3Store(Bucket(parse(settings.url), **keys), folder.uploads_folder)


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[FileStore]:
    """Use the store in a command."""
    store = file_store(DataDir(settings.data), settings.files)
    try:
        yield store
    finally:
        await store.close()
