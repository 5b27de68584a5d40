"""Gaps of delivery: what did not come, is old, or came empty, twice, unreadable or in part."""

import polars as pl

from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gap_rows import Rule
from profile_pipeline.file_rows import file_in_words
from profile_pipeline.marks import sentence
from profile_pipeline.quarters import last_day
from profile_pipeline.tables import CONTEXT_DELIVERY, DELIVERY, MISSING_COLUMN


def never_delivered(evidence: Evidence) -> pl.DataFrame:
    """A dataset the plan asks for, of which no file has ever come."""
    return (
        evidence.named(evidence.table(DELIVERY))
        .group_by("dataset", "agency", "title")
        .agg(
            came=(pl.col("status") != "missing").any(),
            quarters=pl.col("quarter").n_unique(),
            first=pl.col("quarter").min(),
            last=pl.col("quarter").max(),
        )
        .filter(~pl.col("came"))
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence("Nothing has ever been received of: ", pl.col("title"), "."),
            evidence=sentence(
                "No file for any of ",
                pl.col("quarters"),
                pl.when(pl.col("quarters") == 1)
                .then(pl.lit(" quarter"))
                .otherwise(pl.lit(" quarters")),
                " (quality.delivery).",
            ),
            question=sentence(
                "Can you supply '",
                pl.col("title"),
                "' for ",
                pl.col("first"),
                " to ",
                pl.col("last"),
                ", and if not, what prevents it?",
            ),
            priority=pl.lit("high"),
        )
    )


def missed_quarters(evidence: Evidence) -> pl.DataFrame:
    """Quarters for which no file came, of a dataset that came in others."""
    return (
        evidence.named(evidence.table(DELIVERY))
        .sort("quarter")
        .group_by("dataset", "agency", "title", maintain_order=True)
        .agg(
            came=(pl.col("status") != "missing").any(),
            missed=pl.col("quarter").filter(pl.col("status") == "missing").unique().sort(),
        )
        .filter(pl.col("came"), pl.col("missed").list.len() > 0)
        .with_columns(pl.col("missed").list.join(", "))
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(pl.col("title"), " is missing for ", pl.col("missed"), "."),
            evidence=sentence(
                "No file for these quarters (quality.delivery, ", pl.col("dataset"), ")."
            ),
            question=sentence("Can you send '", pl.col("title"), "' for ", pl.col("missed"), "?"),
            priority=pl.lit("high"),
        )
    )


def never_refreshed(evidence: Evidence) -> pl.DataFrame:
    """A dataset whose newest quarter is long past (IICSA: profiles that were never refreshed).

    By the quarter of the delivery, not the date of the file: a copy made today is no newer for it.
    """
    most = evidence.settings.gaps.refresh_months
    newest = (
        evidence.named(evidence.table(DELIVERY).filter(pl.col("status") == "loaded"))
        .group_by("dataset", "agency", "title")
        .agg(pl.col("quarter").max())
    )
    ends = {quarter: last_day(quarter) for quarter in newest["quarter"].unique()}
    as_at = pl.lit(evidence.settings.as_at)
    ended = pl.col("quarter").replace_strict(
        list(ends), list(ends.values()), default=None, return_dtype=pl.Date
    )
    return (
        newest.with_columns(ended=ended)
        .filter(pl.col("ended").dt.offset_by(f"{most}mo") < as_at)
        .select(
            "agency",
            "dataset",
            theme=pl.lit("collection"),
            finding=sentence(
                pl.col("title"),
                " was last refreshed for ",
                pl.col("quarter"),
                f", more than {most} months before the date of this profile.",
            ),
            evidence=sentence(
                "The quarter of its newest delivery (quality.delivery, ", pl.col("dataset"), ")."
            ),
            question=sentence("Can you send '", pl.col("title"), "' up to date?"),
            priority=pl.lit("high"),
        )
    )


def unusable_files(evidence: Evidence) -> pl.DataFrame:
    """A file that came and could not be read, or not be used."""
    status = pl.col("status")
    return _files(
        evidence,
        status.is_in(["unreadable", "unusable"]),
        said=sentence(" is ", status, "."),
        rests=sentence(
            file_in_words("file").fill_null("No file name"),
            ": ",
            # A problem says where it is itself.
            pl.coalesce(
                pl.col("problem").str.strip_prefix(pl.concat_str("file", pl.lit(": "))),
                "problem",
                pl.lit("no reason is held"),
            ),
            " (quality.delivery)",
        ),
        asked=sentence("Can you send '", pl.col("title"), "' for ", pl.col("quarter"), " again?"),
    )


def empty_files(evidence: Evidence) -> pl.DataFrame:
    """A file that came with its headings and no row: nothing happened, or nothing was sent."""
    return _files(
        evidence,
        (pl.col("status") == "loaded") & (pl.col("rows") == 0),
        said=pl.lit(" holds no row."),
        rests=sentence(file_in_words("file"), " has headings alone (quality.delivery)."),
        asked=sentence(
            "Was there nothing to tell in '",
            pl.col("title"),
            "' for ",
            pl.col("quarter"),
            ", or did the extract fail?",
        ),
    )


def _files(
    evidence: Evidence, which: pl.Expr, *, said: pl.Expr, rests: pl.Expr, asked: pl.Expr
) -> pl.DataFrame:
    """Return a gap for each file of the kind; `said` ends the sentence on the file."""
    return (
        evidence.named(evidence.table(DELIVERY))
        .filter(which)
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence("The file of ", pl.col("title"), " for ", pl.col("quarter"), said),
            evidence=rests,
            question=asked,
            priority=pl.lit("high"),
        )
    )


def repeated_files(evidence: Evidence) -> pl.DataFrame:
    """A quarter's file that is, byte by byte, that of another quarter: one of them is not right."""
    key = ("dataset", "sha256")
    return (
        evidence.named(evidence.table(DELIVERY))
        .filter(pl.col("status") == "loaded", pl.col("rows") > 0, pl.col("sha256").is_not_null())
        .group_by(*key, "agency", "title")
        .agg(
            quarters=pl.col("quarter").unique().sort(),
            files=file_in_words(pl.col("file").unique().sort()),
        )
        .filter(pl.col("quarters").list.len() > 1, pl.col("files").list.len() > 1)
        .with_columns(pl.col("quarters", "files").list.join(", "))
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(
                "The files of ", pl.col("title"), " for ", pl.col("quarters"), " are the same."
            ),
            evidence=sentence(pl.col("files"), " do not differ in a byte (quality.delivery)."),
            question=sentence(
                "Which of these quarters is it, and can you send '",
                pl.col("title"),
                "' for the others?",
            ),
            priority=pl.lit("high"),
        )
    )


def missing_columns(evidence: Evidence) -> pl.DataFrame:
    """A column that the plan asks for and a file lacks, with what can't be told without it."""
    return (
        evidence.named(evidence.table(MISSING_COLUMN))
        .group_by("dataset", "agency", "title", "column")
        .agg(
            quarters=pl.col("quarter").unique().sort().str.join(", "),
            files=file_in_words(pl.col("file").unique().sort()).str.join(", "),
            used_for=pl.col("used_for").unique().sort().str.join("; "),
        )
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(
                pl.col("title"),
                " came without '",
                pl.col("column"),
                "' for ",
                pl.col("quarters"),
                "; without it can't be told: ",
                pl.col("used_for"),
                ".",
            ),
            evidence=sentence(
                "Column '",
                pl.col("column"),
                "' is not in ",
                pl.col("files"),
                " (quality.missing_column).",
            ),
            question=sentence(
                "Can you send '",
                pl.col("title"),
                "' for ",
                pl.col("quarters"),
                " again with '",
                pl.col("column"),
                "'?",
            ),
            priority=pl.lit("medium"),
        )
    )


def unreadable_context(evidence: Evidence) -> pl.DataFrame:
    """A register or layer of the plan that could not be read."""
    return _registers(evidence, pl.col("status") != "loaded", "could not be read", "again", "high")


def partial_context(evidence: Evidence) -> pl.DataFrame:
    """A register or layer that was read and covers the area, or the children of it, in part."""
    return _registers(
        evidence,
        (pl.col("status") == "loaded") & pl.col("problem").is_not_null(),
        "tells of the area in part only",
        "for the whole area",
        "medium",
    )


def _registers(
    evidence: Evidence, which: pl.Expr, said: str, asked: str, priority: str
) -> pl.DataFrame:
    """Return a gap for each register or layer of the kind, with what is wrong with it."""
    return (
        evidence.table(CONTEXT_DELIVERY)
        .filter(which)
        .select(
            "agency",
            theme=pl.lit("collection"),
            finding=sentence(
                f"A register or layer {said}: ", pl.col("source").str.replace_all("_", " "), "."
            ),
            evidence=sentence(
                pl.col("problem").fill_null("no reason is held"), " (quality.context_delivery)"
            ),
            question=sentence("Can you send '", pl.col("file"), f"' {asked}?"),
            priority=pl.lit(priority),
        )
    )


RULES: tuple[Rule, ...] = (
    never_delivered,
    missed_quarters,
    never_refreshed,
    unusable_files,
    empty_files,
    repeated_files,
    missing_columns,
    unreadable_context,
    partial_context,
)
