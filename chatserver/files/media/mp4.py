"""ISO media files (ISO 14496-12: MP4, QuickTime, HEIC, AVIF) without metadata, such as the place.

Boxes with metadata, unknown boxes, and tracks that are neither pictures nor sound are overwritten
in place and become `free`, so that nothing else moves. Tracks of text are removed too: cameras
record positions in them as subtitles.
"""

from typing import BinaryIO

from chatserver.files.media import Malformed, heif
from chatserver.files.media.boxes import Box, Boxes
from chatserver.files.media.heif import Items
from chatserver.files.media.mp4_samples import TABLES, sample_spans

METADATA = frozenset(b"udta meta uuid Xtra XMP_ emsg free skip wide".split())
KEPT = {  # boxes of each container; of others, all but METADATA
    b"file": b"ftyp styp moov moof mdat mfra sidx ssix pdin".split(),
    b"moov": b"mvhd trak mvex iods".split(),
    b"trak": b"tkhd tref trgr edts tapt clip matt load imap mdia".split(),
    b"mdia": b"mdhd hdlr elng minf".split(),
    b"minf": b"vmhd smhd sthd nmhd gmhd hmhd hdlr dinf stbl".split(),
}
CONTAINERS = frozenset([*KEPT, b"stbl", b"moof", b"traf", b"mvex", b"mfra"])
MEDIA = frozenset(b"vide soun auxv pict".split())  # handlers of tracks that are kept
ZEROED_BYTES = 2**16  # overwritten at once


def clean(file: BinaryIO, size: int) -> list[str]:
    """Overwrite the metadata of an open file of that size; return the handlers of its tracks.

    Raises Malformed.
    """
    cleaner = Cleaner(file, size)
    cleaner.clean()
    return sorted(handler.decode() for handler in cleaner.handlers)


class Cleaner:
    """Overwrites the metadata of a file. Notes where samples are that are to be removed."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._boxes = Boxes(file, size)
        self._spans: list[tuple[int, int]] = []  # removed samples and items, joined if adjacent
        self._span_bytes = 0
        self._items: list[Items] = []
        self._removed = self._fragmented = self._has_media = False
        self.handlers: set[bytes] = set()  # of the tracks that are kept

    def clean(self) -> None:
        """Overwrite metadata and data tracks. Raises Malformed; nothing is changed then.

        Data is overwritten before the tracks and items that tell where it is, so that cleaning can
        be repeated after the process was killed.
        """
        boxes = self._removed_boxes()
        if not self._has_media:
            raise Malformed("it has no list of tracks or pictures")
        if self._fragmented and self._removed:
            raise Malformed("fragments may have samples of a removed track")
        if any(end > self._size for _start, end in self._spans):
            raise Malformed("a sample is cut off")
        for start, end in self._spans:
            self._zero(start, end)
        for items in self._items:
            self._blank_items(items)
        for box in boxes:
            self._blank(box)

    def _removed_boxes(self) -> list[Box]:
        """Return metadata and tracks to remove, and note where the samples of the latter are."""
        removed, waiting = list[Box](), [self._boxes.file]
        while waiting:
            parent = waiting.pop()
            for box in self._boxes.of(parent):
                if parent.kind == b"file" and self._has_pictures(box):
                    self._note_items(box)
                elif _is_metadata(parent.kind, box.kind) or self._is_removed_track(box):
                    removed.append(box)
                elif box.kind in CONTAINERS:
                    waiting.append(box)
        return removed

    def _is_removed_track(self, box: Box) -> bool:
        """Return whether it is a track to remove; note where its samples are."""
        self._fragmented |= box.kind == b"moof"
        self._has_media |= box.kind == b"moov"
        if box.kind == b"cmov":
            raise Malformed("it is compressed")
        if box.kind != b"trak":
            return False
        media = self._boxes.by_kind(box).get(b"mdia")
        found = {} if media is None else self._boxes.by_kind(media)
        handler = self._boxes.read(found[b"hdlr"].content + 8, 4) if b"hdlr" in found else b""
        if handler in MEDIA:
            self.handlers.add(handler)
            return False
        if media is not None:
            self._note_samples(found.get(b"minf"))
        self._removed = True
        return True

    def _note_samples(self, information: Box | None) -> None:
        stbl = information and self._boxes.by_kind(information).get(b"stbl")
        if stbl is None:
            raise Malformed("a track has no samples")
        found = self._boxes.by_kind(stbl)
        tables = {kind: self._boxes.content(found[kind]) for kind in TABLES & found.keys()}
        self._note_spans(sample_spans(tables))

    def _has_pictures(self, box: Box) -> bool:
        return box.kind == b"meta" and heif.has_pictures(self._boxes, box)

    def _note_items(self, meta: Box) -> None:
        """Note what is no picture in the list of items of a picture file."""
        self._has_media = True
        self._items.append(heif.other_items(self._boxes, meta))
        self._note_spans(self._items[-1].data)

    def _note_spans(self, spans: list[tuple[int, int]]) -> None:
        for start, end in spans:
            if start == end:
                continue
            self._span_bytes += end - start
            is_adjacent = self._spans and self._spans[-1][1] == start
            self._spans.append((self._spans.pop()[0] if is_adjacent else start, end))
        if self._span_bytes > self._size:
            raise Malformed("samples overlap")

    def _blank_items(self, items: Items) -> None:
        for place in items.types:
            self._file.seek(place)
            self._file.write(heif.NO_TYPE)
        for box in items.properties:
            self._zero(box.content, box.end)
        for box in items.boxes:
            self._blank(box)

    def _blank(self, box: Box) -> None:
        self._file.seek(box.name)
        self._file.write(b"free")
        self._zero(box.content, box.end)

    def _zero(self, start: int, end: int) -> None:
        self._file.seek(start)
        while start < end:
            start += self._file.write(bytes(min(ZEROED_BYTES, end - start)))


def _is_metadata(parent: bytes, kind: bytes) -> bool:
    if kind == b"cmov":
        return False
    return kind not in KEPT[parent] if parent in KEPT else kind in METADATA
