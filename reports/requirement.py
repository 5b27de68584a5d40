"""What each agency is asked for: a Word document and blank workbooks, from the plan alone.

The strategy wants a specific information requirement for each agency, voluntary projects included.
No data is read: everything here can be written before anything has arrived. Same plan, same bytes.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from profile_pipeline.plan.collection import Agency, Dataset
from profile_pipeline.plan.lawful_basis import basis_gaps
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.requirement import (
    FORMS,
    TemplateColumn,
    asked_for,
    denominators,
    due_files,
    secure_route,
    template_of,
    thresholds,
)
from profile_pipeline.plan.standards import standard
from reports.information_report_form import information_report_form
from reports.letter import SYNTHETIC
from reports.templates import CodeBlock, code_blocks, template_workbook
from reports.word import Page, bullets, day_in_words, docx_bytes, new_document, paragraph, table

if TYPE_CHECKING:
    from docx.document import Document

NO_ROUTE = "not agreed yet: please agree one with us before you send anything"
MARKING = "OFFICIAL · contains no personal data"
REPORTS = "information_report"
FORM = "information_report_form.docx"
SHORT_LIST = 7  # choices that are named beside the field; longer lists stand at the end


def write_requests(plan: Plan, folder: Path) -> list[Path]:
    """Write every agency's information requirement and blank templates; return what was written.

    `folder` gets one folder an agency, named by its id: `information_requirement.docx`, a
    `<dataset>_template.xlsx` for each dataset that isn't a statutory return, and for whoever
    collates information reports the blank form. Files of the same names are replaced.
    """
    written = []
    for agency in plan.collection.agencies:
        datasets = [dataset for dataset in plan.datasets if dataset.agency == agency.id]
        if not datasets:
            continue
        files = {"information_requirement.docx": information_requirement(plan, agency)}
        for dataset in datasets:
            workbook = template_workbook(plan, dataset)
            if workbook is not None:
                files[template_name(dataset)] = workbook
            if collates_reports(dataset):
                files[FORM] = information_report_form(plan, agency)
        target = folder / agency.id
        target.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (target / name).write_bytes(content)
            written.append(target / name)
    return written


def template_name(dataset: Dataset) -> str:
    """Return the file name of a dataset's blank template."""
    return f"{dataset.id}_template.xlsx"


def collates_reports(dataset: Dataset) -> bool:
    """Whether a dataset is the log of information reports."""
    return any(event.measure == REPORTS for event in dataset.events)


def information_requirement(plan: Plan, agency: Agency) -> bytes:
    """Return one agency's information requirement as DOCX."""
    settings = plan.settings
    document = new_document(
        Page(
            title=f"Information requirement: {agency.name}",
            marking=MARKING,
            footer=f"{settings.title}: information requirement for {agency.name}",
            author=settings.author or settings.title,
            as_at=settings.as_at,
        )
    )
    datasets = [dataset for dataset in plan.datasets if dataset.agency == agency.id]
    _opening(document, plan, agency, datasets)
    blocks: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for number, dataset in enumerate(datasets, start=1):
        for block in _dataset(document, plan, agency, dataset, number):
            blocks.setdefault(block.choices, []).extend(block.headings)
    _registers(document, plan, agency)
    _sending(document, plan, agency, datasets)
    _codes(document, blocks)
    return docx_bytes(document)


def _opening(document: "Document", plan: Plan, agency: Agency, datasets: list[Dataset]) -> None:
    settings = plan.settings
    document.add_paragraph("Information requirement", style="Title")
    paragraph(document, agency.name, bold=True, points=13, after=2)
    paragraph(document, settings.title, after=8)
    if settings.synthetic:
        paragraph(document, SYNTHETIC, bold=True)
    period = settings.period
    table(
        document,
        (),
        [
            ("Your lead", agency.lead or "not stated: please tell us"),
            ("Asked by", settings.author or "the analyst of the partnership"),
            ("Agreed with", plan.collection.agreed_with or "not stated"),
            ("Period", f"{day_in_words(period.start)} to {day_in_words(period.end)}"),
            ("Datasets", "; ".join(dataset.title for dataset in datasets)),
            ("Secure route", secure_route(agency, datasets) or NO_ROUTE),
            ("Version and date", f"{settings.version}, {day_in_words(settings.as_at)}"),
        ],
        (4, 13),
    )
    document.add_heading("Why you are asked", level=1)
    paragraph(document, f"{settings.terms_of_reference.aim.rstrip('.')}.")
    paragraph(
        document,
        "Every agency holds a few pieces. Put together, they show which children are being harmed"
        " or may be, where, and by whom, and what none of us knows. We ask for as little as that"
        " needs: by default only children who meet an indicator, never a whole list of children"
        " unless the reason is written down here.",
    )
    document.add_heading("What you get back", level=1)
    bullets(
        document,
        [
            "A letter on each delivery: what arrived, what could and couldn't be used and why, with"
            " row numbers you can find in your own file. It names no child.",
            "The intelligence gaps that you may be able to close, as questions with a date.",
            "The problem profile, through your member of the sub-group.",
        ],
    )


def _dataset(
    document: "Document", plan: Plan, agency: Agency, dataset: Dataset, number: int
) -> list[CodeBlock]:
    """Write one dataset's part and return the code lists that are too long to stand in it."""
    document.add_heading(f"{number}. {dataset.title}", level=1)
    table(
        document,
        (),
        [
            ("What", dataset.what),
            ("Why", dataset.why),
            ("How", dataset.how),
            ("Your lead", dataset.lead or agency.lead or "not stated"),
            ("Kept for", dataset.keep_for),
        ],
        (3, 14),
    )
    document.add_heading("Who is asked for", level=2)
    paragraph(document, asked_for(plan, dataset), bold=True, after=2)
    bullets(document, thresholds(plan, dataset))
    paragraph(document, f"Totals for rates: {denominators(dataset)}")
    document.add_heading("Lawful basis", level=2)
    table(document, (), dataset.lawful_basis.lines(), (5, 12))
    lacks = basis_gaps(dataset, agency)
    if lacks:
        paragraph(
            document,
            f"Still to be settled between the controllers: {', '.join(lacks)}.",
            points=9,
        )
    template = template_of(dataset)
    blocks: list[CodeBlock] = []
    document.add_heading("Which fields", level=2)
    if template is None:
        about = standard(str(dataset.standard))["title"]
        paragraph(
            document,
            f"Send your statutory return as it is ({about}, list '{dataset.title}'). Leave its"
            " headings as they are; there is no template to fill.",
        )
    else:
        held = code_blocks(template.columns, plan)
        blocks = [block for block in held if len(block.choices) > SHORT_LIST]
        _fields(document, template.columns, held)
    _due(document, plan, dataset)
    return blocks


def _fields(
    document: "Document", columns: tuple[TemplateColumn, ...], blocks: list[CodeBlock]
) -> None:
    """Write the table of fields; your own headings stand beside where the plan maps them."""
    listed = {heading: block for block in blocks for heading in block.headings}
    mapped = any(column.as_you_send not in (None, column.heading) for column in columns)
    rows = []
    for column in columns:
        how = FORMS[column.kind]
        if block := listed.get(column.heading):
            short = len(block.choices) <= SHORT_LIST
            choices = ", ".join(_choice(text, meaning) for text, meaning in block.choices)
            how = f"One of: {choices}" if short else "One of the list at the end"
        row = (
            column.heading,
            column.meaning,
            how,
            "always" if column.needed else "if known",
        )
        same = column.as_you_send == column.heading
        theirs = "the same" if same else column.as_you_send or "not read from it"
        rows.append((*row, theirs) if mapped else row)
    headings = ("Heading in the template", "What it means", "How to write it", "Needed")
    if mapped:
        paragraph(
            document,
            "You may go on sending your own extract under your own headings (last column), or the"
            " template filled. Either loads without further work.",
            after=4,
        )
        table(document, (*headings, "In your extract"), rows, (4.2, 5, 4, 1.7, 3), points=8)
    else:
        paragraph(
            document,
            "Please fill the blank workbook that comes with this document: it has these headings.",
            after=4,
        )
        table(document, headings, rows, (4.4, 6.2, 4.6, 1.8), points=8)


def _choice(text: str, meaning: str) -> str:
    return f"{text} ({meaning})" if meaning else text


def _due(document: "Document", plan: Plan, dataset: Dataset) -> None:
    document.add_heading("What is due when", level=2)
    files = due_files(plan, dataset)
    if not files:
        paragraph(document, "Nothing is due in this period.")
        return
    is_return = template_of(dataset) is None
    rows = [
        (
            each.quarter,
            each.file,
            "" if is_return else f"{Path(each.file).stem}.xlsx",
            day_in_words(each.due_on),
        )
        for each in files
    ]
    if is_return:
        shown = [(quarter, file, due) for quarter, file, _, due in rows]
        table(document, ("Quarter", "Name of the file", "Due"), shown, (3, 9, 5))
        return
    if all(file == filled for _, file, filled, _ in rows):
        shown = [(quarter, file, due) for quarter, file, _, due in rows]
        table(document, ("Quarter", "Name of the file", "Due"), shown, (3, 9, 5))
        return
    table(
        document,
        ("Quarter", "Your extract", "or the template, filled", "Due"),
        rows,
        (3, 5, 5, 4),
    )


def _registers(document: "Document", plan: Plan, agency: Agency) -> None:
    """Name the registers that the agency supplies; nothing when it supplies none."""
    held = [
        source
        for source in plan.collection.context
        if source.agency.strip().casefold() == agency.name.strip().casefold()
    ]
    if held:
        document.add_heading("Registers and layers", level=1)
        rows = [(s.kind.replace("_", " "), s.why, Path(s.file).name) for s in held]
        table(document, ("What", "Why", "Name of the file"), rows, (5, 8, 4))


def _sending(document: "Document", plan: Plan, agency: Agency, datasets: list[Dataset]) -> None:
    settings = plan.settings
    document.add_heading("How to fill and send", level=1)
    route = secure_route(agency, datasets)
    by = f"by the secure route alone: {route}" if route else "only when a secure route is agreed"
    kept = "; ".join(dict.fromkeys(dataset.keep_for for dataset in datasets))
    bullets(
        document,
        [
            "One row a record, headings in the first row, one file a dataset and quarter.",
            "Leave a cell blank when you don't know. Never write a stand-in such as 01/01/1900 or a"
            " made-up name: 'not known' is not 'no'.",
            "Write identifiers as text, so that leading zeros stay.",
            "Don't add columns, notes about a child or people who aren't asked for.",
            f"Filled files are {settings.protective_marking}. Send them {by}. No child's name in"
            " the subject or text of an e-mail.",
            "Name each file as in its table. A corrected file has _v2, _v3 at the end of its name;"
            " it replaces the earlier one, which is kept and not counted.",
            "If you can't send a field, tell us: a gap that is known can be asked about elsewhere.",
            f"Files are kept for {kept}, then deleted; what was deleted is logged.",
        ],
    )
    if any(collates_reports(dataset) for dataset in datasets):
        paragraph(
            document,
            "The blank information report (appendix A of the strategy) comes with this document, as"
            " does the log into which reports are entered. The two grades run in opposite"
            " directions: reliability 5 is best, accuracy 1 is best. 'Don't know' is an answer."
            " The reporter's name and contact stay in the log as received and go no further.",
        )
    document.add_heading("Whom to ask", level=1)
    paragraph(document, f"{settings.author or 'The analyst of the partnership'}, {settings.title}.")


def _codes(document: "Document", blocks: dict[tuple[tuple[str, str], ...], list[str]]) -> None:
    if not blocks:
        return
    document.add_heading("Lists to choose from", level=1)
    for choices, headings in blocks.items():
        document.add_heading(", ".join(dict.fromkeys(headings)), level=2)
        has_meaning = any(meaning for _, meaning in choices)
        if has_meaning:
            table(document, ("Write", "What it means"), choices, (8, 9))
        else:
            table(document, ("Write",), [(text,) for text, _ in choices], (17,))
