"""A row of the gap table: its columns, the values they take, and rows of fixed words.

A rule is a function from the evidence to a frame with the columns `ROW`; the modules `*_gaps` hold
the rules by theme, and `gaps` puts their rows together.
"""

from collections.abc import Callable

import polars as pl

from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.marks import number, sentence, share

Rule = Callable[[Evidence], pl.DataFrame]

PRIORITIES = ("high", "medium", "low")
THEMES = ("collection", "data quality", "screening", "victims", "suspects", "locations")
ROW = ("theme", "finding", "evidence", "agency", "question", "priority")

# Whom a gap is put to where no dataset says it.
CSE_TEAM = "CSE team"
POLICE = "Police"
LICENSING = "Licensing authority"
CHILDREN_S_SERVICES = "Children's services"
ANALYST = "Analyst"


def one(
    theme: str, finding: str, evidence: str, agency: str, question: str, priority: str
) -> pl.DataFrame:
    """Return one row of fixed words."""
    values = (theme, finding, evidence, agency, question, priority)
    return pl.DataFrame([values], schema=dict.fromkeys(ROW, pl.String), orient="row")


def none() -> pl.DataFrame:
    """Return no row: what the rule looks for is not there."""
    return pl.DataFrame(schema=dict.fromkeys(ROW, pl.String))


def above_limit(
    counts: pl.DataFrame,
    part: str,
    whole: str,
    limit: float,
    *,
    theme: str,
    finding: str | pl.Expr,
    evidence: str | pl.Expr,
    question: str | pl.Expr,
    priority: str,
) -> pl.DataFrame:
    """Return a row for each dataset of which too large a share falls short.

    Args:
        counts: one row a dataset, with its `agency` and both counts.
        part: column that counts what falls short.
        whole: column that counts all of it.
        limit: the share in percent above which it is a gap.
        theme: one of THEMES.
        finding: how the sentence goes on that begins with the share.
        evidence: how the sentence goes on that begins with both counts, "5 of 20".
        question: what is asked.
        priority: one of PRIORITIES.
    """
    some, all_of_it = pl.col(part), pl.col(whole)
    return counts.filter(some / all_of_it * 100 > limit).select(
        "agency",
        theme=pl.lit(theme),
        finding=sentence(share(some, all_of_it), finding),
        evidence=sentence(number(some), " of ", number(all_of_it), evidence),
        question=sentence(question),
        priority=pl.lit(priority),
    )
