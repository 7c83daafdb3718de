"""Where templates, migrations and catalogues are: in the checkout, or in the installed wheel."""

from pathlib import Path

from chatserver.errors import StartError


def resource_dir(name: str) -> Path:
    """The folder of that name.

    A checkout comes first: an editable install copies once and goes stale.
    """
    package = Path(__file__).resolve().parent
    checkout = package.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    if (package / name).is_dir():
        return package / name
    raise StartError(f"The folder {name}/ is missing: the installation is incomplete.")
