"""RESUME.json OUT.pdf: two frames a page, as Platypus users lay out a sidebar."""

import json
import sys
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import BaseDocTemplate, Frame, FrameBreak, PageTemplate, Paragraph

resume = json.loads(Path(sys.argv[1]).read_text("utf-8"))
styles = getSampleStyleSheet()
width, height = A4
frames = [
    Frame(36, 36, 150, height - 72, id="side"),
    Frame(200, 36, width - 236, height - 72, id="main"),
]
side = [Paragraph(resume["basics"][key], styles["Normal"]) for key in ("name", "label", "email")]
for skill in resume["skills"]:
    side.append(Paragraph(skill["name"], styles["Heading4"]))
    side.append(Paragraph(", ".join(skill["keywords"]), styles["Normal"]))
main = [Paragraph(resume["basics"]["summary"], styles["Normal"])]
for job in resume["work"]:
    main.append(
        Paragraph(f"{job['name'].replace('&', '&amp;')} | {job['position']}", styles["Heading3"])
    )
    main.append(Paragraph(job["summary"], styles["Normal"]))
    main += [Paragraph(each, styles["Normal"], bulletText="•") for each in job["highlights"]]
document = BaseDocTemplate(sys.argv[2], pagesize=A4)
document.addPageTemplates([PageTemplate(id="two", frames=frames)])
document.build([*side, FrameBreak(), *main])
