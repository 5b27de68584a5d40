"""What an agency is told about its own files: tables for its letter, without any person in them.

Counts and row numbers of the agency's own rows, rules in words, and no cell of any row: the only
values that may be printed are spellings that no table knows, under `printable_values`. All columns
are text as printed.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence

import polars as pl

from profile_pipeline.analysis.quality import FIELDS
from profile_pipeline.analysis.quality_rag import COMPLETE, OVERALL
from profile_pipeline.file_rows import EARLIER, FILE_ROW, file_in_words, with_file_row

# What a letter may print of a spelling: held by at least so many rows, and no longer than a code.
LEAST_ROWS = 3
LONGEST = 30
MOST_DIGITS = 4
# Numbers printed for one rule and file; the analyst sends the rest on request.
MOST_RANGES = 80
MOST_REPEATS = 30

# Repairs that lost nothing: read another way, or the agency's own "not known".
READ_ANOTHER_WAY = (
    "unknown_text",
    "control_characters",
    "excel_serial_date",
    "postcode_mended",
    "unknown_code",
)
BY_DATASET = (
    "quality.delivery",
    "quality.fate",
    "quality.quarantine",
    "quality.repairs",
    "quality.duplicate",
    "quality.heading",
    "quality.missing_column",
    "quality.unknown_value",
    "quality.file_row",
    "profile.data_quality",
    "analysis.quality_rag",
)
# Measures of a delivery as its letter words them, where the newest is red or amber.
JUDGED = {
    "delivered": "nothing arrived",
    "days_late": "it came late",
    "columns_missing": "columns are missing",
    "quarantined_percent": "rows that could not be used",
    "repaired_percent": "cells that had to be read another way or left out",
    "duplicate_percent": "rows that repeat another",
    "unknown_values": "codes that no list knows",
    "expectations_failed": "values other than was agreed",
    "volume_outlier": "far more or fewer rows than before, which may be true",
}
EVERYBODY = "All agencies"
TEXT = pl.String
# The first sentence; a full stop within a quoted heading ends none.
SENTENCE = re.compile(r"(?:(?<![^\s(])'[^']*'|.)*?[.](?=\s|$)|.+", re.DOTALL)
VERSION = re.compile(rf"\S+{EARLIER.removesuffix('$')}")

STATES = {
    "loaded": "Used",
    "missing": "Nothing arrived",
    "awaited": "Not due yet",
    "unreadable": "Could not be read",
    "unusable": "Could not be used",
    "refused": "Not read yet",
    "unexpected": "Not in the plan; not read",
    "superseded": "Not counted",
}
OURS = "it lies with us; you need not send it again"


def letter_tables(
    frames: Mapping[str, pl.DataFrame],
    datasets: pl.DataFrame,
    agency: str,
    *,
    agreed: pl.DataFrame,
    identity: Collection[tuple[str, str]],
    gaps: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """Return the tables of one agency's letter by section; a section without rows is empty.

    Sections: summary, received, unused, repeated, blanked, repaired, columns_missing,
    columns_renamed, unknown, complete, gaps.

    Args:
        frames: by name those of BY_DATASET and records.subject; others are not looked at.
        datasets: `dataset, agency, title`.
        agency: name of the agency.
        agreed: `dataset, column, heading` that are as agreed though they differ: headings of the
            blank template, and of a statutory return's layout.
        identity: `(dataset, column)` of columns that say who a person is or where they live.
        gaps: the agency's own gaps as the edition prints them: `gap, finding, question, due,
            priority`.
    """
    own = datasets.filter(pl.col("agency") == agency).select("dataset", "title")
    mine = {
        name: frame.join(own, on="dataset", maintain_order="left")
        for name, frame in frames.items()
        if name in BY_DATASET
    }
    names = _names(frames["records.subject"])
    return {
        "summary": _summary(mine, own),
        "received": _received(mine["quality.delivery"], mine["profile.data_quality"]),
        "unused": _unused(mine),
        "repeated": _repeated(mine),
        "blanked": _blanked(mine),
        "repaired": _repaired(mine),
        "columns_missing": _columns_missing(mine["quality.missing_column"]),
        "columns_renamed": _columns_renamed(mine["quality.heading"], agreed),
        "unknown": _unknown(mine["quality.unknown_value"], identity, names),
        "complete": _complete(mine["analysis.quality_rag"]),
        "gaps": gaps.select("gap", "finding", "question", "due", "priority"),
    }


def addressed_to(
    gaps: pl.DataFrame, agency: str, roles: Mapping[str, Collection[str]]
) -> pl.DataFrame:
    """Return the gaps that are addressed to an agency, by its name, its role, or among several.

    Args:
        gaps: intelligence gaps with `agency`.
        agency: the agency's name.
        roles: who holds a role that a gap may be addressed to, such as `Police`.
    """
    wanted = {agency.casefold(), EVERYBODY.casefold()}
    wanted |= {role.casefold() for role, holders in roles.items() if agency in holders}
    named = pl.col("agency").str.to_lowercase()
    return gaps.filter(
        named.is_in(list(wanted))
        | named.str.split(", ").list.set_intersection(pl.lit(sorted(wanted))).list.len().gt(0)
    )


def printable_values(
    unknown: pl.DataFrame, identity: Collection[tuple[str, str]], names: Collection[str]
) -> pl.DataFrame:
    """Return unknown values with `shown`: the value where a letter may print it, else null.

    A value is printed when at least three rows hold it, it is short, has few digits, stands in no
    column that says who someone is, and is made of other words than the names of the people spoken
    of: a file whose columns have slipped must not put a child's name into a letter.

    Args:
        unknown: quality.unknown_value.
        identity: `(dataset, column)` of identity columns.
        names: names of people, lower case, one word each.
    """
    who = pl.DataFrame(list(identity), schema={"dataset": TEXT, "column": TEXT}, orient="row")
    value = pl.col("value")
    words = value.str.to_lowercase().str.extract_all(r"[\p{L}'-]+")
    not_names = words.list.set_difference(pl.lit(sorted(names), dtype=pl.List(TEXT)))
    safe = (
        (pl.col("rows") >= LEAST_ROWS)
        & (value.str.len_chars() <= LONGEST)
        & (value.str.count_matches(r"\d") <= MOST_DIGITS)
        & ~value.str.contains("@", literal=True)
        & pl.col("_who").is_null()
        & ((not_names.list.len() > 0) | (words.list.len() == 0))
    )
    return (
        unknown.join(
            who.unique().with_columns(_who=pl.lit(value=True)),
            on=["dataset", "column"],
            how="left",
            maintain_order="left",
        )
        .with_columns(shown=pl.when(safe).then(value))
        .drop("_who")
    )


def ranges(numbers: Iterable[int], most: int = MOST_RANGES) -> str:
    """Return numbers as `3, 7-9 and 12`, with runs drawn together."""
    runs: list[list[int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    shown = [f"{a}" if a == b else f"{a}\N{EN DASH}{b}" for a, b in runs[:most]]
    left = sum(b - a + 1 for a, b in runs[most:])
    if left:
        return f"{', '.join(shown)} and {left} more (ask for the list)"
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _names(subject: pl.DataFrame) -> set[str]:
    """Return every word of every name, lower case."""
    parts = [
        subject["forename"],
        subject["surname"],
        subject["other_names"].explode(),
    ]
    words = pl.concat([part.cast(TEXT) for part in parts]).drop_nulls().unique()
    return set(words.str.to_lowercase().str.extract_all(r"[\p{L}'-]+").explode().drop_nulls())


def _text(count: str | pl.Expr) -> pl.Expr:
    return (pl.col(count) if isinstance(count, str) else count).cast(pl.Int64).cast(TEXT)


def _summary(mine: Mapping[str, pl.DataFrame], own: pl.DataFrame) -> pl.DataFrame:
    """One row a dataset: quarters that came of those due, rows, and how the newest is judged.

    Rows received are those used, repeated, and not to be used.
    """
    delivery = (
        mine["quality.delivery"]
        .filter(pl.col("status") != "unexpected")
        .group_by("dataset")
        .agg(
            due=pl.col("quarter").n_unique(),
            came=pl.col("quarter").filter(pl.col("status") == "loaded").n_unique(),
        )
    )
    fate = (
        mine["quality.fate"]
        .filter(pl.col("fate") != "superseded")
        .group_by("dataset")
        .agg(
            rows=pl.len(),
            used=pl.col("fate").is_in(["harmonised", "kept_apart"]).sum(),
            repeated=(pl.col("fate") == "duplicate").sum(),
            unused=(pl.col("fate") == "quarantined").sum(),
        )
    )
    return (
        own.join(delivery, on="dataset", how="left", maintain_order="left")
        .join(fate, on="dataset", how="left", maintain_order="left")
        .join(_newest(mine["analysis.quality_rag"]), on="dataset", how="left")
        .select(
            pl.col("title").alias("Dataset"),
            pl.format("{} of {}", pl.col("came").fill_null(0), pl.col("due").fill_null(0)).alias(
                "Quarters received"
            ),
            _text(pl.col("rows").fill_null(0)).alias("Rows received"),
            _text(pl.col("used").fill_null(0)).alias("Used"),
            _text(pl.col("repeated").fill_null(0)).alias("Repeats"),
            _text(pl.col("unused").fill_null(0)).alias("Could not be used"),
            pl.col("newest").fill_null("–").alias("Newest delivery"),
        )
    )


def _newest(rag: pl.DataFrame) -> pl.DataFrame:
    """Return `dataset, newest`: how the newest delivery is judged, its quarter, and why."""
    overall = (
        rag.filter(pl.col("measure") == OVERALL)
        .sort("quarter")
        .unique("dataset", keep="last")
        .select("dataset", "quarter", "rag")
    )
    measure = pl.col("measure")
    field = measure.str.strip_prefix(COMPLETE)
    words = (
        pl.when(measure.str.starts_with(COMPLETE))
        .then(
            pl.format(
                "{} often not given",
                field.replace_strict(FIELDS, default=field, return_dtype=TEXT)
                .str.slice(0, 1)
                .str.to_lowercase()
                + field.replace_strict(FIELDS, default=field, return_dtype=TEXT).str.slice(1),
            )
        )
        .otherwise(measure.replace_strict(JUDGED, default=measure, return_dtype=TEXT))
    )
    why = (
        rag.filter(measure != OVERALL, pl.col("rag").is_in(["red", "amber"]))
        .join(overall, on=["dataset", "quarter", "rag"], how="semi")
        .with_columns(words=words)
        .sort("group", "measure")
        .group_by("dataset", maintain_order=True)
        .agg(why=pl.col("words").str.join("; "))
    )
    return overall.join(why, on="dataset", how="left", maintain_order="left").select(
        "dataset",
        newest=pl.concat_str(
            pl.format("{} ({})", "rag", "quarter"), "why", separator=": ", ignore_nulls=True
        ),
    )


def _received(delivery: pl.DataFrame, quality: pl.DataFrame) -> pl.DataFrame:
    late = quality.filter(pl.col("measure") == "days_late").select(
        "dataset", "quarter", late="value"
    )
    word = (
        pl.when(pl.col("status").is_in(["missing", "awaited", "superseded", "unexpected"]))
        .then(pl.lit(None, dtype=TEXT))
        .when(pl.col("late").is_null())
        .then(pl.lit("not known"))
        .when(pl.col("late") == 0)
        .then(pl.lit("in time"))
        .otherwise(_text("late"))
    )
    delivery = delivery.with_columns(
        fault=pl.Series(
            [fault_alone(*row) for row in delivery.select("problem", "file").iter_rows()],
            dtype=TEXT,
        )
    )
    # Links and permissions are the partnership's own: nothing that the sender could put right.
    is_ours = (pl.col("status") == "refused") | pl.col("fault").str.contains("can't be opened")
    is_ours = is_ours.fill_null(value=False)
    came = delivery.filter(is_ours).select("dataset", "quarter", status=pl.lit("missing"))
    delivery = delivery.join(came, on=["dataset", "quarter", "status"], how="anti")
    fault = pl.when(is_ours).then(pl.lit(OURS)).otherwise("fault")
    state = (
        pl.when(is_ours)
        .then(pl.lit(STATES["refused"]))
        .otherwise(
            pl.col("status").replace_strict(STATES, default=pl.col("status"), return_dtype=TEXT)
        )
    )
    wrong = fault.str.slice(0, 1).str.to_lowercase() + fault.str.slice(1)
    return (
        delivery.join(late, on=["dataset", "quarter"], how="left", maintain_order="left")
        .sort("title", "quarter", "file", nulls_last=True)
        .select(
            pl.col("title").alias("Dataset"),
            pl.col("quarter").alias("Quarter"),
            file_in_words("file").alias("File"),
            _text("rows").alias("Rows"),
            pl.concat_str(
                [state, pl.when(pl.col("status") == "superseded").then(fault).otherwise(wrong)],
                separator=": ",
                ignore_nulls=True,
            ).alias("What became of it"),
            word.alias("Days late"),
        )
    )


def fault_alone(problem: str | None, file: str | None) -> str | None:
    """Return what is wrong with a file, without what the analyst is told to do about it.

    A problem is `<file>: <what is wrong>. <what to do>`, several one after another.
    """
    if problem is None:
        return None
    told = problem.split(f"{file}: ") if file else [problem]
    sentences = [SENTENCE.match(part.strip()) for part in told if part.strip()]
    kept = dict.fromkeys(match[0] for match in sentences if match)
    return VERSION.sub("an earlier version", " ".join(kept))


def _where(frame: pl.DataFrame, places: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return `by`, `count` and `where`: the rows as a spreadsheet shows the file, or as records."""
    placed = with_file_row(frame, places)
    grouped = placed.group_by(by, maintain_order=True).agg(
        count=pl.col("row").n_unique(),
        rows=pl.col("row").unique().sort(),
        places=pl.col(FILE_ROW).unique().sort(),
        certain=pl.col(FILE_ROW).is_not_null().all(),
    )
    texts = [
        _rows_in_words(place if certain else [n + 1 for n in row], certain=certain)
        for row, place, certain in grouped.select("rows", "places", "certain").iter_rows()
    ]
    return grouped.select(*by, "count").with_columns(where=pl.Series("where", texts, TEXT))


def _rows_in_words(numbers: Sequence[int], *, certain: bool) -> str:
    word = "row" if certain else "record"
    return f"{word}{'s' if len(numbers) > 1 else ''} {ranges(numbers)}"


def _unused(mine: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows that could not be used: by file and rule, where they stand."""
    key = ["title", "dataset", "file", "column", "reason"]
    quarantine = _headed(mine["quality.quarantine"], mine["quality.heading"])
    whole = (
        mine["quality.fate"]
        .filter(pl.col("rule").str.contains("unusable_file"))
        .with_columns(
            column=pl.lit(None, dtype=TEXT), reason=pl.lit("the file as a whole could not be used")
        )
    )
    parts = [part.select(*key, "row") for part in (quarantine, whole)]
    found = _where(
        pl.concat(parts).sort(*key, "row", nulls_last=True), mine["quality.file_row"], key
    )
    return found.select(
        pl.col("title").alias("Dataset"),
        pl.col("file").alias("File"),
        pl.col("column").fill_null("the row as a whole").alias("Column"),
        _sentence("reason").alias("What is wrong"),
        _text("count").alias("Rows"),
        pl.col("where").alias("Where in your file"),
    )


def _repeated(mine: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Rows that repeat an earlier one of their file, by file: which repeats which."""
    places = mine["quality.file_row"]
    told = with_file_row(mine["quality.duplicate"], places).rename({"row": "again"})
    first = with_file_row(told.rename({"kept_row": "row", FILE_ROW: "place"}), places).with_columns(
        certain=pl.col("place").is_not_null() & pl.col(FILE_ROW).is_not_null()
    )
    pair = (
        pl.when("certain")
        .then(pl.format("row {} repeats row {}", "place", FILE_ROW))
        .otherwise(pl.format("record {} repeats record {}", pl.col("again") + 1, pl.col("row") + 1))
    )
    found = (
        first.sort("title", "file", "again")
        .group_by("title", "file", maintain_order=True)
        .agg(count=pl.len(), shown=pair.head(MOST_REPEATS).str.join("; "))
    )
    left = pl.col("count").cast(pl.Int64) - MOST_REPEATS
    more = pl.when(left > 0).then(pl.format("; and {} more (ask for the list)", left))
    return found.select(
        pl.col("title").alias("Dataset"),
        pl.col("file").alias("File"),
        _text("count").alias("Rows"),
        (pl.col("shown") + more.otherwise(pl.lit(""))).alias("Where in your file"),
    )


def _sentence(column: str) -> pl.Expr:
    text = pl.col(column)
    return text.str.slice(0, 1).str.to_uppercase() + text.str.slice(1)


def _headed(frame: pl.DataFrame, heading: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with `column` as the agency heads it in that file."""
    names = heading.select("dataset", "file", "column", "heading")
    return frame.join(
        names, on=["dataset", "file", "column"], how="left", maintain_order="left"
    ).with_columns(column=pl.coalesce("heading", "column"))


def _blanked(mine: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """Cells that hold something impossible, which the agency alone can put right."""
    key = ["title", "dataset", "file", "column", "reason"]
    lost = mine["quality.repairs"].filter(~pl.col("rule").is_in(READ_ANOTHER_WAY))
    headed = _headed(lost, mine["quality.heading"]).sort(*key, "row", nulls_last=True)
    return _where(headed, mine["quality.file_row"], key).select(
        pl.col("title").alias("Dataset"),
        pl.col("file").alias("File"),
        pl.col("column").alias("Column"),
        _sentence("reason").alias("What is wrong"),
        _text("count").alias("Rows"),
        pl.col("where").alias("Where in your file"),
    )


def _repaired(mine: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    quarters = (
        mine["quality.delivery"].select("dataset", "file", "quarter").drop_nulls("file").unique()
    )
    return (
        _headed(mine["quality.repairs"], mine["quality.heading"])
        .filter(pl.col("rule").is_in(READ_ANOTHER_WAY))
        .join(quarters, on=["dataset", "file"], how="left", maintain_order="left")
        .group_by("title", "column", "reason")
        .agg(cells=pl.len(), quarters=pl.col("quarter").drop_nulls().unique().sort().str.join(", "))
        .sort("title", "column", "reason", nulls_last=True)
        .select(
            pl.col("title").alias("Dataset"),
            pl.col("column").alias("Column"),
            _sentence("reason").alias("What was done"),
            _text("cells").alias("Cells"),
            pl.col("quarters").alias("Quarters"),
        )
    )


def _columns_missing(missing: pl.DataFrame) -> pl.DataFrame:
    return (
        missing.group_by("title", "column")
        .agg(
            files=pl.col("file").unique().sort().str.join(", "),
            used_for=pl.col("used_for").unique().sort().str.join("; "),
        )
        .sort("title", "column")
        .select(
            pl.col("title").alias("Dataset"),
            pl.col("column").alias("Column we agreed"),
            pl.col("files").alias("Files without it"),
            pl.col("used_for").alias("What can't be told without it"),
        )
    )


def _columns_renamed(heading: pl.DataFrame, agreed: pl.DataFrame) -> pl.DataFrame:
    def folded(name: str) -> pl.Expr:
        return pl.col(name).str.replace_all(r"\s+", " ").str.strip_chars().str.to_lowercase()

    return (
        heading.join(agreed, on=["dataset", "column", "heading"], how="anti")
        .filter(folded("column") != folded("heading"))
        .group_by("title", "column", "heading")
        .agg(quarters=pl.col("quarter").unique().sort().str.join(", "))
        .sort("title", "column", "heading")
        .select(
            pl.col("title").alias("Dataset"),
            pl.col("column").alias("Column we agreed"),
            pl.col("heading").alias("Heading in your file"),
            pl.col("quarters").alias("Quarters"),
        )
    )


def _unknown(
    unknown: pl.DataFrame, identity: Collection[tuple[str, str]], names: Collection[str]
) -> pl.DataFrame:
    judged = printable_values(unknown, identity, names)
    shown = judged.filter(pl.col("shown").is_not_null()).select(
        "title", "column", "shown", "rows", "suggestion"
    )
    rest = (
        judged.filter(pl.col("shown").is_null())
        .group_by("title", "column")
        .agg(spellings=pl.len(), rows=pl.col("rows").sum())
        .select(
            "title",
            "column",
            pl.format("{} further, not printed here", "spellings").alias("shown"),
            pl.col("rows").cast(pl.Int64),
            pl.lit(None, dtype=TEXT).alias("suggestion"),
        )
    )
    return (
        pl.concat([shown.sort("title", "column", "shown"), rest.sort("title", "column")])
        .sort("title", "column", maintain_order=True)
        .select(
            pl.col("title").alias("Dataset"),
            pl.col("column").alias("Column"),
            pl.col("shown").alias("Value"),
            _text("rows").alias("Rows"),
            pl.col("suggestion").alias("Do you mean?"),
        )
    )


def _complete(rag: pl.DataFrame) -> pl.DataFrame:
    """Completeness of each core field in the newest delivery of each dataset."""
    given = rag.filter(pl.col("measure").str.starts_with(COMPLETE), pl.col("value").is_not_null())
    newest = given.group_by("dataset").agg(pl.col("quarter").max())
    fields = pl.col("measure").str.strip_prefix(COMPLETE)
    return (
        given.join(newest, on=["dataset", "quarter"])
        .with_columns(field=fields.replace_strict(FIELDS, default=fields, return_dtype=TEXT))
        .sort("title", "field")
        .select(
            pl.col("title").alias("Dataset"),
            pl.col("quarter").alias("Quarter"),
            pl.col("field").alias("Field"),
            pl.format("{}%", pl.col("value").round(1)).alias("Records that give it"),
            pl.col("rag").alias("Judged"),
            pl.col("limit").alias("Limits"),
        )
    )
