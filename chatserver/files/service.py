"""The objects that make up the files of a server."""

from collections.abc import Callable
from functools import partial

from chatserver.clocks import CautiousClock
from chatserver.config import FileSettings, Settings
from chatserver.data_dir import DataDir
from chatserver.files.access import FileAccess
from chatserver.files.cleanup import FileCleanup
from chatserver.files.media_processor import MediaProcessor
from chatserver.files.square_pictures import SquarePictures
from chatserver.files.stores import file_store
from chatserver.files.text_extraction import TextExtraction
from chatserver.files.uploads import MAX_RUNNING, Uploads
from chatserver.files.verification import file_findings
from chatserver.storage.engine import Database
from chatserver.storage.file_deletion import FileDeletion
from chatserver.storage.file_list import FileList
from chatserver.storage.file_origins import FileOrigins
from chatserver.storage.file_quotas import FileQuotas, Quotas
from chatserver.storage.file_text_queue import FileTextQueue
from chatserver.storage.files import FileRegister
from chatserver.storage.nightly_runs import newest_activity
from chatserver.storage.profile_pictures import ProfilePictures
from chatserver.storage.rooms import Rooms
from chatserver.supervisor import Work

SAMPLE_SIZE = 20  # files; any stored one shows that this is the right folder


def announced_bytes(limits: FileSettings) -> int:
    """Return how many bytes the uploads of one user may have that are not complete.

    Announced bytes count for the quotas, so one user could fill that of the server for a day: twice
    as much as can arrive at once, and a tenth of the quota of the server or one file.
    """
    most = 2 * MAX_RUNNING * limits.bytes
    return min(most, max(limits.total_bytes // 10, limits.bytes)) if limits.total_bytes else most


class FileService:
    """Builds the objects that store and serve files; opens nothing."""

    def __init__(
        self,
        database: Database,
        rooms: Rooms,
        folder: DataDir,
        settings: Settings,
        *,
        clock: Callable[[], int],
    ) -> None:
        """`clock` returns milliseconds UTC."""
        limits = settings.files
        self.register = FileRegister(database, clock=clock)
        self._origins = FileOrigins(database)
        self.deletion = FileDeletion(database)
        self.store = file_store(folder, limits)
        self.media = MediaProcessor(self.store.uploads, pixels=limits.pixels)
        quotas = Quotas(
            limits.user_bytes, limits.room_bytes, limits.total_bytes, announced_bytes(limits)
        )
        self.uploads = Uploads(
            self.register,
            self.store,
            self.media,
            FileQuotas(database, quotas),
            settings=limits,
        )
        self.square_pictures = SquarePictures(self.uploads, self.store.uploads, self.media)
        self.profile_pictures = ProfilePictures(database)
        queue = FileTextQueue(database, clock=clock)
        self.texts = TextExtraction(queue, self.register, self.store)
        self.access = FileAccess(self.register, rooms)
        self.listing = FileList(database)
        cautious_clock = CautiousClock(clock, partial(newest_activity, database))
        self.cleanup = FileCleanup(
            self.register,
            self.deletion,
            self.store,
            lifetime=self.uploads.lifetime,
            now=cautious_clock.now,
        )

    @property
    def tasks(self) -> dict[str, Work]:
        """The endless tasks, by name."""
        return {
            "files": self.cleanup.run,
            "file_store": self.store.watch,
            "file_texts": self.texts.run,
        }

    async def prepare(self) -> None:
        """Compare some of the registered files with the store."""
        some = await self.register.stored_after("", SAMPLE_SIZE)
        await self.store.prepare([file.id for file in some])

    async def close(self) -> None:
        """End the processes that work on files, and close connections."""
        await self.media.close()
        await self.texts.close()
        await self.store.close()

    async def findings(self) -> list[str]:
        """Return what is missing, altered or unregistered: see `chatserver check`."""
        return await file_findings(self.register, self.store, self._origins)
