"""Comparison of the register of files with the bytes that are stored."""

from collections.abc import AsyncIterator, Sequence

from chatserver.errors import ChatError
from chatserver.files.store import FolderStore
from chatserver.storage.files import Files, StoredFile
from chatserver.storage.integrity import MAX_FINDINGS

BATCH_SIZE = 200  # rows read at a time


async def file_findings(files: Files, store: FolderStore) -> list[str]:
    """Return a sentence for each file that is missing or altered, or that no row knows."""
    findings = [finding async for finding in _stored_findings(files, store)]
    async for ids in store.ids():
        unknown = {*ids} - await files.known(ids)
        findings += [f"File {file_id}: its bytes belong to no message." for file_id in unknown]
    more = len(findings) - MAX_FINDINGS
    return [*findings[:MAX_FINDINGS], f"… and {more} more of this."] if more > 0 else findings


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
            sha256, size = await store.digest(file.id, "")
        except ChatError:
            found.append(f"File {file.id}: its bytes are missing.")
            continue
        if (sha256, size) != (file.sha256, file.bytes):
            found.append(f"File {file.id}: its bytes are not those that were uploaded.")
    return found
