"""Files of other accounts and file systems without modes are errors with exit code 2.

The tests change the effective account of the process, so they need root.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import pytest

from chatserver.config_sources import load
from chatserver.data_dir import DATABASE_FILES
from chatserver.errors import ChatServerError, StartError, Unavailable
from chatserver.permissions import keeps_modes, write_private
from chatserver.storage.replacement import _keep_replaced
from tests.rig.needs import require
from tests.test_main import PASSWORD, Done, Place, sentence

pytestmark = pytest.mark.xdist_group("main")

SERVICE, OTHER = 65_534, 65_533  # accounts
FILES = (
    "lock",
    "keys.json",
    "database",
    "setup-token",
    "revocations",
    *(f"chat.db{end}" for end in DATABASE_FILES),
)
COMMANDS = (("user", "list"), ("user", "passwd", "ann"), ("serve", "--port", "0"), ("check",))


@contextmanager
def acting_as(account: int) -> Iterator[None]:
    os.setegid(account)
    os.seteuid(account)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A data folder of the service's account, in which root created the user ann."""
    require("Changing the account (root)", found=os.geteuid() == 0)
    temporary = Path(tempfile.gettempdir())
    for folder in (tmp_path, *tmp_path.parents):
        if temporary in folder.parents:  # those of pytest and its workers
            folder.chmod(0o755)
    made = Place(tmp_path)
    made.data.mkdir(mode=0o700)
    os.chown(made.data, SERVICE, SERVICE)
    made.succeed("user", "add", "ann", "--admin", "--password-stdin", password=PASSWORD)
    made.folder = Path("/")
    return made


def run(place: Place, *arguments: str) -> Done:
    return place.run("--data", str(place.data), *arguments)


def not_of_the_service(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.stat().st_uid != SERVICE]


def test_files_created_by_root_belong_to_the_owner_of_the_folder(
    place: Place, tmp_path: Path
) -> None:
    assert not_of_the_service(place.data) == []
    saved = str(tmp_path / "saved.zip")
    for arguments in (
        ("keys", "rotate"),
        ("migrate",),
        ("invite",),
        ("backup", saved),
        ("restore", saved, "--replace", "--yes"),
        ("check",),
        ("doctor",),
    ):
        done = run(place, *arguments)
        assert (done.code, not_of_the_service(place.data)) == (0, []), (arguments, done)
    with acting_as(SERVICE):
        assert run(place, "user", "list").code == 0


@pytest.mark.parametrize("command", ["backup", "export"])
@pytest.mark.parametrize("parts", ["x", "backups/x", "made by root/deeper/x"])
def test_a_copy_created_by_root_in_the_folder_belongs_to_its_owner(
    place: Place, command: str, parts: str
) -> None:
    file = place.data / parts
    file.parent.mkdir(parents=True, exist_ok=True)
    assert run(place, command, str(file)).code == 0
    assert (file.stat().st_uid, file.stat().st_gid) == (SERVICE, SERVICE)


def test_a_copy_created_by_root_elsewhere_belongs_to_root(place: Place, tmp_path: Path) -> None:
    os.chown(tmp_path, SERVICE, SERVICE)
    assert run(place, "backup", str(tmp_path / "saved.zip")).code == 0
    assert (tmp_path / "saved.zip").stat().st_uid == 0


@pytest.mark.parametrize("name", ["backups", "backups/mine.db", "notes.txt", "old/notes.txt"])
def test_files_of_root_that_the_server_does_not_need_are_ignored(
    place: Place, tmp_path: Path, name: str
) -> None:
    file = place.data / name
    if name == "backups":
        file.mkdir(0o700)
    else:
        file.parent.mkdir(exist_ok=True)
        file.touch(0o600)
    os.chown(tmp_path, SERVICE, SERVICE)
    with acting_as(SERVICE):
        commands = (("user", "passwd", "ann"), ("check",), ("backup", str(tmp_path / "saved.zip")))
        assert [run(place, *command).code for command in commands] == [0, 0, 0]
        examined = run(place, "doctor")
    warned = f"warn  {file} belongs to root" in examined.out
    assert (examined.code, warned) == (0, name.startswith("backups"))


def test_a_list_of_users_written_by_root_keeps_its_owner(place: Place, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,display,password\nbo,,\n")
    os.chown(file, OTHER, SERVICE)
    assert run(place, "user", "import", str(file)).code == 0
    facts = file.stat()
    assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (OTHER, SERVICE, 0o600)


def linked(place: Place, name: str, target: Path) -> None:
    """Put a symbolic link of the service's account into its data folder."""
    link = place.data / name
    if link.is_dir():
        shutil.rmtree(link)
    link.unlink(missing_ok=True)
    link.symlink_to(target)
    os.chown(link, SERVICE, SERVICE, follow_symlinks=False)


@pytest.mark.parametrize("name", ["keys.json", "setup-token", "database"])
def test_root_writes_no_file_through_a_link_of_another_account(
    place: Place, tmp_path: Path, name: str
) -> None:
    victim = tmp_path / "victim"
    linked(place, name, victim)
    with pytest.raises(Unavailable, match="a symbolic link"):
        write_private(place.data / name, "text")
    assert not victim.exists()


def test_root_gives_no_file_behind_a_link_to_another_account(place: Place, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere" / "secret"
    secret.parent.mkdir()
    secret.write_text("of root")
    linked(place, "backups", secret.parent)
    run(place, "user", "list")
    run(place, "migrate")
    assert secret.stat().st_uid == 0
    with pytest.raises(ChatServerError, match="symbolic link"):
        _keep_replaced(place.data / "chat.db", place.data / "backups" / "replaced.db")
    assert list(secret.parent.iterdir()) == [secret]


def test_root_cannot_serve_a_folder_of_another_account(place: Place) -> None:
    assert "belongs to nobody: run this as that account" in sentence(
        run(place, "serve", "--port", "0")
    )


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_root_is_reported_with_its_owner(place: Place, name: str) -> None:
    file = place.data / name
    file.touch()
    os.chown(file, 0, 0)
    file.chmod(0o600)
    with acting_as(SERVICE):
        for command in COMMANDS:
            said = sentence(run(place, *command))
            assert f"{file} belongs to root" in said
            assert "chown" in said
        examined = run(place, "doctor")
    assert (examined.code, f"FAIL  {file} belongs to root" in examined.out) == (1, True)


def test_a_folder_of_files_that_cannot_be_written_is_reported(place: Place) -> None:
    folder = place.data / "files"
    folder.mkdir(mode=0o500)
    os.chown(folder, SERVICE, SERVICE)
    with acting_as(SERVICE):
        examined = run(place, "doctor")
    assert f"FAIL  {folder} cannot be written: its permissions are dr-x" in examined.out


def test_a_data_folder_of_another_account_is_reported(place: Place) -> None:
    with acting_as(OTHER):
        for command in COMMANDS:
            assert f"{place.data} belongs to nobody" in sentence(run(place, *command))
        assert f"FAIL  {place.data} belongs to nobody" in run(place, "doctor").out


def test_an_inaccessible_data_folder_is_an_error(place: Place) -> None:
    place.data.parent.chmod(0o700)
    with acting_as(OTHER):
        for command in COMMANDS:
            assert f"{place.data} cannot be used: Permission denied" in sentence(
                run(place, *command)
            )


def test_an_inaccessible_working_directory_is_an_error(place: Place, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with chdir(closed), acting_as(SERVICE):
        with pytest.raises(StartError, match=r"Change to another one \(cd /\), or name the config"):
            load(environ={})
        load(environ={}, config=Path(os.devnull))


def test_a_configuration_and_a_key_of_another_account_are_reported(
    place: Place, tmp_path: Path
) -> None:
    config, key = tmp_path / "config.toml", tmp_path / "key.pem"
    key.touch(mode=0o600)
    config.write_text(f'[server]\ntls_cert = "{os.devnull}"\ntls_key = "{key}"\nport = 0\n')
    config.chmod(0o644)
    with acting_as(SERVICE):
        for command in ("serve", "config check"):
            said = sentence(run(place, "--config", str(config), *command.split()))
            assert f"server.tls_key: {key} cannot be read: Permission denied" in said
    config.chmod(0o600)
    with acting_as(SERVICE):
        assert f"{config}: Permission denied" in sentence(
            run(place, "--config", str(config), "user", "list")
        )


def test_permissions_are_stored_where_a_folder_can_be_private(tmp_path: Path) -> None:
    assert keeps_modes(tmp_path)
