"""Location of templates, migrations and catalogues: in the checkout or the installed wheel."""

from pathlib import Path

from chatserver.errors import StartError


def resource_dir(name: str) -> Path:
    """Return the folder of that name. Raises StartError.

    The checkout has priority, because an editable install has a stale copy.
    """
    package = Path(__file__).resolve().parent
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    if (package / name).is_dir():
        return package / name
    raise StartError(f"The folder {name}/ is missing: the installation is incomplete.")
