"""Word documents built by code: A4, restrained, same input same bytes.

Pages, headings and tables only; nothing of what they hold.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from reports.documents import _same_dates
from reports.letter import _borders, _day, _plain, _repeat, _shade, _whole
from reports.reference_docx import BAND, INK, RULE, _page_number

if TYPE_CHECKING:
    from docx.document import Document

FONT = "Arial"
PAGE_CM, MARGIN_CM = 21.0, 2.0
TEXT_CM = PAGE_CM - 2 * MARGIN_CM
BOX = "\u2610"

day_in_words = _day
plain = _plain


@dataclass(frozen=True)
class Page:
    """What stands on every page and in the file's properties."""

    title: str
    marking: str
    footer: str
    author: str
    as_at: date
    margin_cm: float = MARGIN_CM
    points: float = 10


def new_document(page: Page) -> "Document":
    """Return an empty A4 document with its styles, marking and page numbers."""
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    document = docx.Document()
    sizes = {"Normal": page.points, "Title": 20, "Heading 1": 14, "Heading 2": 11, "List Bullet": 0}
    for name, size in sizes.items():
        style: Any = document.styles[name]
        style.font.name = FONT
        if size:
            style.font.size = Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in list(fonts.attrib):
            del fonts.attrib[attribute]
        for script in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(qn(f"w:{script}"), FONT)
        if name in ("Title", "Heading 1", "Heading 2"):
            style.font.bold, style.font.italic = True, False
            style.font.color.rgb = RGBColor.from_string(INK)
            style.paragraph_format.keep_with_next = True
    title: Any = document.styles["Title"]
    for border in title.element.findall(f".//{qn('w:pBdr')}"):
        border.getparent().remove(border)
    title.paragraph_format.space_after = Pt(4)
    for name, before in (("Heading 1", 16), ("Heading 2", 9)):
        heading: Any = document.styles[name]
        heading.paragraph_format.space_before = Pt(before)
        heading.paragraph_format.space_after = Pt(4)
    normal: Any = document.styles["Normal"]
    normal.paragraph_format.space_after = Pt(5)
    language = normal.element.get_or_add_rPr().makeelement(qn("w:lang"), {qn("w:val"): "en-GB"})
    normal.element.get_or_add_rPr().append(language)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(PAGE_CM), Cm(29.7)
    section.left_margin = section.right_margin = Cm(page.margin_cm)
    section.top_margin = section.bottom_margin = Cm(2.0)
    section.header_distance = section.footer_distance = Cm(0.9)
    top = section.header.paragraphs[0]
    top.text, top.alignment = plain(page.marking), WD_ALIGN_PARAGRAPH.CENTER
    top.runs[0].font.bold, top.runs[0].font.size = True, Pt(9)
    foot = section.footer.paragraphs[0]
    foot.text = plain(f"{page.footer} · page ")
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _page_number(foot)
    for run in foot.runs:
        run.font.size = Pt(8)
    properties = document.core_properties
    properties.title, properties.author = plain(page.title), plain(page.author)
    properties.comments, properties.last_modified_by = "", plain(page.author)
    properties.language = "en-GB"
    written = datetime(page.as_at.year, page.as_at.month, page.as_at.day, tzinfo=UTC)
    properties.created = properties.modified = written
    return document


def docx_bytes(document: "Document") -> bytes:
    """Return the document's file."""
    made = io.BytesIO()
    document.save(made)
    return _same_dates(made.getvalue())


def paragraph(
    document: Any, text: str, *, bold: bool = False, points: float = 0, after: float | None = None
) -> Any:
    """Add a paragraph of one run to a document or cell and return it."""
    from docx.shared import Pt

    made = document.add_paragraph()
    run = made.add_run(plain(text))
    run.bold = bold or None
    if points:
        run.font.size = Pt(points)
    if after is not None:
        made.paragraph_format.space_after = Pt(after)
    return made


def bullets(document: "Document", texts: Sequence[str]) -> None:
    """Add a list."""
    from docx.shared import Pt

    for text in texts:
        made = document.add_paragraph(plain(text), style="List Bullet")
        made.paragraph_format.space_after = Pt(2)


def table(
    document: "Document",
    headings: Sequence[str],
    rows: Sequence[Sequence[str]],
    widths: Sequence[float],
    *,
    points: float = 8.5,
) -> None:
    """Add a table: shaded headings repeated on each page, thin lines, widths in parts of the page.

    Without headings the first column is bold: names on the left, what they are on the right.
    """
    from docx.shared import Cm, Pt

    lines = [*([headings] if headings else []), *rows]
    made = document.add_table(rows=len(lines), cols=len(widths))
    made.autofit = False
    _borders(made)
    sizes = [TEXT_CM * width / sum(widths) for width in widths]
    for column, size in zip(made.columns, sizes, strict=True):
        column.width = Cm(size)
    for number, (row, texts) in enumerate(zip(made.rows, lines, strict=True)):
        is_head = bool(headings) and number == 0
        for place, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
            cell.width = Cm(sizes[place])
            inside = cell.paragraphs[0]
            inside.paragraph_format.space_after = Pt(1)
            run = inside.add_run(plain(text or "–"))
            run.font.size = Pt(points)
            run.bold = (is_head or (not headings and place == 0)) or None
            if is_head or (not headings and place == 0):
                _shade(cell, BAND)
        _whole(row)
    if headings:
        _repeat(made.rows[0])
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def boxed(made: Any) -> None:
    """Give a table a thin line round every cell, as a form has."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="{RULE}"/>'
        for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    width = next(part for part in made._tbl.tblPr if part.tag.endswith("}tblW"))
    width.addnext(parse_xml(f"<w:tblBorders {nsdecls('w')}>{edges}</w:tblBorders>"))
