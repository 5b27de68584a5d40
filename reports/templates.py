"""Blank workbooks for agencies to fill: headings in row 1, lists to choose from, notes apart.

Lays out the columns that `plan.requirement` gives; same plan, same bytes. A template holds no data.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.requirement import (
    FORMS,
    TemplateColumn,
    choice_meanings,
    choices,
    due_files,
    template_of,
)
from profile_pipeline.workbooks import CREATED, neutralise

DATA, NOTES, CODES = "Data", "Notes", "Codes"
# Rows that the lists and date checks reach; more rows load all the same.
ROWS = 10_000
INK, PALE, LINE = "#1f3a4d", "#5b7486", "#b8c4cc"
HOW = (
    "Fill the sheet 'Data' from row 2 on, one row a record. Leave row 1 as it is: the headings are"
    " how the file is read.",
    "Leave a cell blank, or choose 'not known', when you don't know. Never write a stand-in such as"
    " 01/01/1900: 'not known' is not 'no'.",
    "Numbers that identify (NHS number, UPN, case number) are text here: leading zeros stay.",
    "Don't add columns and don't send more people than are asked for.",
    "Save the file under the name given below and send it by the secure route alone.",
)


@dataclass(frozen=True)
class CodeBlock:
    """A list of the sheet 'Codes': which headings it serves, its choices and their meanings."""

    headings: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]


def code_blocks(columns: Sequence[TemplateColumn], plan: Plan) -> list[CodeBlock]:
    """Return the lists of a template, each once, with the headings that use it."""
    found: dict[tuple[tuple[str, str], ...], list[str]] = {}
    for column in columns:
        if column.kind in ("code", "yes_no"):
            found.setdefault(_listed(column, plan), []).append(column.heading)
    return [CodeBlock(tuple(headings), listed) for listed, headings in found.items()]


def _listed(column: TemplateColumn, plan: Plan) -> tuple[tuple[str, str], ...]:
    """Return each choice of a column and what it means; the meaning may be empty."""
    if column.codes:
        shown = [text for text, _ in choices(column.codes, plan.own_codes)]
        meanings = choice_meanings(column)
        return tuple((text, meanings.get(text, "")) for text in shown)
    return (*((value, "") for value in column.values), ("not known", ""))


def template_workbook(plan: Plan, dataset: Dataset) -> bytes | None:
    """Return a dataset's blank XLSX; null for a statutory return, which has a layout of its own."""
    import xlsxwriter

    template = template_of(dataset)
    if template is None:
        return None
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": f"{dataset.title}: blank template", "created": CREATED})
        blocks = code_blocks(template.columns, plan)
        page = book.add_worksheet(DATA)
        notes = book.add_worksheet(NOTES)
        codes = book.add_worksheet(CODES)
        ranges = _write_codes(book, codes, blocks)
        _write_data(book, page, template.columns, ranges)
        _write_notes(book, notes, plan, dataset, template.columns)
        page.activate()
    return buffer.getvalue()


def _write_codes(book: Any, page: Any, blocks: Sequence[CodeBlock]) -> dict[str, str]:
    """Write the lists side by side and return each heading's range."""
    from xlsxwriter.utility import xl_range_abs

    head = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
    text = book.add_format({"num_format": "@", "valign": "top"})
    ranges: dict[str, str] = {}
    for number, block in enumerate(blocks):
        left = 2 * number
        page.write_string(0, left, ", ".join(block.headings), head)
        page.write_string(0, left + 1, "What it means", head)
        for row, (choice, meaning) in enumerate(block.choices, start=1):
            page.write_string(row, left, neutralise(choice), text)
            page.write_string(row, left + 1, neutralise(meaning), text)
        page.set_column(left, left, 32)
        page.set_column(left + 1, left + 1, 34)
        area = xl_range_abs(1, left, len(block.choices), left)
        ranges.update(dict.fromkeys(block.headings, f"={CODES}!{area}"))
    page.freeze_panes(1, 0)
    return ranges


def _write_data(
    book: Any, page: Any, columns: Sequence[TemplateColumn], ranges: dict[str, str]
) -> None:
    look = {"bold": True, "font_color": "white", "text_wrap": True, "valign": "top",
            "border": 1, "border_color": LINE}  # fmt: skip
    needed = book.add_format({**look, "bg_color": INK})
    wanted = book.add_format({**look, "bg_color": PALE})
    formats = {
        "date": book.add_format({"num_format": "dd/mm/yyyy"}),
        "moment": book.add_format({"num_format": "dd/mm/yyyy hh:mm"}),
        "number": book.add_format({"num_format": "0.##########"}),
        "text": book.add_format({"num_format": "@"}),
    }
    for place, column in enumerate(columns):
        page.write_string(0, place, column.heading, needed if column.needed else wanted)
        page.write_comment(
            0, place, f"{column.meaning} {FORMS[column.kind]}.", {"author": "", "x_scale": 2}
        )
        width = max(len(column.heading) * 0.75, 30 if column.heading == "Information" else 16)
        page.set_column(place, place, min(width, 34), formats.get(column.kind, formats["text"]))
        rule = _validation(column, ranges)
        if rule:
            page.data_validation(1, place, ROWS, place, rule)
    page.set_row(0, 48)
    page.freeze_panes(1, 0)


def _validation(column: TemplateColumn, ranges: dict[str, str]) -> dict[str, Any] | None:
    """Return what a column's cells may hold, with the message a person sees."""
    title = "Not one of the list"
    if column.heading in ranges:
        return {
            "validate": "list",
            "source": ranges[column.heading],
            "error_title": title,
            "error_message": "Choose from the list, or leave the cell blank. The sheet 'Codes' says"
            " what each choice means.",
        }
    if column.kind in ("date", "moment"):
        form = "dd/mm/yyyy hh:mm" if column.kind == "moment" else "dd/mm/yyyy"
        return {
            "validate": "date",
            "criteria": ">",
            "value": date(1900, 1, 1),
            "error_title": "Not a date",
            "error_message": f"Write it as {form}, or leave the cell blank when it isn't known.",
        }
    if column.kind == "number":
        age = column.heading.endswith(" age")
        return {
            "validate": "integer" if age else "decimal",
            **(
                {"criteria": "between", "minimum": 0, "maximum": 120}
                if age
                else {"criteria": ">=", "value": 0}
            ),
            "error_title": "Not a number",
            "error_message": "Write a number, or leave the cell blank when it isn't known.",
        }
    return None


def _file_name(plan: Plan, dataset: Dataset) -> str:
    """Say what the filled file is to be called, by names that are due."""
    names = list(dict.fromkeys(f"{Path(due.file).stem}.xlsx" for due in due_files(plan, dataset)))
    if len(names) < 2:
        return f"Name of the file: {names[0]}." if names else "No file is due in this period."
    what = {"year": "year", "term": "term"}.get(dataset.delivery.every, "quarter")
    return (
        f"Name of the file, one each {what}: {names[0]} to {names[-1]}, as the information"
        " requirement lists them. A corrected file has _v2 at the end of its name."
    )


def _write_notes(
    book: Any, page: Any, plan: Plan, dataset: Dataset, columns: Sequence[TemplateColumn]
) -> None:
    title = book.add_format({"bold": True, "font_size": 14, "font_color": INK})
    bold = book.add_format({"bold": True, "valign": "top", "bottom": 1})
    wrap = book.add_format({"text_wrap": True, "valign": "top"})
    settings = plan.settings
    page.set_column(0, 0, 38)
    page.set_column(1, 1, 10)
    page.set_column(2, 2, 34)
    page.set_column(3, 3, 70)
    page.write_string(0, 0, neutralise(f"{dataset.title}: blank template"), title)
    about = [
        f"From: {plan.agency(dataset.agency).name}. For: {settings.title}.",
        f"When filled: {settings.protective_marking}. Blank, it holds no personal data.",
        *HOW,
        _file_name(plan, dataset),
    ]
    for line, text in enumerate(about, start=1):
        page.merge_range(line, 0, line, 3, neutralise(text), wrap)
        page.set_row(line, 30 if len(text) > 130 else 16)
    top = len(about) + 2
    for place, heading in enumerate(("Heading", "Needed", "How to write it", "What it means")):
        page.write_string(top, place, heading, bold)
    for row, column in enumerate(columns, start=top + 1):
        texts = (
            column.heading,
            "always" if column.needed else "if known",
            FORMS[column.kind],
            column.meaning,
        )
        for place, text in enumerate(texts):
            page.write_string(row, place, neutralise(text), wrap)
