#!/usr/bin/env bash
# pypdf 7.1.0: two words on one line, 180 points apart, come out glued and in the wrong order.
#
# One would expect: `extract_text()` gives a line as it is read, "Fjord Pay 2019"; if not the order,
# then at least a blank between words that stand far from each other.
# Instead: the text comes in the order in which the file draws it, and a blank is put only where the
# next word stands to the right of the last one. A date that is drawn before the job to its left
# becomes "2019Fjord Pay", one word. `extraction_mode="layout"` reads the same page rightly.
# Why it matters: résumés put dates at the right margin, and browsers draw what is lifted into a
# layer of its own after the rest of the page.
# In the product: interview_app/reading/pdf/ orders the characters itself and asks pypdf only where
# pdfium makes nothing of the fonts.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-compile --disable-pip-version-check pypdf==7.1.0

"$work/venv/bin/python" - <<'PYTHON'
import io
import sys

import pypdf

JOB = b"BT /F1 12 Tf 1 0 0 1 20 150 Tm (Fjord Pay) Tj ET\n"
DATE = b"BT /F1 12 Tf 1 0 0 1 200 150 Tm (2019) Tj ET\n"


def page_that_draws(content):
    """The one page of a PDF, read by pypdf."""
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%sendstream" % (len(content), content),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    file = b"%PDF-1.4\n"
    places = []
    for number, each in enumerate(objects, start=1):
        places.append(len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, each)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(file)
    file += b"xref\n0 6\n0000000000 65535 f \n" + table + end
    return pypdf.PdfReader(io.BytesIO(file), strict=True).pages[0]


def expect(seen, statement):
    if not seen:
        sys.exit(f"NOT SO (any more): {statement}")
    print(f"seen: {statement}")


print("pypdf", pypdf.__version__)
from_left = page_that_draws(JOB + DATE).extract_text()
from_right = page_that_draws(DATE + JOB).extract_text()
as_laid_out = page_that_draws(DATE + JOB).extract_text(extraction_mode="layout").split()
print("drawn from the left: ", repr(from_left))
print("drawn from the right:", repr(from_right))
print("the same as layout:  ", as_laid_out)

expect(from_left == "Fjord Pay 2019", "drawn from the left, the line is read rightly")
expect(from_right == "2019Fjord Pay", "drawn from the right, its words are swapped and glued")
expect(as_laid_out == ["Fjord", "Pay", "2019"], "the layout mode reads the same page rightly")
PYTHON
