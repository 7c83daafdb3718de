"""MP4 and QuickTime (ISO 14496-12) without metadata, which may have the place of recording.

Boxes with metadata, unknown boxes, and tracks that are neither pictures nor sound are overwritten
in place and become `free`, so that nothing else moves. Tracks of text are removed too: cameras
record positions in them as subtitles.
"""

from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from chatserver.files.media import Malformed
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
MAX_BOXES = 100_000
ZEROED_BYTES = 2**16  # overwritten at once


class Box(NamedTuple):
    """Offsets of a box in its file."""

    kind: bytes
    name: int  # where its four letters are
    content: int
    end: int


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
        self._left = MAX_BOXES
        self._spans: list[tuple[int, int]] = []  # samples of removed tracks, joined if adjacent
        self._sample_bytes = 0  # of all removed tracks
        self._removed = self._fragmented = self._has_media = False
        self.handlers: set[bytes] = set()  # of the tracks that are kept

    def clean(self) -> None:
        """Raises Malformed; nothing is changed then.

        Samples are overwritten before the tracks that tell where they are, so that cleaning can be
        repeated after the process was killed.
        """
        boxes = self._removed_boxes()
        if not self._has_media:
            raise Malformed("it has no list of tracks")
        if self._fragmented and self._removed:
            raise Malformed("fragments may have samples of a removed track")
        if any(end > self._size for _start, end in self._spans):
            raise Malformed("a sample is cut off")
        for start, end in self._spans:
            self._zero(start, end)
        for box in boxes:
            self._blank(box)

    def _removed_boxes(self) -> list[Box]:
        """Return metadata and tracks to remove, and note where the samples of the latter are."""
        removed, waiting = list[Box](), [Box(b"file", 0, 0, self._size)]
        while waiting:
            parent = waiting.pop()
            for box in self._boxes(parent):
                if _is_metadata(parent.kind, box.kind) or self._is_removed_track(box):
                    removed.append(box)
                elif box.kind in CONTAINERS:
                    waiting.append(box)
        return removed

    def _boxes(self, parent: Box) -> Iterator[Box]:
        position = parent.content
        while position + 8 <= parent.end:
            self._left -= 1
            if not self._left:
                raise Malformed("there are too many boxes")
            self._file.seek(position)
            head = self._file.read(16)
            size, kind, content = int.from_bytes(head[:4]), head[4:8], position + 8
            if size == 1:
                size, content = int.from_bytes(head[8:]), position + 16
            elif size == 0:
                size = parent.end - position
            elif size < 8 and kind == b"\0\0\0\0":
                return  # QuickTime ends some lists with a zero
            if position + size > parent.end or position + size < content:
                raise Malformed("a box is cut off")
            yield Box(kind, position + 4, content, position + size)
            position += size

    def _is_removed_track(self, box: Box) -> bool:
        """Return whether it is a track to remove; note where its samples are."""
        self._fragmented |= box.kind == b"moof"
        self._has_media |= box.kind == b"moov"
        if box.kind == b"cmov":
            raise Malformed("it is compressed")
        if box.kind != b"trak":
            return False
        media = self._children(box).get(b"mdia")
        found = {} if media is None else self._children(media)
        handler = self._handler(found[b"hdlr"]) if b"hdlr" in found else b""
        if handler in MEDIA:
            self.handlers.add(handler)
            return False
        if media is not None:
            self._note_samples(found.get(b"minf"))
        self._removed = True
        return True

    def _children(self, box: Box) -> dict[bytes, Box]:
        return {child.kind: child for child in self._boxes(box)}

    def _handler(self, box: Box) -> bytes:
        self._file.seek(box.content + 8)
        return self._file.read(4)

    def _note_samples(self, information: Box | None) -> None:
        stbl = information and self._children(information).get(b"stbl")
        if stbl is None:
            raise Malformed("a track has no samples")
        tables = {
            kind: self._content(box) for kind, box in self._children(stbl).items() if kind in TABLES
        }
        for start, end in sample_spans(tables):
            if start == end:
                continue
            self._sample_bytes += end - start
            is_adjacent = self._spans and self._spans[-1][1] == start
            self._spans.append((self._spans.pop()[0] if is_adjacent else start, end))
        if self._sample_bytes > self._size:
            raise Malformed("samples overlap")

    def _content(self, box: Box) -> bytes:
        self._file.seek(box.content)
        return self._file.read(box.end - box.content)

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
