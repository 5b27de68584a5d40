"""Clerical decisions: read from filled workbooks, kept for ever, carried over to changed records.

Every workbook (`*.xlsx`) in the profile's `review/` folder is read on each run. Its decisions are
appended to `review/decisions.csv` once; nothing there is ever altered but `superseded`. Which
decision counts is told in `effective`.
"""

import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from profile_pipeline.errors import PlanError, Problem
from profile_pipeline.linkage.clusters import CANT_TELL, DIFFERENT, SAME

WORDS = (SAME, DIFFERENT, CANT_TELL)
REVIEW_SHEET, SAMPLE_SHEET, GROUPS_SHEET = "Review", "Sample", "Groups"
FILE = "decisions.csv"
PAIR = ["identity_a", "identity_b"]
SCHEMA = dict.fromkeys(
    (*PAIR, "decision", "who", "decided_on", "why", "source", "superseded"), pl.String
)
ONCE = [*PAIR, "decision", "who", "decided_on", "why", "sheet"]
HEADS = {
    "identity a": "identity_a",
    "identity b": "identity_b",
    "decision": "decision",
    "who": "who",
    "when": "decided_on",
    "why": "why",
}
LOOK_DOWN = 40  # lines of a sheet in which its headings are looked for
# What an identity was when it was shown to the reviewer, so that a decision finds it again.
SHOWN_SCHEMA = dict.fromkeys(
    ("identity", "dataset", "record_id", "forename", "surname", "dob", "postcode", "nhs", "upn"),
    pl.String,
)
ALIKE = 2  # fields in which a changed identity must still agree with what was decided about
COUNTS, OLDER, CONTRADICTS, LOST = (
    "counts", "superseded by a later decision", "contradicts another decision",
    "no record of the identity is left",
)  # fmt: skip
STATE_SCHEMA = {**SCHEMA, "applied_a": pl.String, "applied_b": pl.String, "state": pl.String}


def read_workbooks(folder: Path) -> pl.DataFrame:
    """Return the decisions of every workbook in the folder, in order of file, sheet and row.

    Columns of SCHEMA. Rows without a decision are left out. Raises PlanError with one line for each
    fault, naming file, sheet and row: a file that is no workbook or lacks the sheets, a word that
    is no decision, a row without who or when, or a pair that can't be told.
    """
    found: list[dict[str, str]] = []
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.xlsx")):
        if not path.name.startswith(("~$", ".")):
            _read_workbook(path, found, problems)
    if problems:
        raise PlanError(problems)
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def _read_workbook(path: Path, found: list[dict[str, str]], problems: list[Problem]) -> None:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    where = f"review/{path.name}"
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, EOFError):
        problems.append(
            Problem(where, "can't be read as a workbook.", "Save it again as .xlsx, or move it.")
        )
        return
    try:
        known = (REVIEW_SHEET, SAMPLE_SHEET, GROUPS_SHEET)
        sheets = [name for name in known if name in book.sheetnames]
        if not sheets:
            problems.append(
                Problem(where, f"has no sheet {REVIEW_SHEET} or {SAMPLE_SHEET}.", "Move it away.")
            )
        for name in sheets:
            _read_sheet(where, name, list(book[name].iter_rows(values_only=True)), found, problems)
    finally:
        book.close()


def _read_sheet(
    where: str,
    name: str,
    rows: list[tuple[Any, ...]],
    found: list[dict[str, str]],
    problems: list[Problem],
) -> None:
    place = f"{where}, sheet {name}"
    at: dict[str, int] = {}
    top = -1
    while len(at) < len(HEADS) and top + 1 < min(LOOK_DOWN, len(rows)):
        top += 1
        heads = [str(cell).strip().lower() if cell is not None else "" for cell in rows[top]]
        at = {field: heads.index(head) for head, field in HEADS.items() if head in heads}
    if len(at) < len(HEADS):
        needed = ", ".join(HEADS)
        problems.append(Problem(place, f"lacks one of the headings {needed}.", "Restore it."))
        return
    for number, row in enumerate(rows[top + 1 :], start=top + 2):
        cells = {
            field: _text(row[index] if index < len(row) else None) for field, index in at.items()
        }
        if not cells["decision"]:
            continue
        fault = _fault(cells)
        if fault is not None:
            problems.append(Problem(f"{place}, row {number}", *fault))
        else:
            first, second = sorted((cells["identity_a"], cells["identity_b"]))
            found.append(
                {
                    "identity_a": first, "identity_b": second,
                    "decision": _word(cells["decision"]) or "", "who": cells["who"],
                    "decided_on": _day(cells["decided_on"]) or "", "why": cells["why"],
                    "source": f"{where.removeprefix('review/')}, sheet {name}", "superseded": "",
                }
            )  # fmt: skip


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime | date):
        return cell.strftime("%Y-%m-%d")
    return str(cell).strip()


def _word(text: str) -> str | None:
    plain = text.lower().replace("\u2019", "'").replace("`", "'")
    known = {word: word for word in WORDS} | dict.fromkeys(
        ("cant tell", "cannot tell", "can not tell"), CANT_TELL
    )
    return known.get(" ".join(plain.split()))


def _day(text: str) -> str | None:
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text[:10], form).date().isoformat()  # noqa: DTZ007
        except ValueError:
            continue
    return None


def decision_problems(folder: Path) -> list[Problem]:
    """Return what is wrong with the review folder's decisions and workbooks; a run stops at it."""
    problems: list[Problem] = []
    for read in (read_decisions, read_workbooks):
        try:
            read(folder)
        except PlanError as error:
            problems += error.problems
    return problems


def read_decisions(folder: Path) -> pl.DataFrame:
    """Return `decisions.csv` of the folder, columns of SCHEMA; empty when there is none.

    A day that a spreadsheet has written its own way (30/04/2016), and a word it has changed the
    apostrophe or the capitals of, are read as what they are. Raises PlanError when it can't be
    read as decisions, with a line for each that lacks its word, who or when.
    """
    path = folder / FILE
    if not path.is_file():
        return pl.DataFrame(schema=SCHEMA)
    where = f"review/{FILE}"
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError):
        raise PlanError(Problem(where, "is not a CSV file.", "Restore it.")) from None
    if "when" in frame.columns and "decided_on" not in frame.columns:
        frame = frame.rename({"when": "decided_on"})
    lacking = [name for name in (*PAIR, "decision") if name not in frame.columns]
    if lacking:
        raise PlanError(Problem(f"{where}:1", f"lacks the column {lacking[0]}."))
    full = frame.with_columns(
        pl.lit("").alias(name) for name in SCHEMA if name not in frame.columns
    ).select(pl.col(name).fill_null("").str.strip_chars() for name in SCHEMA)
    lines = [dict(zip(SCHEMA, row, strict=True)) for row in full.iter_rows()]
    problems = [
        Problem(f"{where}:{number}", *fault)
        for number, cells in enumerate(lines, start=2)
        if (fault := _fault(cells)) is not None
    ]
    if problems:
        raise PlanError(problems)
    read = [
        cells | {"decision": _word(cells["decision"]), "decided_on": _day(cells["decided_on"])}
        for cells in lines
    ]
    return pl.DataFrame(read, schema=SCHEMA, orient="row")


def _fault(cells: dict[str, str]) -> tuple[str, str] | None:
    """Return what a decision lacks and what to do about it; None of a whole one."""
    day = _day(cells["decided_on"])
    if _word(cells["decision"]) is None:
        return "holds another word than a decision.", f"Use {' / '.join(WORDS)}."
    if not cells["who"]:
        return "doesn't say who decided.", "Fill in 'who'."
    if day is None:
        return "doesn't say when it was decided.", "Write 'when' as 2016-03-31."
    if date.fromisoformat(day) > datetime.now(UTC).date() + timedelta(days=1):
        # It would outweigh every later decision on the pair.
        return "was decided on a day that is yet to come.", "Correct 'when'."
    if not cells["identity_a"] or not cells["identity_b"]:
        return "has lost its identity.", "Restore both identities."
    return None


def merged(kept: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return the kept decisions with those found that are new, and which are superseded.

    A decision is the same when pair, word, who, when, why and sheet are. Of one pair the latest
    counts; of one day, the last one of one person.
    """
    sheet = pl.col("source").str.extract(r"sheet (\w+)$").fill_null("").alias("sheet")
    both = (
        pl.concat([kept.select(list(SCHEMA)), found.select(list(SCHEMA))])
        .with_columns(
            pl.min_horizontal(PAIR).alias("identity_a"), pl.max_horizontal(PAIR).alias("identity_b")
        )
        .with_columns(sheet)
        .unique(ONCE, keep="first", maintain_order=True)
        .drop("sheet")
        .with_row_index("place")
    )
    latest = pl.col("decided_on").max().over(PAIR)
    of_person = pl.col("place").max().over(*PAIR, "who", "decided_on")
    stands = (pl.col("decided_on") == latest) & (pl.col("place") == of_person)
    return both.with_columns(
        superseded=pl.when(stands).then(pl.lit("")).otherwise(pl.lit("yes"))
    ).drop("place")


def shown(identities: pl.DataFrame, of_record: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    """Return what the wanted identities hold and their records, columns of SHOWN_SCHEMA."""
    return (
        identities.filter(pl.col("identity").is_in(wanted.implode()))
        .select("identity", "forename", "surname", "dob", "postcode", "nhs", "upn")
        .join(of_record.select("identity", "dataset", "record_id"), on="identity")
        .select(list(SHOWN_SCHEMA))
        .sort(list(SHOWN_SCHEMA))
    )


def carried(
    wanted: pl.DataFrame, known: pl.DataFrame, identities: pl.DataFrame, of_record: pl.DataFrame
) -> pl.DataFrame:
    """Return `identity, now`: the identities of today that decided identities have become.

    An identity's id is a hash of what its records say, so a corrected file changes it. One that is
    still there is itself. Another is looked for where its records stood, and among records of the
    same dataset with the same NHS number or UPN; as rows may have moved, it must agree with what
    was shown to the reviewer in at least ALIKE fields. It may have become several.

    Args:
        wanted: `identity`, as decided about.
        known: columns of SHOWN_SCHEMA.
        identities: identities of today.
        of_record: `dataset, record_id, identity` of today.
    """
    fields = ("forename", "surname", "dob", "postcode", "nhs", "upn")
    still = wanted.join(identities.select("identity"), on="identity").select(
        "identity", pl.col("identity").alias("now")
    )
    before = wanted.join(still, on="identity", how="anti").join(known, on="identity")
    today = of_record.select("dataset", "record_id", pl.col("identity").alias("now"))
    after = identities.select(
        pl.col("identity").alias("now"), *(pl.col(name).alias(f"{name}_now") for name in fields)
    )
    rows = before.join(today.drop("dataset"), on="record_id").join(after, on="now")
    numbers = [
        before.drop_nulls(name)
        .join(after.drop_nulls(f"{name}_now"), left_on=name, right_on=f"{name}_now")
        .with_columns(pl.col(name).alias(f"{name}_now"))
        .join(today.select("dataset", "now").unique(), on=["dataset", "now"], how="semi")
        .select(rows.columns)
        for name in ("nhs", "upn")
    ]
    agree = pl.sum_horizontal((pl.col(f) == pl.col(f"{f}_now")).fill_null(False) for f in fields)
    changed = pl.concat([rows, *numbers]).filter(agree >= ALIKE).select("identity", "now")
    return pl.concat([still, changed]).unique().sort("identity", "now")


def effective(
    decisions: pl.DataFrame,
    known: pl.DataFrame,
    identities: pl.DataFrame,
    of_record: pl.DataFrame,
) -> pl.DataFrame:
    """Return every decision with the identities of today it applies to, and its state.

    Columns of STATE_SCHEMA. `applied_a, applied_b` are null unless the state is `counts`; a
    decision about identities that have become several has a row for each two. Different answers of
    different people on one day contradict each other, and neither counts.
    """
    pairs = decisions.filter(pl.col("superseded") == "")
    answers = pairs.group_by(PAIR).agg(pl.col("decision").n_unique().alias("answers"))
    named = pl.concat([pairs.select(identity="identity_a"), pairs.select(identity="identity_b")])
    now = carried(named.unique(), known, identities, of_record)
    sides = (
        now.rename({"identity": "identity_a", "now": "applied_a"}),
        now.rename({"identity": "identity_b", "now": "applied_b"}),
    )
    standing = pairs.join(answers, on=PAIR, how="left").join(sides[0], on="identity_a", how="left")
    standing = standing.join(sides[1], on="identity_b", how="left").filter(
        (pl.col("applied_a") != pl.col("applied_b")).fill_null(True)
    )
    lost = pl.any_horizontal(pl.col("applied_a", "applied_b").is_null())
    state = (
        pl.when(pl.col("answers") > 1)
        .then(pl.lit(CONTRADICTS))
        .when(lost)
        .then(pl.lit(LOST))
        .otherwise(pl.lit(COUNTS))
    )
    counted = standing.with_columns(state.alias("state")).with_columns(
        pl.when(pl.col("state") == COUNTS).then(side).alias(side)
        for side in ("applied_a", "applied_b")
    )
    older = decisions.filter(pl.col("superseded") != "").with_columns(
        pl.lit(None, dtype=pl.String).alias("applied_a"),
        pl.lit(None, dtype=pl.String).alias("applied_b"),
        pl.lit(OLDER).alias("state"),
    )
    columns = list(STATE_SCHEMA)
    return (
        pl.concat([counted.select(columns), older.select(columns)])
        .unique(maintain_order=True)
        .sort(*PAIR, "decided_on", "who", "source", "state", "applied_a", "applied_b")
    )


def to_apply(states: pl.DataFrame) -> pl.DataFrame:
    """Return `identity_a, identity_b, decision` of what counts, by identities of today.

    Where two older identities have become one, their decisions may disagree: then the later counts.
    """
    return (
        states.filter(pl.col("state") == COUNTS)
        .select(
            pl.min_horizontal("applied_a", "applied_b").alias("identity_a"),
            pl.max_horizontal("applied_a", "applied_b").alias("identity_b"),
            "decision",
            "decided_on",
        )
        .sort("decided_on", *PAIR, "decision")
        .unique(PAIR, keep="last", maintain_order=True)
        .drop("decided_on")
        .sort(PAIR)
    )


def of_sample(states: pl.DataFrame, sheets: tuple[str, ...] = (SAMPLE_SHEET,)) -> pl.DataFrame:
    """Return `identity_a, identity_b, decision` of the decisions on samples that count."""
    drawn = pl.any_horizontal(pl.col("source").str.ends_with(f"sheet {name}") for name in sheets)
    return (
        states.filter(pl.col("state") == COUNTS, drawn)
        .select(
            pl.min_horizontal("applied_a", "applied_b").alias("identity_a"),
            pl.max_horizontal("applied_a", "applied_b").alias("identity_b"),
            "decision",
        )
        .filter(pl.col("decision") != CANT_TELL)
        .sort(*PAIR, "decision")
        .unique(PAIR, keep="last", maintain_order=True)
    )
