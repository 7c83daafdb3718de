"""Writes docs/asyncapi.json, docs/openapi.json and docs/protocol.md anew: `make describe`."""

from pathlib import Path

from chatserver.web.api_docs import asyncapi, openapi
from chatserver.web.api_docs.markdown import filled
from chatserver.web.api_docs.schemas import written

DOCS = Path("docs")  # of the checkout that one stands in


def texts(docs: Path = DOCS) -> dict[str, str]:
    """What is to stand in docs/, by the name of the file."""
    return {
        "asyncapi.json": written(asyncapi.document()).decode(),
        "openapi.json": written(openapi.document()).decode(),
        "protocol.md": filled((docs / "protocol.in.md").read_text(encoding="utf-8")),
    }


if __name__ == "__main__":
    for name, text in texts().items():
        (DOCS / name).write_text(text, encoding="utf-8")
