"""PDFs drawn by hand: one font, one content stream a page, and what else a test hangs on them."""

from __future__ import annotations

import io

from pypdf import PdfWriter

FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"


def drawn(*texts: tuple[float, float, str], size: float = 10) -> bytes:
    """A content stream: texts at places, in this order."""
    return b"".join(
        b"BT /F1 %g Tf 1 0 0 1 %g %g Tm (%s) Tj ET\n" % (size, x, y, text.encode("cp1252"))
        for x, y, text in texts
    )


def pdf(*contents: bytes, page: bytes = b"", more: dict[int, bytes] | None = None) -> bytes:
    """One page a content stream. `page` goes into each page's dictionary; `more` objects are
    numbered from 100 on, of which 100 is the form."""
    first = 200
    kids = b" ".join(b"%d 0 R" % (first + 2 * number) for number in range(len(contents)))
    form = b"/AcroForm 100 0 R" if more else b""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % form,
        2: b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(contents)),
        3: FONT,
        **(more or {}),
    }
    for number, content in enumerate(contents):
        at = first + 2 * number
        objects[at] = (
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> %s >>" % (at + 1, page)
        )
        objects[at + 1] = b"<< /Length %d >>\nstream\n%sendstream" % (len(content), content)
    return _file(objects)


def _file(objects: dict[int, bytes]) -> bytes:
    file = b"%PDF-1.5\n"
    table = b"xref\n0 1\n0000000000 65535 f \n"
    for number, content in objects.items():
        table += b"%d 1\n%010d 00000 n \n" % (number, len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    end = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return file + table + end % (max(objects) + 1, len(file))


def saved(writer: PdfWriter) -> bytes:
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
