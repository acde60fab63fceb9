// node docx.cjs RESUME.json OUT.docx: a sidebar in a table, bullets by numbering, name in the header.
const fs = require("fs");
const d = require("docx");
const resume = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const p = (text, more = {}) => new d.Paragraph({ children: [new d.TextRun(text)], ...more });
const bullet = (text) => p(text, { bullet: { level: 0 } });
const side = [
  p("Skills", { heading: d.HeadingLevel.HEADING_2 }),
  ...resume.skills.flatMap((s) => [p(s.name), p(s.keywords.join(", "))]),
  p("Languages", { heading: d.HeadingLevel.HEADING_2 }),
  ...resume.languages.map((l) => p(l.language)),
];
const main = resume.work.flatMap((job) => [
  p(`${job.position}\t${job.name}`, { heading: d.HeadingLevel.HEADING_3 }),
  p(job.summary),
  ...job.highlights.map(bullet),
]);
const cell = (children, size) =>
  new d.TableCell({ children, width: { size, type: d.WidthType.PERCENTAGE } });
const doc = new d.Document({
  sections: [
    {
      headers: { default: new d.Header({ children: [p(resume.basics.name), p(resume.basics.email)] }) },
      children: [
        p(resume.basics.label),
        p(resume.basics.summary),
        new d.Table({ rows: [new d.TableRow({ children: [cell(side, 30), cell(main, 70)] })] }),
        ...resume.education.map((e) => p(`${e.area}, ${e.institution}`)),
      ],
    },
  ],
});
d.Packer.toBuffer(doc).then((buffer) => fs.writeFileSync(process.argv[3], buffer));
