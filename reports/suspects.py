"""`suspects.xlsx`: who among the suspects may be one person, is under 18, or is also a child.

For the analyst alone. Nothing here has been joined. Saved in `review/`, its decisions on pairs of
suspects hold from the next run on, as those of `clerical_review.xlsx` do.
"""

import io
from typing import Any

import polars as pl

from profile_pipeline.file_rows import in_words, with_file_row
from profile_pipeline.tables import FILE_ROWS, SUBJECT_KEY, empty
from profile_pipeline.workbooks import CREATED, EXCEL_CELL_LIMIT, neutralise, row_height
from reports.review import NOTICE_WIDTH, Styles, source_text, write_notice, write_pairs

FIELDS = {
    "forename": "forename",
    "surname": "surname",
    "other_names": "nickname or alias",
    "dob": "date of birth",
    "sex": "sex",
    "vehicle": "vehicle",
}
NOTICE = (
    "Restricted: person-level data, for the analyst alone. Share the minimum necessary.",
    "A suspect is a person whom a record names as one: an allegation until an outcome says "
    + "otherwise.",
    "Sheet 'Review': suspects who may be one person but are kept apart, the likeliest first. "
    + "Write same, different or can't tell in 'decision', your name in 'who', the day in 'when' "
    + "(2016-04-30) and the reason in 'why'; save the workbook in the profile's folder review/ and "
    + "run again. Your decision then holds over all later runs.",
    "A nickname, a car or a crime in common may be shared by several people who act together. How "
    + "much each tells is learnt from records that also give a name (docs/linkage.md).",
    "Sheet 'Under 18': suspects under 18 on the day of a record. A child who harms is often a "
    + "child who is harmed: they stand apart from adults here, and need a child's assessment "
    + "before anything else.",
    "Sheet 'Also a child': suspects whom the evidence says are, or may be, a child whom agencies "
    + "also record, with whether that child is recorded as harmed. They stay two persons in every "
    + "count. Where two children fit (twins, namesakes), neither is said to be the suspect.",
)
HEADS = {
    "person_id": "suspect", "names": "names on record", "born": "dates of birth on record",
    "under_18": "under 18", "rows": "rows", "child_person_id": "child",
    "child_names": "child's names on record", "standing": "standing",
    "indicators": "child's indicators (whole period)", "harmed": "child recorded as harmed",
    "match_weight": "match weight", "speaks_for": "speaks for", "speaks_against": "speaks against",
}  # fmt: skip
ROWS_SHOWN = 12


def suspects_workbook(
    possible: pl.DataFrame,
    cross_role: pl.DataFrame,
    subject: pl.DataFrame,
    record_person: pl.DataFrame,
    identity: pl.DataFrame,
    file_row: pl.DataFrame | None = None,
) -> bytes:
    """Return the workbook; the same frames give the same bytes.

    Args:
        possible: people.possible_same_person.
        cross_role: people.suspect_cross_role.
        subject: records.subject.
        record_person: people.record_person.
        identity: people.identity.
        file_row: quality.file_row, where rows stand in the agencies' files.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": "Suspects (restricted)", "created": CREATED})
        style = Styles(book)
        sheet = book.add_worksheet("Notice")
        sheet.set_column(0, 0, NOTICE_WIDTH)
        sheet.write_string(0, 0, "Suspects: who may be whom", style.strong)
        for place, line in enumerate(NOTICE, start=1):
            write_notice(sheet, place, line, style.text)
        write_pairs(
            book, style, "Review", _side_by_side(possible, subject, identity),
            source_text(identity, file_row), ("person_a", "person_b", "why_apart"),
            ("speaks_for", "speaks_against"), True, FIELDS,
        )  # fmt: skip
        told = _told(cross_role, subject, record_person, file_row)
        young = told.filter(pl.col("under_18") == "yes")
        also = told.filter(pl.col("child_person_id").is_not_null())
        plain = ("person_id", "names", "born", "rows")
        _sheet(book, style, "Under 18", young.unique("person_id", maintain_order=True), plain)
        _sheet(book, style, "Also a child", also, tuple(HEADS))
    return buffer.getvalue()


def _side_by_side(
    possible: pl.DataFrame, subject: pl.DataFrame, identity: pl.DataFrame
) -> pl.DataFrame:
    """Return the pairs with what either side's identity says, as the first of its records does."""
    held = (
        identity.join(subject, on=list(SUBJECT_KEY))
        .sort("identity", "dataset", "file", "row")
        .unique("identity", keep="first", maintain_order=True)
        .select(
            "identity", "forename", "surname", "other_names",
            pl.col("date_of_birth").cast(pl.String).alias("dob"), "sex", "vehicle",
        )
    )  # fmt: skip
    pairs = possible
    for side in "ab":
        named = held.rename({name: f"{name}_{side}" for name in held.columns})
        pairs = pairs.join(named, on=f"identity_{side}", how="left", maintain_order="left")
    return pairs


def _told(
    cross_role: pl.DataFrame,
    subject: pl.DataFrame,
    record_person: pl.DataFrame,
    file_row: pl.DataFrame | None,
) -> pl.DataFrame:
    """Return people.suspect_cross_role with names, dates of birth and rows of the suspect."""
    wanted = pl.concat([cross_role["person_id"], cross_role["child_person_id"].drop_nulls()])
    whole = pl.concat_str(
        pl.concat_str("forename", "surname", separator=" ", ignore_nulls=True),
        pl.when(pl.col("other_names").list.len() > 0).then(
            pl.format("({})", pl.col("other_names").list.join(", "))
        ),
        separator=" ",
        ignore_nulls=True,
    )
    places = empty(FILE_ROWS) if file_row is None else file_row
    line = pl.concat_str("dataset", pl.lit(", "), "file", pl.lit(", "), in_words())
    more = pl.len().cast(pl.Int64) - ROWS_SHOWN
    known = (
        with_file_row(
            record_person.filter(pl.col("person_id").is_in(wanted.unique().implode()))
            .join(subject.drop("record_id"), on=list(SUBJECT_KEY), how="left")
            .sort("person_id", "dataset", "file", "row"),
            places,
        )
        .group_by("person_id", maintain_order=True)
        .agg(
            whole.str.strip_chars().unique().sort().str.join("\n").alias("names"),
            pl.col("date_of_birth").drop_nulls().unique().sort().cast(pl.String).str.join(", ")
            .alias("born"),
            line.head(ROWS_SHOWN).str.join("\n").alias("rows"),
            more.alias("more"),
        )
        .with_columns(
            pl.when(pl.col("more") > 0)
            .then(pl.format("{}\nand {} more", "rows", "more"))
            .otherwise("rows")
            .alias("rows")
        )
    )  # fmt: skip
    child = known.select(
        pl.col("person_id").alias("child_person_id"), pl.col("names").alias("child_names")
    )
    return cross_role.join(known, on="person_id", how="left", maintain_order="left").join(
        child, on="child_person_id", how="left", maintain_order="left"
    )


def _sheet(
    book: Any, style: Styles, name: str, frame: pl.DataFrame, columns: tuple[str, ...]
) -> None:
    sheet = book.add_worksheet(name)
    widths = [42 if head in ("rows", "speaks_for") else 20 for head in columns]
    for column, (head, width) in enumerate(zip(columns, widths, strict=True)):
        sheet.write_string(0, column, HEADS[head], style.head)
        sheet.set_column(column, column, width)
    for number, row in enumerate(frame.select(columns).iter_rows(), start=1):
        for column, value in enumerate(row):
            if isinstance(value, int | float):
                sheet.write_number(number, column, value, style.plain)
            else:
                text = neutralise(str(value or ""))[:EXCEL_CELL_LIMIT]
                sheet.write_string(number, column, text, style.plain)
        texts = (value if isinstance(value, str) else "" for value in row)
        sheet.set_row(number, row_height(zip(texts, widths, strict=True)))
    sheet.freeze_panes(1, 1)
    if frame.height:
        sheet.autofilter(0, 0, frame.height, len(columns) - 1)
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
