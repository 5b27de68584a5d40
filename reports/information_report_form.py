"""The blank information report, appendix A of the strategy, on two pages.

The form's two scales run in opposite directions: reliability 5 is best, accuracy 1 is best. Both
ends are printed beside every row of boxes, and "don't know" has its own box, so that nobody guesses
and nobody grades upside down. A page holds fixed heights that fit it, whatever the word processor.
"""

from collections.abc import Sequence
from typing import Any

from profile_pipeline.plan.collection import Agency
from profile_pipeline.plan.load import Plan
from reports.reference_docx import BAND
from reports.word import BOX, Page, boxed, docx_bytes, new_document, plain

MARGIN_CM = 1.7
WIDTH_CM = 21.0 - 2 * MARGIN_CM
# A4 less margins of 2 cm above and below.
HEIGHT_CM = 29.7 - 4.0
TITLE_CM, HEAD_CM = 1.0, 0.62


class _Form:
    """The document and how much of the page is used (cm)."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.used = 0.0

    def head(self, text: str) -> None:
        """Add a shaded line that names a part."""
        self.rows([[text]], [1], HEAD_CM, shaded=True)

    def rows(
        self,
        rows: Sequence[Sequence[str]],
        widths: Sequence[float],
        height: float,
        *,
        shaded: bool = False,
        first_bold: bool = False,
    ) -> None:
        """Add rows of fixed height (cm); widths in parts of the page."""
        from docx.enum.table import WD_ROW_HEIGHT_RULE
        from docx.shared import Cm, Pt

        from reports.letter import _shade

        made = self.document.add_table(rows=len(rows), cols=len(widths))
        made.autofit = False
        boxed(made)
        sizes = [WIDTH_CM * width / sum(widths) for width in widths]
        for column, size in zip(made.columns, sizes, strict=True):
            column.width = Cm(size)
        for row, texts in zip(made.rows, rows, strict=True):
            row.height, row.height_rule = Cm(height), WD_ROW_HEIGHT_RULE.EXACTLY
            for place, (cell, text) in enumerate(zip(row.cells, texts, strict=True)):
                cell.width = Cm(sizes[place])
                inside = cell.paragraphs[0]
                inside.paragraph_format.space_after = Pt(0)
                run = inside.add_run(plain(text))
                run.font.size = Pt(9 if not shaded else 9.5)
                run.bold = (shaded or (first_bold and place == 0)) or None
                if shaded:
                    _shade(cell, BAND)
        self.used += height * len(rows)

    def text(self, text: str, height: float, *, bold: bool = False, points: float = 8.5) -> None:
        """Add a line or two between tables; `height` (cm) is what they take."""
        from docx.enum.text import WD_LINE_SPACING
        from docx.shared import Cm, Pt

        made = self.document.add_paragraph()
        made.paragraph_format.space_after = made.paragraph_format.space_before = Pt(0)
        if not text:
            made.paragraph_format.line_spacing_rule = WD_LINE_SPACING.EXACTLY
            made.paragraph_format.line_spacing = Cm(height)
        run = made.add_run(plain(text))
        run.font.size, run.bold = Pt(points), bold or None
        self.used += height

    def new_page(self, title: str) -> None:
        """Start the next page under a title; raise when what is on this one doesn't fit it."""
        self.fit()
        self.used = 0.0
        self.text(title, 0.9, bold=True, points=13)
        self.document.paragraphs[-1].paragraph_format.page_break_before = True

    def fit(self) -> None:
        """Raise ValueError when the page is overfull: a third page would be torn off and lost."""
        if self.used > HEIGHT_CM:
            raise ValueError(f"the form's page takes {self.used:.1f} cm of {HEIGHT_CM:.1f} cm")


def information_report_form(plan: Plan, agency: Agency) -> bytes:
    """Return the blank form as DOCX: two pages; `agency` is who collates the reports."""
    settings = plan.settings
    document = new_document(
        Page(
            title="Information report",
            marking=f"{settings.protective_marking} when filled in",
            footer=f"{settings.area.name}: information report",
            author=settings.author or settings.title,
            as_at=settings.as_at,
            margin_cm=MARGIN_CM,
            points=9,
        )
    )
    form = _Form(document)
    _first_page(form)
    form.new_page("What is reported")
    _second_page(form, agency)
    form.fit()
    return docx_bytes(document)


def _ticks(*labels: str) -> str:
    return "      ".join(f"{BOX} {label}" for label in labels)


def _first_page(form: _Form) -> None:
    form.text("Child sexual exploitation: information report", TITLE_CM, bold=True, points=16)
    form.text(
        "If a child is in danger now, ring 999. This form is for information: it takes"
        " the place of no referral. Write what is known; tick 'don't know' rather than guess.",
        0.85,
    )
    form.text("", 0.2)
    form.head("1. This report")
    form.rows(
        [["Date and time of report", "", "Date and time of what is reported", ""]],
        [4, 4, 5, 4],
        0.8,
    )
    form.text("", 0.2)
    form.head(
        "2. Who reports (name and contact are kept apart, never passed on with the information)"
    )
    form.rows(
        [
            ["Name", "", "Post or job title", ""],
            ["Agency", "", "Contact details", ""],
        ],
        [2.5, 6, 3, 6],
        0.8,
    )
    form.rows([[_ticks("Witnessed incident", "Professional", "Member of the public")]], [1], 0.7)
    form.text("", 0.2)
    form.head("3. Grades: the two scales run in opposite directions")
    form.rows(
        [
            [
                "How reliable is the source, if not yourself?",
                f"{BOX} 5  always reliable",
                f"{BOX} 4",
                f"{BOX} 3",
                f"{BOX} 2",
                f"{BOX} 1  unreliable",
                f"{BOX} don't know",
            ],
            [
                "How accurate is the information?",
                f"{BOX} 1  known to be true without doubt",
                f"{BOX} 2",
                f"{BOX} 3",
                f"{BOX} 4",
                f"{BOX} 5  suspected false",
                f"{BOX} don't know",
            ],
        ],
        [4.2, 3.4, 1.2, 1.2, 1.2, 2.8, 2.4],
        1.25,
        first_bold=True,
    )
    form.text(
        "Reliability: 5 is the best grade, 1 the worst. Accuracy: 1 is the best, 5 the worst.",
        0.5,
        bold=True,
    )
    form.text("", 0.2)
    form.head("4. If a third party gave the information")
    form.rows(
        [["Would they be willing to engage with the police?", _ticks("Yes", "No", "Not asked")]],
        [7, 10],
        0.7,
    )
    form.text("", 0.2)
    form.head("5. Licensed service (newsagent, takeaway, pub, off-licence, taxi, hotel and so on)")
    form.rows(
        [
            ["Is a licensed service involved?", _ticks("Yes", "No", "Don't know")],
            ["Trading name", ""],
            ["Address of the premises", ""],
            ["Postcode, or nearest street", ""],
        ],
        [5, 12],
        0.75,
    )
    form.text("", 0.2)
    form.head("6. Consent to share (of the person the information is about)")
    form.rows(
        [[_ticks("Sought and given", "Limited", "Dispensed with", "Not stated")], ["Why:"]],
        [1],
        0.85,
    )
    form.text("", 0.2)
    form.head("7. Children spoken of (one line each)")
    form.rows(
        [["Forename", "Surname", "Also known as", "Date of birth or age", "Where living"]],
        [3, 3, 3, 3, 5],
        0.6,
    )
    form.rows([[""] * 5] * 3, [3, 3, 3, 3, 5], 0.75)


def _second_page(form: _Form, agency: Agency) -> None:
    form.head("8. Persons of concern (one line each)")
    form.rows(
        [["Forename", "Surname", "Nickname", "Age, description", "Vehicle, address"]],
        [3, 3, 3, 3, 5],
        0.6,
    )
    form.rows([[""] * 5] * 3, [3, 3, 3, 3, 5], 0.75)
    form.text("", 0.2)
    form.head("9. What was seen, heard or said (fact). Who, where, when, words used, descriptions")
    form.rows([[""]], [1], 8.0)
    form.text("", 0.2)
    form.head("10. What you think it may mean (opinion)")
    form.rows([[""]], [1], 3.6)
    form.text("", 0.2)
    form.head("11. Where: place, kind of place, and whether online (site or application)")
    form.rows([[""]], [1], 1.5)
    form.text("", 0.2)
    form.head(f"For {agency.name} alone")
    form.rows(
        [
            ["Report reference", "", "Received on, by", ""],
            ["Entered in the log on", "", "Passed to, on", ""],
        ],
        [4, 4.5, 4, 4.5],
        0.75,
    )
    form.rows(
        [
            ["Handling code", _ticks("P may be shared lawfully", "C with conditions")],
            ["Conditions", ""],
            ["Sanitised", _ticks("Yes: nothing in it shows who the source is", "No")],
        ],
        [4, 13],
        0.75,
    )
    form.text("", 0.25)
    route = agency.contact_route or "the secure route agreed with the partnership"
    form.text(
        f"Send this report to {agency.name}, by {route}. Until it has a handling code and is"
        " sanitised it is restricted: it is not shown to any panel or group.",
        0.9,
    )
