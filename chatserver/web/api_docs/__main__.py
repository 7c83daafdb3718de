"""Write docs/asyncapi.json, docs/openapi.json and docs/protocol.md: `make describe`."""

from pathlib import Path

from chatserver.web.api_docs import asyncapi, openapi
from chatserver.web.api_docs.markdown import fill
from chatserver.web.api_docs.schemas import serialize
from chatserver.web.routes import OPERATIONS

DOCS = Path("docs")  # of the checkout in the current folder


def texts(docs: Path = DOCS) -> dict[str, str]:
    """The contents of the generated files in docs/, by file name."""
    return {
        "asyncapi.json": serialize(asyncapi.document()).decode(),
        "openapi.json": serialize(openapi.document(OPERATIONS)).decode(),
        "protocol.md": fill((docs / "protocol.in.md").read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for name, text in texts().items():
        (DOCS / name).write_text(text, encoding="utf-8")
