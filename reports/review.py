"""`clerical_review.xlsx`: pairs of identities for a person to decide on. For the analyst alone.

Filled and saved in the profile's `review/` folder, its decisions hold from the next run on. Nothing
is hidden; no text of an agency is ever a formula.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from profile_pipeline.file_rows import in_words, with_file_row
from profile_pipeline.tables import FILE_ROWS, empty
from profile_pipeline.workbooks import CREATED, EXCEL_CELL_LIMIT, neutralise, row_height

WORDS = ("same", "different", "can't tell")
ANSWERS = ("decision", "who", "when", "why")
FIELDS = {
    "forename": "forename",
    "surname": "surname",
    "other_names": "other names",
    "dob": "date of birth",
    "sex": "sex",
    "postcode": "postcode",
    "nhs": "NHS number",
    "upn": "UPN",
    "local_ids": "local ids",
}
HEADS = {
    "matters": "why it matters",
    "beside_a": "all records of a",
    "beside_b": "all records of b",
    "why_apart": "why apart",
}
SECTOR, BY_AGE = " (sector)", " (by age or year)"
ANOTHER = " (another record)"  # a number that stands in another record of the person
SOURCES_SHOWN = 12
CLUSTERS = {"person_id": 14, "identities": 12, "records": 10, "reason": 60}
DECISIONS = {
    "state": 34, "decision": 12, "who": 20, "decided_on": 12, "why": 40, "source": 34,
    "rows of a": 78, "rows of b": 78, "identity_a": 36, "identity_b": 36,
}  # fmt: skip
NOTICE_WIDTH = 110
SPARE_ROWS = 5  # rows in the list of answers beyond the last, so that a copied row has it too
NOTICE = (
    "Restricted: person-level data, for the analyst alone. Share the minimum necessary.",
    "Each row shows two identities: what records say about a person, once. Decide whether they "
    + "are one person. A wrong link brings the wrong child to notice; a missed one hides a child.",
    "Where the two differ, both cells are shaded and the column 'differs' says so in words. A "
    + "blank was not given, which is no difference. Twins and siblings share surname and home. "
    + "A record that gives a postcode sector alone, or an age or year in place of the date of "
    + "birth, says so in brackets.",
    "Look the rows up in the agencies' files (columns 'rows of a' and 'rows of b'; rows are "
    + "counted as a spreadsheet shows the file, headings and blank rows included) before you "
    + "decide. 'all records of a' says what every record of the person gives, with how many give "
    + "it: what held a pair apart may stand in another record than the one shown.",
    "Write same, different or can't tell in 'decision', your name in 'who', the day in 'when' "
    + "(2016-04-30) and the reason in 'why'. Can't tell is an answer. Leave the other cells "
    + "as they are.",
    "Save the workbook in the profile's folder review/ under any name ending in .xlsx, and run "
    + "again. Each decision is taken once and holds over all later runs; a later decision on the "
    + "same pair takes its place. To change your mind, change the word and the day.",
    "Sheet 'Review': first come pairs that decide whether a child is in the priority cohort, then "
    + "those where the computer is likeliest to be wrong and most records hang on it, sooner where "
    + "they touch that cohort (column 'why it matters'). Held apart: a rule forbade what agreed. "
    + "Not joined: the evidence falls short. Joined: it rests on little. Suspects come last and "
    + "take a fifth at most; all of theirs are in suspects.xlsx. 'person a' and 'person b' are the "
    + "ids as the linkage has it now: `profile-pipeline explain` with one tells each join.",
    "Sheet 'Clusters': persons whose records disagree, are many or hold together loosely. "
    + "Sheet 'Decisions': every decision taken, by whom, when and why; "
    + "those that contradict one another come first, and none of them is applied: their pairs "
    + "stand on 'Review' again.",
    "Sheet 'Sample': pairs drawn at random, without weights or reasons, so that nothing guides "
    + "the answer. The accuracy of the linkage is estimated from it, overall and by group. Begin "
    + "at the top; you may stop anywhere.",
    "Sheet 'Groups': further pairs of ethnic groups of which the sample holds too few, drawn and "
    + "shown alike, so that each group can have a figure of its own. They count for their group "
    + "alone.",
)
RECALL = (
    "Precision: of the pairs joined, the share that are one child. Recall: of the pairs compared "
    "that are one child, the share joined. Records too unlike to be compared at all are missed too "
    "and are in neither figure, so the true recall is somewhat lower."
)
STOPPING = (
    "How firm the estimate would be if you stopped after so many pairs of 'Sample' and each answer "
    "agreed with the linkage. Answers that don't agree lower the figures."
)


def clerical_review(
    queue: pl.DataFrame,
    sample: pl.DataFrame,
    identity: pl.DataFrame,
    linkage_accuracy: pl.DataFrame,
    stopping: pl.DataFrame | None = None,
    *,
    file_row: pl.DataFrame | None = None,
    clusters: pl.DataFrame | None = None,
    decisions: pl.DataFrame | None = None,
    groups: pl.DataFrame | None = None,
    persons: pl.DataFrame | None = None,
) -> bytes:
    """Return the workbook; the same frames give the same bytes.

    Args:
        queue: people.review_queue, most telling first.
        sample: people.review_sample, in the order drawn; weights and bands are not printed.
        identity: people.identity, for the rows (dataset, file, row) behind each identity.
        linkage_accuracy: people.linkage_accuracy, the estimate as it stands.
        stopping: people.review_stopping, the estimate's limits by pairs decided.
        file_row: quality.file_row, where rows stand in the agencies' files.
        clusters: people.oversize with `person_id`: persons held loosely, or very large.
        groups: people.review_groups, in the order drawn; for whom each was drawn is not printed.
        decisions: people.decision: what people decided, and whether each counts.
        persons: `identity, person_id`: whose records they are now; on the sheet Review alone, as
            the samples are to be blind.
    """
    import xlsxwriter

    rows = source_text(identity, file_row)
    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"title": "Clerical review (restricted)", "created": CREATED})
        style = Styles(book)
        _notice(book, style, queue.height, sample.height, linkage_accuracy, stopping)
        told: tuple[str, ...] = ("role", "matters", "reason", "records")
        if persons is not None:
            told += ("person_a", "person_b")
            queue = _with_persons(queue, persons)
        after = ("beside_a", "beside_b", "speaks_for", "speaks_against")
        write_pairs(book, style, "Review", queue, rows, told, after, True)
        write_pairs(book, style, "Sample", sample, rows, (), (), False)
        if groups is not None:
            write_pairs(book, style, "Groups", groups, rows, (), (), False)
        _listed(book, style, "Clusters", CLUSTERS, clusters)
        _listed(book, style, "Decisions", DECISIONS, _in_order(decisions, rows))
    return buffer.getvalue()


def _with_persons(pairs: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    for side in "ab":
        named = persons.select(
            pl.col("identity").alias(f"identity_{side}"),
            pl.col("person_id").alias(f"person_{side}"),
        ).unique(f"identity_{side}")
        pairs = pairs.join(named, on=f"identity_{side}", how="left", maintain_order="left")
    return pairs


def _in_order(decisions: pl.DataFrame | None, rows: pl.DataFrame) -> pl.DataFrame | None:
    """Return decisions with those that don't count first, superseded ones last, and their rows."""
    if decisions is None:
        return None
    state = pl.col("state")
    order = pl.when(state == "counts").then(1).when(state.str.starts_with("superseded")).then(2)
    for side in "ab":
        # Where the identity is now; one that is no more stands in no row.
        here = decisions.with_columns(
            pl.coalesce(f"applied_{side}", f"identity_{side}").alias("identity")
        )
        found = here.join(rows, on="identity", how="left", maintain_order="left")["rows"]
        decisions = decisions.with_columns(found.alias(f"rows of {side}"))
    return (
        decisions.select(DECISIONS.keys())
        .unique(maintain_order=True)
        .sort(order.otherwise(0), "decided_on", "identity_a", "identity_b", maintain_order=True)
    )


def _listed(
    book: Any, style: "Styles", name: str, heads: Mapping[str, int], frame: pl.DataFrame | None
) -> None:
    """Write a sheet that is to be read, with the columns and widths named."""
    sheet = book.add_worksheet(name)
    for column, (head, width) in enumerate(heads.items()):
        sheet.write_string(0, column, head.replace("_", " "), style.head)
        sheet.set_column(column, column, width)
    if frame is None:
        return
    for line, row in enumerate(frame.select(heads.keys()).iter_rows(), start=1):
        for column, value in enumerate(row):
            if isinstance(value, int):
                sheet.write_number(line, column, value, style.plain)
            else:
                text = neutralise(str(value or ""))[:EXCEL_CELL_LIMIT]
                sheet.write_string(line, column, text, style.plain)
        sheet.set_row(
            line, row_height((str(v or ""), w) for v, w in zip(row, heads.values(), strict=True))
        )
    sheet.freeze_panes(1, 0)


class Styles:
    """The workbook's cell formats."""

    def __init__(self, book: Any) -> None:
        cell = {"text_wrap": True, "valign": "top", "border": 1, "border_color": "#d5dde2"}
        self.head = book.add_format(
            cell | {"bold": True, "bg_color": "#1f3a4d", "font_color": "white"}
        )
        self.plain = book.add_format(cell)
        self.differs = book.add_format(cell | {"bg_color": "#fbd9b5"})
        self.answer = book.add_format(cell | {"bg_color": "#e6f2e6"})
        self.day = book.add_format(cell | {"bg_color": "#e6f2e6", "num_format": "yyyy-mm-dd"})
        self.number = book.add_format(cell | {"num_format": "0.0"})
        self.text = book.add_format({"text_wrap": True, "valign": "top"})
        self.strong = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})


def _notice(
    book: Any,
    style: Styles,
    pairs: int,
    drawn: int,
    accuracy: pl.DataFrame,
    stopping: pl.DataFrame | None,
) -> None:
    sheet = book.add_worksheet("Notice")
    sheet.set_column(0, 0, NOTICE_WIDTH)
    decided = max(accuracy["pairs_decided"].max() or 0, 0) if accuracy.height else 0
    lines = [*NOTICE, f"To decide: {pairs} pairs on 'Review', {drawn} on 'Sample'."]
    sheet.write_string(0, 0, "Clerical review of the linkage", style.strong)
    for place, line in enumerate(lines, start=1):
        write_notice(sheet, place, line, style.text)
    place = len(lines) + 2
    sheet.write_string(place, 0, "The estimate as it stands (children):", style.strong)
    place += 1
    write_notice(sheet, place, RECALL, style.text)
    overall = accuracy.filter(pl.col("dimension") == "all")
    for row in overall.iter_rows(named=True):
        place += 1
        said = row["note"] or (
            f"{row['value']:.4f}, 95% limits {row['lower']:.4f} to {row['upper']:.4f}, "
            f"from {row['pairs_decided']} pairs decided"
        )
        write_notice(sheet, place, f"{row['measure']}: {said}", style.text)
    if stopping is None or stopping.is_empty():
        return
    place += 2
    write_notice(sheet, place, STOPPING, style.strong)
    for row in stopping.iter_rows(named=True):
        place += 1
        sheet.write_string(
            place,
            0,
            f"after {row['pairs']} {'more ' if decided else ''}pairs: "
            + ", ".join(
                f"{name} {row[f'{name}_lower']:.3f} to {row[f'{name}_upper']:.3f} "
                f"(width {row[f'{name}_upper'] - row[f'{name}_lower']:.3f})"
                for name in ("precision", "recall")
            )
            + " (95% limits)",
            style.text,
        )


def write_notice(sheet: Any, place: int, text: str, form: Any) -> None:
    """Write a paragraph into the notice's one column, in a row as high as it needs."""
    sheet.write_string(place, 0, text, form)
    sheet.set_row(place, row_height([(text, NOTICE_WIDTH)]))


def source_text(identity: pl.DataFrame, file_row: pl.DataFrame | None) -> pl.DataFrame:
    """Return `identity, rows`: each row behind an identity in words, a line each."""
    places = empty(FILE_ROWS) if file_row is None else file_row
    line = pl.concat_str("dataset", pl.lit(", "), "file", pl.lit(", "), in_words())
    more = pl.len().cast(pl.Int64) - SOURCES_SHOWN
    return (
        with_file_row(identity.sort("dataset", "file", "row"), places)
        .group_by("identity", maintain_order=True)
        .agg(line.head(SOURCES_SHOWN).str.join("\n").alias("rows"), more.alias("n"))
        .select(
            "identity",
            pl.when(pl.col("n") > 0)
            .then(pl.format("{}\nand {} more (people.identity)", "rows", "n"))
            .otherwise("rows")
            .alias("rows"),
        )
    )


def write_pairs(
    book: Any,
    style: Styles,
    name: str,
    pairs: pl.DataFrame,
    rows: pl.DataFrame,
    before: Sequence[str],
    after: Sequence[str],
    weights: bool,
    fields: Mapping[str, str] = FIELDS,
) -> None:
    """Write a sheet of pairs: answers first, then both identities side by side, then the rest."""
    for side in "ab":
        named = rows.rename({"identity": f"identity_{side}", "rows": f"rows_{side}"})
        pairs = pairs.join(named, on=f"identity_{side}", how="left", maintain_order="left")
    sheet = book.add_worksheet(name)
    heads = [
        "pair", *ANSWERS, *(HEADS.get(head, head.replace("_", " ")) for head in before), "differs",
        *(f"{label} {side}" for label in fields.values() for side in "ab"),
        *(HEADS.get(head, head.replace("_", " ")) for head in after),
        *(("match weight",) if weights else ()),
        "rows of a", "rows of b", "identity a", "identity b",
    ]  # fmt: skip
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head, style.head)
        sheet.set_column(column, column, _width(head))
    for number, pair in enumerate(pairs.iter_rows(named=True), start=1):
        cells = _cells(pair, number, before, after, weights, style, fields)
        for column, (value, form) in enumerate(cells):
            if isinstance(value, float | int):
                sheet.write_number(number, column, value, form)
            else:
                sheet.write_string(number, column, neutralise(value)[:EXCEL_CELL_LIMIT], form)
        sheet.set_row(
            number,
            row_height(
                (value, _width(head))
                for head, (value, _) in zip(heads, cells, strict=True)
                if isinstance(value, str)
            ),
        )
    last = pairs.height + SPARE_ROWS
    sheet.data_validation(
        1, 1, last, 1,
        {
            "validate": "list", "source": list(WORDS), "error_title": "Decision",
            "error_message": "Choose same, different or can't tell.",
        },
    )  # fmt: skip
    sheet.freeze_panes(1, 1 + len(ANSWERS))
    if pairs.height:
        sheet.autofilter(0, 0, pairs.height, len(heads) - 1)
    sheet.set_landscape()
    sheet.set_paper(8)  # A3
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _cells(
    pair: dict[str, Any],
    number: int,
    before: Sequence[str],
    after: Sequence[str],
    weights: bool,
    style: Styles,
    fields: Mapping[str, str],
) -> list[tuple[str | float | int, Any]]:
    """Return a row's cells, each with its format."""
    sides = {field: (_side(field, pair, "a"), _side(field, pair, "b")) for field in fields}
    unlike = [field for field, (a, b) in sides.items() if a and b and _unlike(a, b)]
    one = [field for field, (a, b) in sides.items() if bool(a) != bool(b)]
    said = ", ".join(fields[field] for field in unlike) or "nothing that both give"
    if one:
        said += f"; given by one only: {', '.join(fields[field] for field in one)}"
    cells: list[tuple[str | float | int, Any]] = [(number, style.plain)]
    cells += [("", style.day if head == "when" else style.answer) for head in ANSWERS]
    for head in before:
        value = pair.get(head)
        cells.append((value if isinstance(value, int) else _reason(pair, head), style.plain))
    cells.append((said, style.plain))
    for field, both in sides.items():
        cells += [(text, style.differs if field in unlike else style.plain) for text in both]
    cells += [(str(pair.get(head) or ""), style.plain) for head in after]
    if weights:
        cells.append((float(pair["match_weight"]), style.number))
    cells += [(pair[key] or "", style.plain) for key in ("rows_a", "rows_b")]
    return [*cells, *((pair[key], style.plain) for key in ("identity_a", "identity_b"))]


def _side(field: str, pair: dict[str, Any], side: str) -> str:
    """Return what one side gives: a sector where no postcode is, a span where no birth is."""
    text = _text(field, pair[f"{field}_{side}"])
    if field == "postcode" and not text and pair.get(f"sector_{side}"):
        return f"{pair[f'sector_{side}']}{SECTOR}"
    if field == "dob" and not text and pair.get(f"born_from_{side}"):
        return f"{pair[f'born_from_{side}']} to {pair[f'born_to_{side}']}{BY_AGE}"
    return text


def _unlike(a: str, b: str) -> bool:
    """Whether two texts differ: a sector from a postcode outside it, a span from a day outside."""
    if a.endswith(SECTOR) or b.endswith(SECTOR):
        short, other = sorted((a.removesuffix(SECTOR), b.removesuffix(SECTOR)), key=len)
        return not other.startswith(short)
    if a.endswith(BY_AGE) or b.endswith(BY_AGE):
        (a_from, a_to), (b_from, b_to) = (_span(text) for text in (a, b))
        return a_to < b_from or b_to < a_from
    return a.removesuffix(ANOTHER) != b.removesuffix(ANOTHER)


def _span(text: str) -> tuple[str, str]:
    first, _, last = text.removesuffix(BY_AGE).partition(" to ")
    return first, last or first


def _reason(pair: dict[str, Any], head: str) -> str:
    """Why the pair is asked about, in words; another column as it stands."""
    if head != "reason":
        return str(pair.get(head) or "")
    if pair["decision"] == "refused":
        return f"held apart: {pair['reason']}"
    if pair["decision"] == "below_threshold":
        besides = f", and {pair['reason']}" if pair["reason"] else ""
        return f"not joined: the evidence falls short of the threshold{besides}"
    return str(pair["reason"] or "")


def _text(field: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(str(part) for part in value)
    if field == "dob" and len(str(value)) == 8:
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    return str(value)


def _width(head: str) -> int:
    wide = {
        "why": 30, "why it matters": 24, "reason": 30, "why apart": 24, "differs": 30,
        "speaks for": 45, "speaks against": 45,
    }  # fmt: skip
    if head.startswith("rows of"):
        return 78  # a line a row: two would make each pair twice as high
    if head.startswith("all records of"):
        return 42
    return wide.get(head, 7 if head in ("pair", "records") else 15)
