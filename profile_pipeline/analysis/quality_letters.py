"""What an agency is told about its own files: tables for its letter, without any person in them.

Counts and row numbers of the agency's own rows, rules in words, and no cell of any row: the only
values that may be printed are spellings that no table knows, under `printable_values`. All columns
are text as printed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

import polars as pl

from profile_pipeline.analysis.quality_rag import COMPLETE, NOT_TOLD, OVERALL

# What a letter may print of a spelling: held by at least so many rows, and no longer than a code.
LEAST_ROWS = 3
LONGEST = 30
MOST_DIGITS = 4
# Numbers printed for one rule and file; the analyst sends the rest on request.
MOST_RANGES = 80

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
    "profile.data_quality",
    "analysis.quality_rag",
)
EVERYBODY = "All agencies"
TEXT = pl.String

STATES = {
    "loaded": "Used",
    "missing": "Nothing arrived",
    "awaited": "Not due yet",
    "unreadable": "Could not be read",
    "unusable": "Could not be used",
    "refused": "Refused",
    "unexpected": "Not in the plan; not read",
    "superseded": "Replaced by a newer delivery",
}
FIELDS = {
    "forename": "Forename",
    "surname": "Surname",
    "date_of_birth": "Date of birth",
    "sex": "Sex",
    "ethnicity_code": "Ethnic group",
    "disability": "Disability",
    "postcode": "Postcode",
    "postcode_sector": "Postcode sector",
}


def letter_tables(
    frames: Mapping[str, pl.DataFrame],
    datasets: pl.DataFrame,
    agency: str,
    *,
    lines: pl.DataFrame,
    identity: Collection[tuple[str, str]],
    gaps: pl.DataFrame,
) -> dict[str, pl.DataFrame]:
    """Return the tables of one agency's letter by section; a section without rows is empty.

    Sections: summary, received, unused, blanked, repaired, columns_missing, columns_renamed,
    unknown, complete, gaps.

    Args:
        frames: by name those of BY_DATASET and records.subject; others are not looked at.
        datasets: `dataset, agency, title`.
        agency: name of the agency.
        lines: `dataset, file, row, line, word`: where rows stand in the agency's file, for files
            in which that is certain.
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
        "unused": _unused(mine, lines),
        "blanked": _blanked(mine, lines),
        "repaired": _repaired(mine["quality.repairs"], mine["quality.delivery"]),
        "columns_missing": _columns_missing(mine["quality.missing_column"]),
        "columns_renamed": _columns_renamed(mine["quality.heading"]),
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
    """One row a dataset: quarters that came of those due, rows, and how the newest is judged."""
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
            unused=(pl.col("fate") == "quarantined").sum(),
        )
    )
    newest = (
        mine["analysis.quality_rag"]
        .filter(pl.col("measure") == OVERALL)
        .sort("quarter")
        .unique("dataset", keep="last")
        .select("dataset", "rag", "quarter")
    )
    return (
        own.join(delivery, on="dataset", how="left", maintain_order="left")
        .join(fate, on="dataset", how="left", maintain_order="left")
        .join(newest, on="dataset", how="left", maintain_order="left")
        .select(
            pl.col("title").alias("Dataset"),
            pl.format("{} of {}", pl.col("came").fill_null(0), pl.col("due").fill_null(0)).alias(
                "Quarters received"
            ),
            _text(pl.col("rows").fill_null(0)).alias("Rows received"),
            _text(pl.col("used").fill_null(0)).alias("Used"),
            _text(pl.col("unused").fill_null(0)).alias("Could not be used"),
            pl.format(
                "{} ({})", pl.col("rag").fill_null(NOT_TOLD), pl.col("quarter").fill_null("none")
            ).alias("Newest delivery"),
        )
    )


def _received(delivery: pl.DataFrame, quality: pl.DataFrame) -> pl.DataFrame:
    late = quality.filter(pl.col("measure") == "days_late").select(
        "dataset", "quarter", late="value"
    )
    word = (
        pl.when(pl.col("status") == "missing")
        .then(pl.lit(None, dtype=TEXT))
        .when(pl.col("late").is_null())
        .then(pl.lit("can't be told"))
        .when(pl.col("late") == 0)
        .then(pl.lit("in time"))
        .otherwise(_text("late"))
    )
    state = pl.col("status").replace_strict(STATES, default=pl.col("status"), return_dtype=TEXT)
    # Only what is wrong is told, not how a file that counts compares with one it replaced.
    wrong = pl.when(pl.col("status") != "loaded").then("problem")
    return (
        delivery.join(late, on=["dataset", "quarter"], how="left", maintain_order="left")
        .sort("title", "quarter", "file", nulls_last=True)
        .select(
            pl.col("title").alias("Dataset"),
            pl.col("quarter").alias("Quarter"),
            pl.col("file").alias("File"),
            _text("rows").alias("Rows"),
            pl.concat_str([state, wrong], separator=": ", ignore_nulls=True).alias(
                "What became of it"
            ),
            word.alias("Days late"),
        )
    )


def _where(frame: pl.DataFrame, lines: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return `by`, `count` and `where`: the rows by their line in the file, or as data rows."""
    placed = frame.join(
        lines.select("dataset", "file", "row", "line", "word"),
        on=["dataset", "file", "row"],
        how="left",
        maintain_order="left",
    )
    grouped = placed.group_by(by, maintain_order=True).agg(
        count=pl.col("row").n_unique(),
        rows=pl.col("row").unique().sort(),
        lines=pl.col("line").unique().sort(),
        word=pl.col("word").first(),
        certain=pl.col("line").is_not_null().all(),
    )
    texts = [
        f"{word}{'s' if count > 1 else ''} {ranges(line if certain else (n + 1 for n in row))}"
        for count, row, line, word, certain in (
            (c, r, li, w if ok else "data row", ok)
            for c, r, li, w, ok in grouped.select(
                "count", "rows", "lines", "word", "certain"
            ).iter_rows()
        )
    ]
    return grouped.select(*by, "count").with_columns(where=pl.Series("where", texts, TEXT))


def _unused(mine: Mapping[str, pl.DataFrame], lines: pl.DataFrame) -> pl.DataFrame:
    """Rows that could not be used: by file and rule, where they stand."""
    key = ["title", "dataset", "file", "column", "reason"]
    quarantine = _headed(mine["quality.quarantine"], mine["quality.heading"])
    twice = mine["quality.duplicate"].with_columns(
        column=pl.lit(None, dtype=TEXT),
        reason=pl.lit(
            "the same row stands earlier in the same file, to the letter; it counts once"
        ),
    )
    whole = (
        mine["quality.fate"]
        .filter(pl.col("rule").str.contains("unusable_file"))
        .with_columns(
            column=pl.lit(None, dtype=TEXT), reason=pl.lit("the file as a whole could not be used")
        )
    )
    parts = [part.select(*key, "row") for part in (quarantine, twice, whole)]
    found = _where(pl.concat(parts).sort(*key, "row", nulls_last=True), lines, key)
    return found.select(
        pl.col("title").alias("Dataset"),
        pl.col("file").alias("File"),
        pl.col("column").alias("Column"),
        _sentence("reason").alias("Why"),
        _text("count").alias("Rows"),
        pl.col("where").alias("Where in your file"),
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


def _blanked(mine: Mapping[str, pl.DataFrame], lines: pl.DataFrame) -> pl.DataFrame:
    """Cells that hold something impossible, which the agency alone can put right."""
    key = ["title", "dataset", "file", "column", "reason"]
    lost = mine["quality.repairs"].filter(~pl.col("rule").is_in(READ_ANOTHER_WAY))
    headed = _headed(lost, mine["quality.heading"]).sort(*key, "row", nulls_last=True)
    return _where(headed, lines, key).select(
        pl.col("title").alias("Dataset"),
        pl.col("file").alias("File"),
        pl.col("column").alias("Column"),
        _sentence("reason").alias("Why"),
        _text("count").alias("Rows"),
        pl.col("where").alias("Where in your file"),
    )


def _repaired(repairs: pl.DataFrame, delivery: pl.DataFrame) -> pl.DataFrame:
    quarters = delivery.select("dataset", "file", "quarter").drop_nulls("file").unique()
    return (
        repairs.filter(pl.col("rule").is_in(READ_ANOTHER_WAY))
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


def _columns_renamed(heading: pl.DataFrame) -> pl.DataFrame:
    def folded(name: str) -> pl.Expr:
        return pl.col(name).str.replace_all(r"\s+", " ").str.strip_chars().str.to_lowercase()

    return (
        heading.filter(folded("column") != folded("heading"))
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
