"""A row of the gap table: its columns, the values they take, and rows of fixed words.

A rule is a function from the evidence to a frame with the columns `ROW`; the modules `*_gaps` hold
the rules by theme, and `gaps` puts their rows together.
"""

from collections.abc import Callable

import polars as pl

from profile_pipeline.analysis.evidence import Evidence

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
