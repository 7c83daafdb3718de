"""TLS certificate files: loading, reloading and errors."""

import subprocess
from pathlib import Path

import pytest

from chatserver.config import ServerSettings
from chatserver.errors import StartError
from chatserver.tls import load, server_context


def make_certificate(folder: Path, *options: str) -> ServerSettings:
    """Create a self-signed certificate for 127.0.0.1 and its key."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate), *(options or ("-nodes",))),
        ],
        check=True,
        capture_output=True,
    )
    return ServerSettings(tls_cert=str(certificate), tls_key=str(key))


def refusal(settings: ServerSettings) -> str:
    with pytest.raises(StartError) as refused:
        server_context(settings)
    return str(refused.value)


def test_a_certificate_is_reloaded_into_the_same_context(tmp_path: Path) -> None:
    context = server_context(make_certificate(tmp_path))
    assert context is not None
    load(context, make_certificate(tmp_path))


def test_without_a_certificate_there_is_no_context() -> None:
    assert server_context(ServerSettings()) is None


def test_a_key_with_a_passphrase_is_rejected_without_a_prompt(tmp_path: Path) -> None:
    settings = make_certificate(tmp_path, "-passout", "pass:purple stone")
    assert f"server.tls_key: {settings.tls_key} has a passphrase" in refusal(settings)


def test_the_key_of_another_certificate_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    first, other = make_certificate(tmp_path), make_certificate(tmp_path / "other")
    mixed = ServerSettings(tls_cert=first.tls_cert, tls_key=other.tls_key)
    assert "does not belong to the key" in refusal(mixed)


@pytest.mark.parametrize("content", [b"", b"text", b"\x30\x82\x01"])
def test_files_of_another_format_are_rejected(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    assert "in PEM form" in refusal(ServerSettings(tls_cert=str(file), tls_key=str(file)))


def test_a_folder_and_a_missing_file_are_reported(tmp_path: Path) -> None:
    missing = str(tmp_path / "no")
    assert "server.tls_cert: " in refusal(ServerSettings(tls_cert=missing, tls_key=missing))
    assert "Is a directory" in refusal(ServerSettings(tls_cert=str(tmp_path), tls_key=missing))
