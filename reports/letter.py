"""The letter to one agency about its own files: a Word document, same input same bytes.

Lays out tables that were made and made safe elsewhere; computes no figure and knows no person.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from reports.documents import _same_dates
from reports.reference_docx import BAND, INK, RULE, _page_number

if TYPE_CHECKING:
    from docx.document import Document

FONT = "Arial"
PAGE_CM, MARGIN_CM = 21.0, 2.0
SYNTHETIC = "Invented data: no person, place or event in this document is real."
RAG_COLUMNS = ("Judged", "Newest delivery")
COLOURS = {"red": "F4C7C3", "amber": "FCE8B2", "green": "CFE8CF"}


@dataclass(frozen=True)
class LetterHead:
    """Who writes to whom, about what, and by when an answer is asked for.

    Attributes:
        agency: who is written to.
        lead: who there answers for the data; may be empty.
        route: the secure route by which files and answers come; may be empty.
        partnership: who writes: the area's partnership.
        author: the analyst; may be empty.
        title: title of the profile.
        period: the period covered, in words.
        as_at: date of the profile, which dates the letter.
        answer_by: by when an answer is asked for.
        marking: protective marking.
        synthetic: whether all people are invented.
    """

    agency: str
    lead: str
    route: str
    partnership: str
    author: str
    title: str
    period: str
    as_at: date
    answer_by: date
    marking: str
    synthetic: bool = False


@dataclass(frozen=True)
class _Section:
    name: str
    heading: str
    intro: str
    none: str
    widths: Sequence[int]


SECTIONS = (
    _Section(
        "received",
        "What we received",
        "Every file that was due or arrived. A file whose date was lost when it was copied has no"
        " number of days late.",
        "Nothing was due and nothing arrived.",
        (4, 3, 5, 2, 5, 2),
    ),
    _Section(
        "unused",
        "What we could not use, and why",
        "These rows were set aside or counted once. A row that breaks two rules is named for each."
        " Lines are those of your own file, headings included; \u201cdata row 1\u201d is the first"
        " row below the headings.",
        "Every row could be used.",
        (4, 5, 3, 6, 2, 5),
    ),
    _Section(
        "blanked",
        "What needs correcting at source",
        "These rows were used, but the cell holds something that can't be right, so it counts as"
        " not given.",
        "No cell had to be left out.",
        (4, 5, 3, 6, 2, 5),
    ),
    _Section(
        "repaired",
        "What we read another way",
        "Nothing was lost here, and nothing was guessed. Please tell us if we have misread you.",
        "No cell had to be read another way.",
        (4, 4, 7, 2, 6),
    ),
    _Section(
        "columns_missing",
        "Columns that are missing",
        "The files were read without them; what they tell is not known for those quarters.",
        "No column is missing.",
        (4, 4, 6, 6),
    ),
    _Section(
        "columns_renamed",
        "Columns under another heading",
        "We found these under another name than the one agreed. Please keep to one.",
        "Every heading is as agreed.",
        (4, 5, 5, 5),
    ),
    _Section(
        "unknown",
        "Values that no code list knows",
        "Each counts as not recorded until we know what it means. A value that few rows hold, or"
        " that might say something about a person, is counted and not printed.",
        "Every code is known.",
        (4, 4, 6, 2, 4),
    ),
    _Section(
        "complete",
        "How complete the newest delivery is",
        "Fields we asked for. \u201cNot known\u201d is an honest answer, but it is not"
        " \u201cno\u201d: a child whose ethnic group isn't recorded may be hidden by it.",
        "No field could be judged.",
        (5, 3, 4, 3, 2, 6),
    ),
    _Section(
        "gaps",
        "Questions that you may be able to answer",
        "From the intelligence gaps of the profile. Small numbers are withheld.",
        "No question of this profile is addressed to you.",
        (2, 7, 7, 3, 2),
    ),
)


def agency_letter(head: LetterHead, tables: Mapping[str, pl.DataFrame]) -> bytes:
    """Return the letter as DOCX.

    Args:
        head: who writes to whom.
        tables: text as printed, by section: `summary` (first column the dataset), `received`,
            `unused`, `blanked`, `repaired`, `columns_missing`, `columns_renamed`, `unknown`,
            `complete` and `gaps` (`gap, finding, question, due, priority`). Column names are the
            headings; an empty or absent table prints a sentence that says so. No table may hold
            personal data: the letter leaves the analyst's desk.
    """
    document = _blank(head)
    _opening(document, head)
    summary = tables.get("summary", pl.DataFrame())
    _heading(document, "At a glance")
    _table(document, summary, (6, 3, 3, 2, 3, 4))
    _heading(document, "What we ask of you")
    _asks(document, head, tables)
    for number, section in enumerate(SECTIONS, start=1):
        frame = tables.get(section.name, pl.DataFrame())
        _heading(document, f"{number}. {section.heading}")
        if frame.is_empty():
            document.add_paragraph(section.none)
            continue
        document.add_paragraph(section.intro)
        _table(document, _named(frame) if section.name == "gaps" else frame, section.widths)
    _closing(document, head)
    made = io.BytesIO()
    document.save(made)
    return _same_dates(made.getvalue())


def _named(gaps: pl.DataFrame) -> pl.DataFrame:
    days = [_day_of(text) for text in gaps["due"].cast(pl.String).to_list()]
    return gaps.select(
        pl.col("gap").alias("Gap"),
        pl.col("finding").alias("What is not known"),
        pl.col("question").alias("Question"),
        pl.Series("By", days, pl.String),
        pl.col("priority").alias("Priority"),
    )


def _blank(head: LetterHead) -> "Document":
    """Return an A4 document with the letter's styles, marking and page numbers."""
    import docx
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Cm, Pt, RGBColor

    document = docx.Document()
    for name, size in {"Normal": 10, "Heading 1": 16, "Heading 2": 12}.items():
        style: Any = document.styles[name]
        style.font.name, style.font.size, style.font.bold = FONT, Pt(size), name != "Normal"
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in list(fonts.attrib):
            del fonts.attrib[attribute]
        for script in ("ascii", "hAnsi", "cs", "eastAsia"):
            fonts.set(qn(f"w:{script}"), FONT)
        if name != "Normal":
            style.font.color.rgb = RGBColor.from_string(INK)
            style.paragraph_format.space_before = Pt(14)
            style.paragraph_format.keep_with_next = True
    normal: Any = document.styles["Normal"]
    normal.paragraph_format.space_after = Pt(6)
    language = normal.element.get_or_add_rPr().makeelement(qn("w:lang"), {qn("w:val"): "en-GB"})
    normal.element.get_or_add_rPr().append(language)
    section = document.sections[0]
    section.page_width, section.page_height = Cm(PAGE_CM), Cm(29.7)
    section.left_margin = section.right_margin = Cm(MARGIN_CM)
    section.top_margin = section.bottom_margin = Cm(2.2)
    top = section.header.paragraphs[0]
    top.text, top.alignment = _plain(head.marking), WD_ALIGN_PARAGRAPH.CENTER
    top.runs[0].font.bold, top.runs[0].font.size = True, Pt(9)
    foot = section.footer.paragraphs[0]
    foot.text = _plain(f"{head.title}: letter to {head.agency}, {_day(head.as_at)} · page ")
    foot.alignment = WD_ALIGN_PARAGRAPH.CENTER
    _page_number(foot)
    for run in foot.runs:
        run.font.size = Pt(8)
    written = datetime(head.as_at.year, head.as_at.month, head.as_at.day, tzinfo=UTC)
    properties = document.core_properties
    properties.title = _plain(f"{head.title}: your data, {head.agency}")
    properties.author = _plain(head.author or head.partnership)
    properties.comments, properties.last_modified_by = "", properties.author
    properties.language = "en-GB"
    properties.created = properties.modified = written
    return document


def _opening(document: "Document", head: LetterHead) -> None:
    to = f"To: {head.agency}" + (f", {head.lead}" if head.lead else "")
    _lines(
        document,
        [to, f"From: {head.author or 'The analyst'}, {head.partnership}", _day(head.as_at)],
    )
    document.add_heading(_plain(f"{head.title}: the data you sent"), level=1)
    if head.synthetic:
        document.add_paragraph().add_run(SYNTHETIC).bold = True
    document.add_paragraph(
        _plain(
            f"Thank you for what you have sent for {head.period}. A profile is as good as the files"
            " behind it. This letter says what arrived, what we could use and what not, and what we"
            " ask of you. It names no child and no other person: rows are named by where they stand"
            " in your own file, so that you can find them there."
        )
    )


def _lines(document: "Document", texts: Sequence[str]) -> None:
    from docx.shared import Pt

    for text in texts:
        document.add_paragraph(_plain(text)).paragraph_format.space_after = Pt(0)


def _heading(document: "Document", text: str) -> None:
    document.add_heading(_plain(text), level=2)


def _asks(document: "Document", head: LetterHead, tables: Mapping[str, pl.DataFrame]) -> None:
    """List what the agency is asked to do, from the sections that have something in them."""
    by = _day(head.answer_by)

    def rows(name: str) -> int:
        return tables.get(name, pl.DataFrame()).height

    received = tables.get("received", pl.DataFrame())
    absent = 0
    if received.height:
        state = received["What became of it"]
        absent = int(state.str.contains("^(Nothing arrived|Could not be|Refused)").sum())
    complete = tables.get("complete", pl.DataFrame())
    red = int((complete["Judged"] == "red").sum()) if complete.height else 0
    asks = [
        (absent, f"Send the {_count(absent, 'delivery', 'deliveries')} that we don't have or could"
         f" not read (section 1), or tell us why it can't be sent, by {by}."),
        (rows("unused") + rows("blanked"), "Correct in your own system the rows listed in sections"
         f" 2 and 3, and send the files again, by {by}."),
        (rows("columns_missing"), "Put back the columns listed in section 5, from the next delivery"
         f" on; tell us by {by} if you can't."),
        (rows("columns_renamed"), "Tell us which headings you mean to keep (section 6)."),
        (rows("unknown"), f"Tell us what the values in section 7 mean, by {by}."),
        (red, f"Tell us what keeps the {_count(red, 'field', 'fields')} marked red in section 8"
         f" from being recorded or passed on, by {by}."),
        (rows("gaps"), f"Answer the {_count(rows('gaps'), 'question', 'questions')} in section 9 by"
         " the date beside each."),
    ]  # fmt: skip
    wanted = [text for count, text in asks if count]
    if not wanted:
        document.add_paragraph("Nothing: everything we asked for came and could be used.")
    for text in wanted:
        document.add_paragraph(_plain(text), style="List Number")


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _closing(document: "Document", head: LetterHead) -> None:
    _heading(document, "How to answer")
    route = head.route or "the secure route we have agreed"
    document.add_paragraph(
        _plain(
            f"Please answer by {_day(head.answer_by)}, by {route[0].lower() + route[1:]}. Don't"
            " write any child's name into an ordinary e-mail; the line in your file is enough. What"
            " you send again replaces the earlier file of the same quarter; the earlier one is kept"
            " and not counted."
        )
    )
    _lines(document, [head.author or "The analyst", head.partnership])


def _table(document: "Document", frame: pl.DataFrame, widths: Sequence[int]) -> None:
    """Add a table: shaded headings repeated on each page, thin lines, widths of the page."""
    from docx.shared import Cm, Pt

    if frame.is_empty():
        document.add_paragraph("Nothing is held.")
        return
    total = sum(widths[: frame.width])
    sizes = [(PAGE_CM - 2 * MARGIN_CM) * width / total for width in widths[: frame.width]]
    made = document.add_table(rows=1 + frame.height, cols=frame.width)
    made.autofit = False
    _borders(made)
    grid = [list(row.cells) for row in made.rows]
    for column, name in enumerate(frame.columns):
        texts = [name, *(text or "–" for text in frame[name].cast(pl.String).to_list())]
        for row, text in enumerate(texts):
            cell = grid[row][column]
            cell.width = Cm(sizes[column])
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.space_after = Pt(1)
            run = paragraph.add_run(_plain(text))
            run.font.size, run.font.bold = Pt(8), row == 0
            word = text.split(" ")[0]
            shade = BAND if row == 0 else COLOURS.get(word, "") if name in RAG_COLUMNS else ""
            if shade:
                _shade(cell, shade)
    _repeat(made.rows[0])
    for line in made.rows:
        _whole(line)
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def _borders(table: Any) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    edges = "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="{RULE}"/>'
        for edge in ("top", "bottom", "insideH")
    )
    borders = parse_xml(f"<w:tblBorders {nsdecls('w')}>{edges}</w:tblBorders>")
    # The schema wants them right after the table's width.
    width = next(part for part in table._tbl.tblPr if part.tag.endswith("}tblW"))
    width.addnext(borders)


def _shade(cell: Any, colour: str) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    cell._tc.get_or_add_tcPr().append(
        parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="{colour}"/>')
    )


def _repeat(row: Any) -> None:
    """Repeat the row on every page; a screen reader takes it for the headings too."""
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    row._tr.get_or_add_trPr().append(parse_xml(f"<w:tblHeader {nsdecls('w')}/>"))


def _whole(row: Any) -> None:
    from docx.oxml import parse_xml
    from docx.oxml.ns import nsdecls

    row._tr.get_or_add_trPr().append(parse_xml(f"<w:cantSplit {nsdecls('w')}/>"))


def _plain(text: str) -> str:
    """Return a text in one line without characters that XML can't hold."""
    return "".join(c if c.isprintable() else " " for c in text)


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _day_of(text: str) -> str:
    try:
        return _day(date.fromisoformat(text))
    except ValueError:
        return text
