"""JSON schemas of message types: msgspec's output without its Python-specific parts."""

import inspect
from collections.abc import Iterable
from typing import Any

import msgspec

REF = "#/components/schemas/"

Schema = dict[str, Any]


def components(shapes: Iterable[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return a schema for each shape, and the named schemas that they refer to."""
    wanted = list(shapes)
    found, named = msgspec.json.schema_components(wanted, ref_template=REF + "{name}")
    quiet = {shape.__name__ for shape in _structs(wanted) if shape.__struct_config__.omit_defaults}
    for name in quiet & named.keys():
        _never_null(named[name])
    return [_plain(schema) for schema in found], {n: _plain(s) for n, s in sorted(named.items())}


def _structs(shapes: Iterable[Any]) -> Iterable[type[msgspec.Struct]]:
    """All struct types of these shapes, at any depth."""
    seen: set[Any] = set()
    waiting = [msgspec.inspect.type_info(shape) for shape in shapes]
    while waiting:
        kind = waiting.pop()
        if isinstance(kind, msgspec.inspect.StructType):
            if kind.cls in seen:
                continue
            seen.add(kind.cls)
            yield kind.cls
        waiting += _inside(kind)


def _inside(kind: Any) -> list[msgspec.inspect.Type]:
    parts = [getattr(kind, name, None) for name in ("item_type", "value_type", "type")]
    fields = [field.type for field in getattr(kind, "fields", ())]
    several = [*fields, *getattr(kind, "types", ())]
    return [part for part in (*parts, *several) if isinstance(part, msgspec.inspect.Type)]


def _never_null(schema: Schema) -> None:
    """Remove null from optional fields: the server omits them instead."""
    for name, field in schema["properties"].items():
        if name not in schema.get("required", ()) and "anyOf" in field:
            kept = [kind for kind in field["anyOf"] if kind != {"type": "null"}]
            field.pop("default", None)
            schema["properties"][name] = kept[0] if len(kept) == 1 else {**field, "anyOf": kept}


def _plain(value: Any) -> Any:
    """Replace Python's `$(?!\\n)` in patterns by the portable `$`."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return value.replace(r"$(?!\n)", "$") if isinstance(value, str) else value


def description(shape: type) -> str:
    """The docstring of a type as one paragraph."""
    return " ".join((inspect.getdoc(shape) or "").split())


def serialize(document: Schema) -> bytes:
    """Serialize a document as the file that is committed and served."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
