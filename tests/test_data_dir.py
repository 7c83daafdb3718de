"""Data folder: permissions and lock."""

import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatserver.data_dir import DataDir, control_address
from chatserver.errors import StartError

HOLDER = """
import sys
from pathlib import Path
from chatserver.data_dir import DataDir
folder = DataDir(Path(sys.argv[1]))
folder.lock()
print("locked", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[DataDir]:
    made = DataDir(tmp_path / "data")
    yield made
    made.unlock()


@pytest.fixture
def open_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("open_umask")
def test_a_new_folder_and_its_lock_are_private_with_any_umask(folder: DataDir) -> None:
    folder.lock()
    assert mode(folder.path) == 0o700
    assert [mode(file) for file in folder.path.iterdir()] == [0o600]


def test_parent_folders_are_created(tmp_path: Path) -> None:
    folder = DataDir(tmp_path / "a" / "b" / "c")
    folder.lock()
    assert mode(folder.path) == 0o700
    folder.unlock()


def test_a_second_server_is_rejected_with_the_process_of_the_first(folder: DataDir) -> None:
    folder.lock()
    with pytest.raises(StartError, match=rf"process {os.getpid()}\b"):
        DataDir(folder.path).lock()
    with pytest.raises(StartError):  # the first error has not released the lock
        DataDir(folder.path).lock()


def test_an_unlocked_folder_can_be_locked_again(folder: DataDir) -> None:
    folder.lock()
    folder.unlock()
    folder.unlock()
    following = DataDir(folder.path)
    following.lock()
    following.unlock()


def test_the_end_of_another_process_releases_the_lock(folder: DataDir) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"locked\n"
        with pytest.raises(StartError, match=rf"process {holder.pid}\b"):
            folder.lock()
        holder.kill()
        holder.wait()
    folder.lock()


def test_a_longer_process_id_in_the_lock_file_is_overwritten_completely(folder: DataDir) -> None:
    folder.path.mkdir()
    (folder.path / "lock").write_text("99999999999999")
    folder.lock()
    assert (folder.path / "lock").read_text() == str(os.getpid())


def test_a_world_writable_folder_is_rejected(folder: DataDir) -> None:
    folder.path.mkdir()
    folder.path.chmod(0o777)
    with pytest.raises(StartError, match=re.escape(f"{folder.path}. Close it first: chmod o-w")):
        folder.lock()
    assert list(folder.path.iterdir()) == []
    folder.path.chmod(0o755)
    folder.lock()


def test_a_file_in_place_of_the_folder_is_rejected(folder: DataDir) -> None:
    folder.path.write_text("")
    with pytest.raises(StartError, match="cannot be used: File exists"):
        folder.lock()


def test_an_existing_folder_is_new_until_a_server_locked_it(
    folder: DataDir,
) -> None:
    folder.path.mkdir()
    states = [folder.is_new]
    folder.lock()
    states.append(folder.is_new)
    assert states == [True, False]


def test_a_relative_path_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = DataDir(Path("data"))
    monkeypatch.chdir("/")
    assert folder.keys == tmp_path / "data" / "keys.json"


@pytest.mark.parametrize("length", [1, 60, 200])
def test_a_socket_with_a_long_path_can_be_reached(tmp_path: Path, length: int) -> None:
    place = tmp_path / ("x" * length) / "control.sock"
    place.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as listening, control_address(place) as address:
        listening.bind(address)
        listening.listen()
        assert place.is_socket()
        with socket.socket(socket.AF_UNIX) as calling, control_address(place) as again:
            calling.connect(again)


def test_the_short_address_of_a_long_path_is_temporary(tmp_path: Path) -> None:
    with control_address(tmp_path / ("x" * 200)) as address:
        assert Path(address).parent.samefile(tmp_path)
    assert not Path(address).parent.exists()
