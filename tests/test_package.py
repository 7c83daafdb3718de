"""The wheel: contains all that the server needs, and runs outside the checkout."""

import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import urllib.request
from collections.abc import Iterator
from email.parser import BytesParser
from email.policy import default
from pathlib import Path
from zipfile import ZipFile

import pytest

pytestmark = pytest.mark.xdist_group("package")  # one worker builds the shared wheel

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from this checkout, without changes in it."""
    return build("wheel", tmp_path_factory.mktemp("wheel"))


def build(target: str, folder: Path, *, source: Path = REPOSITORY) -> Path:
    """Return the file that hatchling builds from this checkout, or from another folder."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "-d", str(folder)]
    built = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel, and with the dependencies installed here."""
    folder = tmp_path_factory.mktemp("installed")
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    python = folder / "bin" / "python"
    offline = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check"]
    _run(sys.executable, "-m", "pip", "--python", str(python), "install", *offline, str(wheel))
    (packages,) = folder.glob("lib/python*/site-packages")
    # A plain line: packages in that folder can be imported, and its own .pth files (an editable
    # install of the checkout) are not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def _run(*command: str) -> str:
    done = subprocess.run(
        command, cwd="/", env={}, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files_below(folder: str) -> set[str]:
    """Return the files in a folder that git does not ignore."""
    found = (file for file in (REPOSITORY / folder).rglob("*") if file.is_file())
    return {
        str(file.relative_to(REPOSITORY))
        for file in found
        if not {"__pycache__", "node_modules"} & {*file.parts} and file.suffix != ".pyc"
    }


def test_the_wheel_contains_code_templates_migrations_and_catalogues(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        inside = set(opened.namelist())
    expected = files_below("chatserver")
    for folder in ("templates", "migrations", "locale"):
        expected |= {f"chatserver/{file}" for file in files_below(folder)}
    assert expected <= inside
    assert "chatserver/py.typed" in inside
    assert any(name.startswith("chatserver/static/js/") for name in inside)
    assert any(name.endswith("zh_CN/LC_MESSAGES/chatserver.mo") for name in inside)


def test_the_source_archive_contains_all_files_to_build_run_and_test(tmp_path: Path) -> None:
    with tarfile.open(build("sdist", tmp_path)) as opened:
        inside = {name.partition("/")[2] for name in opened.getnames()}
    folders = ("chatserver", "templates", "migrations", "locale", "deploy", "docs", "tests")
    assert set().union(*map(files_below, folders)) <= inside
    assert inside >= {
        *("README.md", "LICENSE", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"),
        *("Makefile", "pyproject.toml", "config.example.toml", "Dockerfile", "compose.yaml"),
        *(
            ".ci/run",
            "hatch_build.py",
            "package.json",
            "eslint.config.js",
            "benchmarks/__init__.py",
        ),
    }


def test_the_long_description_has_no_relative_links(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        (name,) = [name for name in opened.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = BytesParser(policy=default).parsebytes(opened.read(name))
    page = str(metadata.get_payload())
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert "make run     # makes .venv" in page
    assert "lists every key" in page  # behind a link
    targets = re.findall(r"\]\(([^)]*)\)|(?:src|href)=[\"']([^\"']*)", page)
    assert [one for one in targets if not "".join(one).startswith(("https://", "#"))] == []


def test_the_image_has_all_files_that_the_wheel_needs(tmp_path: Path) -> None:
    copied = re.findall(r"(?m)^COPY (?!--)(.+) \S+$", (REPOSITORY / "Dockerfile").read_text())
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    for name in " ".join(copied).split():
        assert f"!{name}" in ignored
        copy = shutil.copytree if (REPOSITORY / name).is_dir() else shutil.copyfile
        copy(REPOSITORY / name, tmp_path / name)
    (tmp_path / "dist").mkdir()
    assert build("wheel", tmp_path / "dist", source=tmp_path).suffix == ".whl"


def test_the_wheel_contains_nothing_else(wheel: Path) -> None:
    with ZipFile(wheel) as opened:
        inside = opened.namelist()
    assert {name.split("/")[0].split("-")[0] for name in inside} == {
        "chatserver",
        "chatserver_aiohttp",
    }
    assert not [name for name in inside if re.search(r"(^|/)(tests|__pycache__|\.)", name)]
    assert not [name for name in inside if name.endswith((".db", "keys.json"))]


def test_the_installed_package_is_the_wheel_and_not_the_checkout(python: Path) -> None:
    said = _run(str(python), "-c", "import chatserver, sys; print(chatserver.__file__, sys.path)")
    assert said.startswith(str(python.parent.parent))
    assert f"'{REPOSITORY}'" not in said


def test_the_command_is_installed(python: Path) -> None:
    assert _run(str(python.parent / "chatserver"), "--version").startswith("chatserver, version ")


@pytest.fixture
def server(python: Path, tmp_path: Path) -> Iterator[str]:
    """Start the installed server outside the checkout; yield its URL."""
    command = [str(python), "-m", "chatserver", "--data", str(tmp_path / "data"), "--port", "0"]
    with subprocess.Popen(
        command, cwd="/", env={}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()
            _, log = process.communicate(timeout=5)
        assert (process.returncode, log) == (0, "")


def _address(process: subprocess.Popen[str]) -> str:
    """Return the URL of a server when it is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.match(r"  listening on (\S+)", line):
            return found[1]
    raise AssertionError("it never listened")


def test_the_installed_server_is_ready_and_shows_its_pages(server: str) -> None:
    assert get(f"{server}/readyz").startswith('{"ok": 1')
    page = get(f"{server}/setup")
    assert "<form" in page
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert files
    for file in files:
        assert get(server + file)


def get(url: str) -> str:
    """Return the body, which may be an icon. Raises HTTPError unless the status is 200."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        assert answer.status == 200
        text: str = answer.read().decode(errors="replace")
        return text
