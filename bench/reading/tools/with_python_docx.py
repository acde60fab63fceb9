"""RESUME.json OUT.docx: headings, list styles, and a table of skills."""

import json
import sys
from pathlib import Path

from docx import Document

resume = json.loads(Path(sys.argv[1]).read_text("utf-8"))
document = Document()
document.add_heading(resume["basics"]["name"], 0)
for key in ("label", "email", "summary"):
    document.add_paragraph(resume["basics"][key])
for job in resume["work"]:
    document.add_heading(f"{job['position']}, {job['name']}", 2)
    document.add_paragraph(job["summary"])
    for each in job["highlights"]:
        document.add_paragraph(each, style="List Bullet")
table = document.add_table(rows=0, cols=2)
for skill in resume["skills"]:
    cells = table.add_row().cells
    cells[0].text, cells[1].text = skill["name"], ", ".join(skill["keywords"])
for each in resume["education"]:
    document.add_paragraph(f"{each['area']}, {each['institution']}", style="List Number")
document.save(sys.argv[2])
