"""Profile pictures of accounts, on both databases."""

import pytest

from chatserver.errors import Forbidden, NotFound
from chatserver.file_state import FileState
from chatserver.models import User
from chatserver.storage.file_deletion import FileDeletion
from chatserver.storage.files import Content, FileRegister, NewFile
from chatserver.storage.integrity import check
from chatserver.storage.picture_rows import NewPicture
from chatserver.storage.profile_pictures import ProfilePictures
from chatserver.storage.server_profile import ServerProfile, ServerProfileStore
from tests.storage.conftest import Storage


class Gallery:
    """The register of files and the pictures of accounts."""

    def __init__(self, storage: Storage) -> None:
        self.register = FileRegister(storage.database, clock=lambda: storage.now)
        self.deletion = FileDeletion(storage.database)
        self.pictures = ProfilePictures(storage.database)

    async def uploaded(self, user: User) -> NewPicture:
        file = await self.register.begin(NewFile(user.id, "picture.webp", 9))
        return NewPicture(file.id, Content("image/webp", 7, file.id * 2, 256, 256))

    async def state(self, picture: str) -> FileState | None:
        found = await self.register.find(picture)
        return None if found is None else found.state


async def test_a_picture_is_replaced_and_removed(storage: Storage) -> None:
    ann, gallery = await storage.user("ann"), Gallery(storage)
    first, second = await gallery.uploaded(ann), await gallery.uploaded(ann)
    assert (await gallery.pictures.replace(ann.id, first)).picture == first.id
    assert await gallery.pictures.sha256(first.id) == first.content.sha256
    assert (await gallery.pictures.replace(ann.id, second)).picture == second.id
    assert await gallery.pictures.sha256(first.id) is None
    assert [file.id for file in await gallery.deletion.to_delete(9)] == [first.id]
    (listed,) = await storage.users.all()
    assert listed.picture == second.id
    assert [found async for step in check(storage.database) for found in step.findings] == []
    await gallery.deletion.expire_unreferenced()
    assert await gallery.state(second.id) is FileState.PICTURE
    assert (await gallery.pictures.replace(ann.id, None)).picture is None
    assert {file.id for file in await gallery.deletion.to_delete(9)} == {first.id, second.id}


async def test_an_upload_that_was_discarded_or_a_deleted_account_gets_no_picture(
    storage: Storage,
) -> None:
    ann, bo, gallery = await storage.user("ann"), await storage.user("bo"), Gallery(storage)
    kept, discarded = await gallery.uploaded(bo), await gallery.uploaded(bo)
    await gallery.pictures.replace(bo.id, kept)
    await gallery.register.discard(discarded.id, bo.id)
    with pytest.raises(NotFound):
        await gallery.pictures.replace(bo.id, discarded)
    assert await gallery.state(kept.id) is FileState.PICTURE
    with pytest.raises(Forbidden):
        await gallery.pictures.replace(bo.id, None, by=ann.id)  # ann is no administrator
    late = await gallery.uploaded(bo)
    await storage.delete(bo)
    assert await gallery.state(kept.id) is FileState.DELETING
    with pytest.raises(Forbidden):
        await gallery.pictures.replace(bo.id, late)


async def test_a_picture_that_no_account_has_goes_and_a_missing_one_is_reported(
    storage: Storage,
) -> None:
    ann, gallery = await storage.user("ann"), Gallery(storage)
    lost = await gallery.uploaded(ann)
    await gallery.pictures.replace(ann.id, lost)
    await storage.database.transaction(
        lambda c: c.exec_driver_sql("UPDATE users SET picture = 'unknown'")
    )
    assert await gallery.deletion.expire_unreferenced() == 1
    assert await gallery.state(lost.id) is FileState.DELETING
    found = [found async for step in check(storage.database) for found in step.findings]
    assert found == ["User ann: picture unknown is not registered."]


async def test_the_server_has_one_name_and_one_logo(storage: Storage) -> None:
    ann, gallery = await storage.user("ann"), Gallery(storage)
    profile = ServerProfileStore(storage.database)
    assert await profile.read() == ServerProfile("", None)
    first, second = await gallery.uploaded(ann), await gallery.uploaded(ann)
    for name, logo in (("School", first), ("学校", second)):
        await profile.set_name(name, by=None)
        await profile.set_logo(logo, by=None)
    assert await profile.read() == ServerProfile("学校", second.id)
    assert await profile.logo_sha256(second.id) == second.content.sha256
    assert await profile.logo_sha256(first.id) is None
    await gallery.deletion.expire_unreferenced()
    assert [file.id for file in await gallery.deletion.to_delete(9)] == [first.id]
    with pytest.raises(Forbidden):
        await profile.set_name("ann's", by=ann.id)
    await profile.set_name("", by=None)
    await profile.set_logo(None, by=None)
    assert await profile.read() == ServerProfile("", None)
    assert await gallery.state(second.id) is FileState.DELETING
