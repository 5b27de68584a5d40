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
    """A part of the letter: what it is called, how it is introduced, and what its absence says."""

    name: str
    heading: str
    intro: str
    none: str
    widths: Sequence[float]


BY_ROW = ("unused", "repeated", "blanked")  # sections that name rows of the agency's files
ROWS_SAID = (
    " Rows are counted as a spreadsheet shows your file: headings, titles and blank rows included."
)
RECORDS_SAID = " In a file without rows, such as Parquet, the records are counted from 1."
SECTIONS = (
    _Section(
        "received",
        "What we received",
        "Every file that was due or arrived. On which day a file came is not known where copying"
        " changed its date.",
        "Nothing was due.",
        (5, 2.2, 5, 1.8, 5, 2.2),
    ),
    _Section(
        "unused",
        "What we could not use, and why",
        "These rows were set aside. A row with two faults is named for each.",
        "Every row could be used.",
        (4, 5, 3, 6, 2, 5),
    ),
    _Section(
        "repeated",
        "Rows that repeat another",
        "These rows say the same as an earlier row of the same file, to the letter. Each was"
        " counted once.",
        "No row repeats another.",
        (5, 6, 2, 10),
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
        "These came under another heading than the one agreed. They were found and read all the"
        " same.",
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
        "",
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
ABSENT = "^(Nothing arrived|Could not be)"


def agency_letter(head: LetterHead, tables: Mapping[str, pl.DataFrame]) -> bytes:
    """Return the letter as DOCX.

    Sections that have nothing in them are left out, and what that means is said in one list: only
    where rows came at all.

    Args:
        head: who writes to whom.
        tables: text as printed, by section: `summary` (first column the dataset), `received`,
            `unused`, `repeated`, `blanked`, `repaired`, `columns_missing`, `columns_renamed`,
            `unknown`, `complete` and `gaps` (`gap, finding, question, due, priority`). Column names
            are the headings. No table may hold personal data: the letter leaves the analyst's desk.
    """
    document = _blank(head)
    summary = tables.get("summary", pl.DataFrame())
    came = summary.height > 0 and bool((summary["Rows received"] != "0").any())
    _opening(document, head, came=came)
    _heading(document, "At a glance")
    _table(document, summary, (5, 2.2, 2.2, 1.8, 2, 2.2, 6))
    held = [each for each in SECTIONS if not tables.get(each.name, pl.DataFrame()).is_empty()]
    numbers = {section.name: number for number, section in enumerate(held, start=1)}
    _heading(document, "What we ask of you")
    _asks(document, head, tables, numbers)
    for section in held:
        frame = tables[section.name]
        _heading(document, f"{numbers[section.name]}. {section.heading}")
        document.add_paragraph(section.intro + _counting(section, tables))
        _table(document, _named(frame) if section.name == "gaps" else frame, section.widths)
    well = [each.none for each in SECTIONS if came and each not in held and each.none]
    if well:
        _heading(document, "What is in order")
        for text in well:
            document.add_paragraph(text, style="List Bullet")
    _closing(document, head)
    made = io.BytesIO()
    document.save(made)
    return _same_dates(made.getvalue())


def _counting(section: _Section, tables: Mapping[str, pl.DataFrame]) -> str:
    """Return how rows, and records, are counted: in the section where they are first named."""
    said = ""
    for word, text in (("row", ROWS_SAID), ("record", RECORDS_SAID)):
        naming = [
            name
            for name in BY_ROW
            if not (frame := tables.get(name, pl.DataFrame())).is_empty()
            and frame["Where in your file"].str.contains(rf"^{word}s? ").any()
        ]
        said += text if naming[:1] == [section.name] else ""
    return said


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


def _opening(document: "Document", head: LetterHead, *, came: bool) -> None:
    to = f"To: {head.agency}" + (f", {head.lead}" if head.lead else "")
    _lines(
        document,
        [to, f"From: {head.author or 'The analyst'}, {head.partnership}", _day(head.as_at)],
    )
    about = "the data you sent" if came else "the data we asked you for"
    document.add_heading(_plain(f"{head.title}: {about}"), level=1)
    if head.synthetic:
        document.add_paragraph().add_run(SYNTHETIC).bold = True
    if came:
        text = (
            f"Thank you for what you have sent for {head.period}. A profile is as good as the files"
            " behind it. This letter says what arrived, what we could use and what not, and what we"
            " ask of you. It names no child and no other person: rows are named by where they stand"
            " in your own file, so that you can find them there."
        )
    else:
        text = (
            f"For {head.period} we hold nothing from you that could be used, so what your agency"
            " knows is missing from the profile: a child whom only you see is not in it. This"
            " letter says what was asked for, what arrived, and what we ask of you. It names no"
            " child and no other person."
        )
    document.add_paragraph(_plain(text))


def _lines(document: "Document", texts: Sequence[str]) -> None:
    from docx.shared import Pt

    for text in texts:
        document.add_paragraph(_plain(text)).paragraph_format.space_after = Pt(0)


def _heading(document: "Document", text: str) -> None:
    document.add_heading(_plain(text), level=2)


def _asks(
    document: "Document",
    head: LetterHead,
    tables: Mapping[str, pl.DataFrame],
    numbers: Mapping[str, int],
) -> None:
    """List what the agency is asked to do, from the sections that have something in them."""

    def section(*names: str) -> str:
        places = [str(numbers[name]) for name in names if name in numbers]
        return f"section{'s' if len(places) > 1 else ''} {' and '.join(places)}"

    wanted = []
    received = tables.get("received", pl.DataFrame())
    absent = int(received["What became of it"].str.contains(ABSENT).sum()) if received.height else 0
    if absent:
        wanted.append(
            f"Send the {_count(absent, 'delivery', 'deliveries')} that we don't have or could not"
            f" use ({section('received')}), or tell us why {_it(absent)} can't be sent."
        )
    if "unused" in numbers or "blanked" in numbers:
        wanted.append(
            f"Check the rows of {section('unused', 'blanked')} in your own system, correct what is"
            " wrong there, and send those files again. Tell us when a row is right as it is."
        )
    if "repeated" in numbers:
        wanted.append(
            f"Look at the repeats of {section('repeated')}: where two rows are two events, tell us"
            " what tells them apart. Otherwise there is nothing to do."
        )
    if "columns_missing" in numbers:
        wanted.append(
            f"Send the files of {section('columns_missing')} again with the columns they lack, and"
            " keep them in what you send next; or tell us that you can't."
        )
    if "columns_renamed" in numbers:
        wanted.append(
            f"Tell us whether the headings of {section('columns_renamed')} will stay as they are"
            " now."
        )
    if "unknown" in numbers:
        wanted.append(f"Tell us what the values of {section('unknown')} mean.")
    complete = tables.get("complete", pl.DataFrame())
    red = int((complete["Judged"] == "red").sum()) if complete.height else 0
    if red:
        fields = "the field that is" if red == 1 else f"the {red} fields that are"
        wanted.append(
            f"Tell us what keeps {fields} marked red in {section('complete')} from being recorded"
            " or passed on."
        )
    asked = tables.get("gaps", pl.DataFrame()).height
    if asked:
        questions = "the question" if asked == 1 else f"the {asked} questions"
        beside = "it" if asked == 1 else "each"
        wanted.append(f"Answer {questions} of {section('gaps')} by the date beside {beside}.")
    if not wanted:
        document.add_paragraph("Nothing: everything we asked for came and could be used.")
        return
    document.add_paragraph(_plain(f"Would you please, by {_day(head.answer_by)}:"))
    for text in wanted:
        document.add_paragraph(_plain(text), style="List Number")


def _it(number: int) -> str:
    return "it" if number == 1 else "they"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _closing(document: "Document", head: LetterHead) -> None:
    _heading(document, "How to answer")
    route = head.route or "a secure route, which please agree with us first"
    document.add_paragraph(
        _plain(
            f"Please answer by {_day(head.answer_by)}, by {_in_sentence(route)}. Don't"
            " write any child's name into an ordinary e-mail; file and row are enough. A corrected"
            " file has the name of the first with _v2 at its end (2015-16_Q4_v2.csv): it replaces"
            " the earlier one, which is kept and not counted."
        )
    )
    _lines(document, [head.author or "The analyst", head.partnership])


def _in_sentence(text: str) -> str:
    """Return a text as it stands within a sentence; `NHSmail` and `CJSM` stay as they are."""
    return text[:1].lower() + text[1:] if text[1:2].islower() else text


def _table(document: "Document", frame: pl.DataFrame, widths: Sequence[float]) -> None:
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
    for place, size in zip(made.columns, sizes, strict=True):
        place.width = Cm(size)  # Of the grid: some programs pass over the widths of cells.
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
            word = text.split(" ")[0].rstrip(":")
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
