"""RESUME.json OUT.pdf: cells one under the other, dates in a cell at the right."""

import json
import sys
from pathlib import Path

from fpdf import FPDF

resume = json.loads(Path(sys.argv[1]).read_text("utf-8"))
pdf = FPDF()
pdf.add_page()
for file in Path("/usr/share/fonts").rglob("DejaVuSans.ttf"):
    pdf.add_font("DejaVu", fname=str(file))
pdf.set_font("DejaVu", size=16)
pdf.cell(0, 10, resume["basics"]["name"], new_x="LMARGIN", new_y="NEXT")
pdf.set_font("DejaVu", size=10)
for key in ("label", "email", "summary"):
    pdf.multi_cell(0, 5, resume["basics"][key], new_x="LMARGIN", new_y="NEXT")
for job in resume["work"]:
    pdf.cell(140, 8, f"{job['name']}, {job['position']}")
    dates = f"{job['startDate'][:7]} - {job.get('endDate', 'now')[:7]}"
    pdf.cell(0, 8, dates, align="R", new_x="LMARGIN", new_y="NEXT")
    for each in job["highlights"]:
        pdf.cell(5, 5, "•")
        pdf.multi_cell(0, 5, each, new_x="LMARGIN", new_y="NEXT")
pdf.output(sys.argv[2])
