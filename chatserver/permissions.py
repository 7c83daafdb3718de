"""Owners and permissions of files: access checks, files created by root, private files."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from chatserver.errors import Unavailable, _


def obstacles(folder: Path, contents: Iterable[Path], wanted: int) -> Iterator[str]:
    """Yield a sentence for each of these files that exists and cannot be accessed.

    `wanted` is `os.R_OK`, with `os.W_OK` for writing. Missing files are fine.
    """
    found = obstacle(folder, wanted | os.X_OK)
    if found is not None:
        yield found
        return
    for file in contents:
        if (found := obstacle(file, wanted)) is not None:
            yield found


def obstacle(file: Path, wanted: int) -> str | None:
    """Return why a file cannot be accessed, or None; None if it does not exist."""
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"{file} cannot be used: {error.strerror}. {_as(os.geteuid())}"
    if stat.S_ISDIR(status.st_mode):
        wanted |= os.X_OK
    if os.access(file, wanted, effective_ids=True):
        return None
    return _sentence(file, status, wanted)


def _sentence(file: Path, status: os.stat_result, wanted: int) -> str:
    change = "written" if os.access(file, os.R_OK, effective_ids=True) else "read"
    if wanted & os.W_OK and os.statvfs(file).f_flag & os.ST_RDONLY:
        return f"{file} cannot be written: its file system is read-only."
    if status.st_uid != os.geteuid():
        return (
            f"{file} belongs to {account(status.st_uid)} and cannot be {change} here."
            f" {_as(os.geteuid())} Give it to the server's account: chown -R ACCOUNT {file}"
        )
    return f"{file} cannot be {change}: its permissions are {stat.filemode(status.st_mode)}."


def _as(number: int) -> str:
    return f"This runs as {account(number)}."


def is_foreign_link(file: Path) -> bool:
    """Return whether a file is another account's symbolic link, which root must not follow."""
    return os.geteuid() == 0 and file.is_symlink() and file.lstat().st_uid != 0


def give_to_owner(file: Path) -> None:
    """Give a file that root created in another account's folder to that account."""
    if os.geteuid() != 0 or not os.path.lexists(file):
        return
    status, folder = file.lstat(), file.parent.stat()
    is_single = stat.S_ISDIR(status.st_mode) or status.st_nlink == 1
    if folder.st_uid != 0 and status.st_uid == 0 and is_single:
        os.chown(file, folder.st_uid, folder.st_gid, follow_symlinks=False)


def give_open_file(descriptor: int, model: Path) -> None:
    """Give a file that root created to the account and group that own `model`."""
    if os.geteuid() == 0 and (status := model.stat()).st_uid != 0:
        os.fchown(descriptor, status.st_uid, status.st_gid)


def account(number: int) -> str:
    """Return the name of an account, or #number if it has none."""
    import pwd

    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"#{number}"


def keeps_modes(folder: Path) -> bool:
    """Return whether the file system stores permissions; FAT, NTFS and some 9p do not.

    Return True if that cannot be tested.
    """
    try:
        with tempfile.TemporaryDirectory(dir=folder) as probe:
            return not Path(probe).stat().st_mode & 0o077
    except OSError as error:
        return error.errno != errno.EPERM


def write_private(path: Path, text: str, *, encoding: str = "utf-8") -> None:
    """Replace a file atomically by one that only its owner can read.

    A symbolic link is kept and its target is replaced, but root follows no link of another account.
    Root leaves the file to its owner, and gives a new one to the owner of its folder. Raises
    Unavailable.
    """
    if is_foreign_link(path):
        raise Unavailable(
            _("%(file)s cannot be written: %(reason)s."), file=path.name, reason="a symbolic link"
        )
    path = path.resolve()
    scratch = path.with_name(f".{path.name}.new")
    try:
        scratch.unlink(missing_ok=True)
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding=encoding, newline="") as file:
            give_open_file(descriptor, path if path.exists() else path.parent)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError as error:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise Unavailable(
            _("%(file)s cannot be written: %(reason)s."), file=path.name, reason=error.strerror
        ) from error
