"""Comparison of the register of files with the bytes that are stored."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from chatserver.errors import ChatError
from chatserver.file_state import COMPLETE_STATES
from chatserver.files.folder_store import SUFFIXES, FolderStore
from chatserver.storage.files import Files, StoredFile
from chatserver.storage.integrity import MAX_FINDINGS

BATCH_SIZE = 200  # rows read at a time


async def file_findings(files: Files, store: FolderStore) -> list[str]:
    """Return a sentence for each file that is missing or altered, or that no row knows."""
    findings = [finding async for finding in _stored_findings(files, store)]
    async for ids in store.ids():
        unregistered = {*ids} - await files.known(ids)
        findings += [f"File {file_id}: its bytes belong to no message." for file_id in unregistered]
    more = len(findings) - MAX_FINDINGS
    return [*findings[:MAX_FINDINGS], f"… and {more} more of this."] if more > 0 else findings


class Differences(NamedTuple):
    """Number of files without bytes, and of bytes that no row knows."""

    missing: int
    unregistered: int


async def count_differences(files: Files, store: FolderStore) -> Differences:
    """Compare names only, without those files that a running server changes in the meantime."""
    unregistered, missing, after = 0, list[str](), ""
    async for ids in store.ids():
        others = {*ids} - await files.known(ids)
        unregistered += sum(_exists(store, file_id) for file_id in others)
    while page := await files.stored_after(after, BATCH_SIZE):
        missing += [file.id for file in page if not store.path(file.id).exists()]
        after = page[-1].id
    present = [await files.find(file_id) for file_id in missing]
    still = sum(file is not None and file.state in COMPLETE_STATES for file in present)
    return Differences(still, unregistered)


def _exists(store: FolderStore, file_id: str) -> bool:
    return any(store.path(file_id, suffix).exists() for suffix in SUFFIXES)


async def _stored_findings(files: Files, store: FolderStore) -> AsyncIterator[str]:
    after = ""
    while page := await files.stored_after(after, BATCH_SIZE):
        for finding in await _page_findings(page, store):
            yield finding
        after = page[-1].id


async def _page_findings(page: Sequence[StoredFile], store: FolderStore) -> list[str]:
    found = []
    for file in page:
        try:
            sha256, size = await store.digest(file.id)
        except ChatError:
            found.append(f"File {file.id}: its bytes are missing.")
            continue
        if (sha256, size) != (file.sha256, file.bytes):
            found.append(f"File {file.id}: its bytes are not those that were uploaded.")
    return found
