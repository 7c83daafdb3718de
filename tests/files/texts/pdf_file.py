"""PDF files made by hand, also hostile ones."""

import zlib
from collections.abc import Sequence

LATIN = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"
WIDE = (
    "<< /Type /Font /Subtype /Type0 /BaseFont /Song /Encoding /Identity-H"
    " /DescendantFonts [<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Song"
    " /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> >>]"
    " /ToUnicode 4 0 R >>"
)
TO_UNICODE = """/CIDInit /ProcSet findresource begin 12 dict begin begincmap
/CMapName /U def 1 begincodespacerange <0000> <FFFF> endcodespacerange
1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap end end"""


def stream(content: bytes, rest: str = "") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), rest.encode(), content)


def pdf(*pages: Sequence[str], wide: bool = False) -> bytes:
    """Return a file with a page for each list of lines; `wide`: in any script."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"",  # the tree of pages
        (WIDE if wide else LATIN).encode(),
        stream(TO_UNICODE.encode()),
    ]
    numbers = []
    for lines in pages:
        objects.append(stream(_drawn(lines, wide=wide)))
        content = len(objects)
        resources = "/Resources << /Font << /F 3 0 R >> >> /MediaBox [0 0 600 800]"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R {resources} /Contents {content} 0 R >>".encode()
        )
        numbers.append(len(objects))
    objects[1] = tree(numbers, len(pages))
    return joined(objects)


def tree(kids: Sequence[int], count: int) -> bytes:
    listed = " ".join(f"{kid} 0 R" for kid in kids)
    return f"<< /Type /Pages /Kids [{listed}] /Count {count} >>".encode()


def _drawn(lines: Sequence[str], *, wide: bool) -> bytes:
    shown = (
        f"<{line.encode('utf-16-be').hex()}> Tj T*" if wide else f"({line}) Tj T*" for line in lines
    )
    return f"BT /F 12 Tf 14 TL 50 700 Td {' '.join(shown)} ET".encode("cp1252")


def joined(objects: Sequence[bytes], trailer: str = "") -> bytes:
    """Return the file of these objects, of which the first is the catalog."""
    content, offsets = bytearray(b"%PDF-1.7\n"), []
    for number, one in enumerate(objects, 1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    start, size = len(content), len(objects) + 1
    content += f"xref\n0 {size}\n0000000000 65535 f \n{table}".encode()
    content += f"trailer << /Size {size} /Root 1 0 R {trailer} >>\n".encode()
    return bytes(content) + f"startxref\n{start}\n%%EOF".encode()


def encrypted() -> bytes:
    """Return a file that needs a password."""
    entry = "/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44"
    keys = f"/O <{'aa' * 32}> /U <{'bb' * 32}> >> /ID [<{'cc' * 16}> <{'cc' * 16}>]"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", tree([], 0)]
    return joined(objects, f"{entry} {keys}")


def cyclic() -> bytes:
    """Return a file whose tree of pages contains itself."""
    return joined([b"<< /Type /Catalog /Pages 2 0 R >>", tree([2, 2, 2], 3)])


def bomb(megabytes: int = 200) -> bytes:
    """Return a file with a page that grows by a factor of a million."""
    packed = zlib.compressobj(9)
    space = b" " * 2**20
    content = b"".join([packed.compress(space) for _ in range(megabytes)]) + packed.flush()
    twice = zlib.compress(content, 9)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>"
    packed_twice = stream(twice, "/Filter [/FlateDecode /FlateDecode]")
    return joined([b"<< /Type /Catalog /Pages 2 0 R >>", tree([3], 1), page, packed_twice])


def many_pages(count: int = 100_000) -> bytes:
    """Return a file with so many empty pages."""
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"
    kids = range(3, count + 3)
    return joined([b"<< /Type /Catalog /Pages 2 0 R >>", tree(kids, count), *([page] * count)])


def nested(depth: int = 200_000) -> bytes:
    """Return a file with lists within lists in the content of a page, and in an object."""
    content = b"[" * depth
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /X 5 0 R >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", tree([3], 1), page]
    return joined([*objects, stream(content), content])


def slow(operators: int = 2_000_000) -> bytes:
    """Return a file with a page of so many operators."""
    content = zlib.compress(b"BT " + b"(a) Tj " * operators + b"ET", 9)
    page = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R"
        b" /Resources << /Font << /F 5 0 R >> >> >>"
    )
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", tree([3], 1), page]
    return joined([*objects, stream(content, "/Filter /FlateDecode"), LATIN.encode()])
