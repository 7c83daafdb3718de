"""Comparison of the register of files with the bytes that are stored."""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple

from chatserver.errors import FilesUnavailable, NotFound, Unavailable
from chatserver.file_state import COMPLETE_STATES
from chatserver.files.store import FileStore
from chatserver.storage.file_origins import FileOrigins
from chatserver.storage.files import FileRegister, StoredFile
from chatserver.storage.integrity import MAX_FINDINGS

BATCH_SIZE = 200  # rows read at a time


class Finding(NamedTuple):
    """What is wrong with the bytes of a file, and whether it is registered."""

    file_id: str
    sentence: str
    registered: bool = True


async def file_findings(
    register: FileRegister, store: FileStore, origins: FileOrigins
) -> list[str]:
    """Return a sentence for each file that is missing or altered, or that no row knows."""
    found, findings = list[Finding](), list[str]()
    try:
        async for finding in _all_findings(register, store):
            found.append(finding)
    except FilesUnavailable as error:
        findings.append(f"Files cannot be checked: {error.cause}.")
    described = await origins.describe(
        [finding.file_id for finding in found[:MAX_FINDINGS] if finding.registered]
    )
    findings += [
        f"File {finding.file_id}{described.get(finding.file_id, '')}: {finding.sentence}"
        for finding in found
    ]
    more = len(findings) - MAX_FINDINGS
    return [*findings[:MAX_FINDINGS], f"… and {more} more of this."] if more > 0 else findings


class Differences(NamedTuple):
    """Number of files without bytes, and of bytes that no row knows."""

    missing: int
    unregistered: int


async def count_differences(register: FileRegister, store: FileStore) -> Differences:
    """Compare names only, without those files that a running server changes in the meantime."""
    unregistered = 0
    async for ids in store.ids():
        others = {*ids} - await register.known(ids)
        unregistered += sum([await store.exists(file_id) for file_id in others])
    present = [await register.find(file_id) for file_id in await missing_ids(register, store)]
    still = sum(file is not None and file.state in COMPLETE_STATES for file in present)
    return Differences(still, unregistered)


async def missing_ids(register: FileRegister, store: FileStore) -> list[str]:
    """Return registered files without bytes. The rows are read first: bytes are stored earlier."""
    registered, after = set[str](), ""
    while page := await register.stored_after(after, BATCH_SIZE):
        registered.update(file.id for file in page)
        after = page[-1].id
    async for ids in store.complete_ids():
        registered.difference_update(ids)
    return sorted(registered)


async def _all_findings(register: FileRegister, store: FileStore) -> AsyncIterator[Finding]:
    async for finding in _stored_findings(register, store):
        yield finding
    async for ids in store.ids():
        for file_id in sorted({*ids} - await register.known(ids)):
            yield Finding(file_id, "its bytes belong to no message.", registered=False)


async def _stored_findings(register: FileRegister, store: FileStore) -> AsyncIterator[Finding]:
    after = ""
    while page := await register.stored_after(after, BATCH_SIZE):
        for finding in await _page_findings(page, store):
            yield finding
        after = page[-1].id


async def _page_findings(page: Sequence[StoredFile], store: FileStore) -> list[Finding]:
    found = []
    for file in page:
        try:
            sha256, size = await store.digest(file.id)
        except FilesUnavailable:
            raise
        except NotFound:
            found.append(Finding(file.id, "its bytes are missing."))
            continue
        except Unavailable:
            found.append(Finding(file.id, "its bytes cannot be read."))
            continue
        if (sha256, size) != (file.sha256, file.bytes):
            found.append(Finding(file.id, "its bytes are not those that were uploaded."))
    return found
