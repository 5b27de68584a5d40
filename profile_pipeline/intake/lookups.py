"""What another list of the same delivery says about a row: the plan's `lookup:`.

A statutory return is several lists joined on an id. Each list is received, harmonised and counted
as a dataset of its own; a lookup only fills a row's cells from the other list before they are
harmonised. A cell that the row has itself is never overwritten, and where the other list
contradicts itself about a key nothing is taken from it: a child with three dates of birth has none.
"""

from collections.abc import Collection

import polars as pl

from profile_pipeline.codes.lookup import fold, fold_expr
from profile_pipeline.intake.cells import DIGITS_LOST, WHOLE_AS_FRACTION, clean
from profile_pipeline.plan.collection import Condition, Lookup, Sum

REASONS = {
    "lookup_conflict": "the list it is joined to gives several values; none was taken",
    "lookup_missing": "the list it is joined to has no such row",
    "sum_impossible": "the sum of the details exceeds what is possible; it was not used",
}
FAULTS = {"file": pl.String, "row": pl.Int64, "column": pl.String, "rule": pl.String}
NOTHING = "\x00"


def look_up(
    work: pl.DataFrame,
    lookup: Lookup,
    other: pl.DataFrame | None,
    *,
    unknown: Collection[str] = (),
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows with cells filled from the other list, and what could not be filled.

    Args:
        work: rows under the plan's names, with `_file, _row, _quarter`.
        lookup: what to look up.
        other: the other list's rows that count, columns of `lookup.takes()` and `_quarter`; null
            when there are none, which is told as that list's missing delivery.
        unknown: folded texts that mean "we don't know"; they contradict nothing.

    The second frame has `file, row, column, rule`, rules as in `REASONS`.
    """
    if other is None or work.is_empty():
        return work, pl.DataFrame(schema=FAULTS)
    keys = ["_quarter", *(f"_key{number}" for number in range(len(lookup.on)))]
    mine = work.with_columns(_key(own).alias(f"_key{n}") for n, own in enumerate(lookup.on))
    theirs = other.with_columns(
        _key(name).alias(f"_key{n}") for n, name in enumerate(lookup.on.values())
    ).drop_nulls(keys)
    held = theirs.group_by(keys).agg(
        pl.lit(value=True).alias("_found"),
        *(_agreed(their, unknown).alias(f"_from:{own}") for own, their in lookup.columns.items()),
        *(_summed(theirs, each).alias(f"_from:{own}") for own, each in lookup.sums.items()),
    )
    joined = mine.join(held, on=keys, how="left", maintain_order="left")
    blank = {own: clean(pl.col(own)).is_null() for own in lookup.adds()}
    given = {own: pl.col(f"_from:{own}") for own in lookup.adds()}
    above = {own: _above(own, each) for own, each in lookup.sums.items()}
    rules = {
        own: pl.when(blank[own] & (given[own] == NOTHING))
        .then(pl.lit("lookup_conflict"))
        .when(blank[own] & above.get(own, pl.lit(value=False)))
        .then(pl.lit("sum_impossible"))
        for own in lookup.adds()
    }
    # A pupil of whom there are no details may have missed nothing: only identity is missed.
    wanted = [blank[own] for own in lookup.columns]
    unfound = pl.col("_found").is_null() & pl.all_horizontal(wanted or [pl.lit(value=False)])
    faults = [
        _faults(joined, next(iter(lookup.on)), pl.when(unfound).then(pl.lit("lookup_missing"))),
        *(_faults(joined, own, rule) for own, rule in rules.items()),
    ]
    filled = joined.with_columns(
        pl.when(blank[own] & rules[own].is_null())
        .then(given[own])
        .otherwise(pl.col(own))
        .alias(own)
        for own in lookup.adds()
    )
    return filled.select(work.columns), pl.concat(faults)


def _key(column: str) -> pl.Expr:
    """An id as it is joined on: a spreadsheet's `.0` is none of it, a cut number is no id."""
    text = clean(pl.col(column))
    whole = text.str.replace(WHOLE_AS_FRACTION, "${1}")
    return pl.when(~text.str.contains(DIGITS_LOST)).then(whole)


def _agreed(column: str, unknown: Collection[str]) -> pl.Expr:
    """The one value that the rows of a key give; `NOTHING` when they disagree, null for none."""
    text = clean(pl.col(column))
    values = text.filter(text.is_not_null() & ~fold_expr(text).is_in(list(unknown)))
    return pl.when(values.n_unique() > 1).then(pl.lit(NOTHING)).otherwise(values.first())


def _summed(frame: pl.DataFrame, each: Sum) -> pl.Expr:
    """The sum as text, a whole number without decimals; 0 when rows are there but none meets it."""
    number = clean(pl.col(each.column)).str.replace_all(",", "").cast(pl.Float64, strict=False)
    if each.where is not None:
        number = number.filter(meets(each.where))
    total = number.sum()
    whole = total.cast(pl.Int64).cast(pl.String)
    return pl.when(total == total.round()).then(whole).otherwise(total.cast(pl.String))


def meets(condition: Condition) -> pl.Expr:
    """Whether a row of the other list meets the condition of a sum."""
    folded = fold_expr(clean(pl.col(condition.column)))
    wanted = (
        condition.is_in or condition.has_code or ((condition.equals,) if condition.equals else ())
    )
    if condition.not_blank:
        return clean(pl.col(condition.column)).is_not_null()
    return folded.is_in([fold(value) for value in wanted]).fill_null(value=False)


def _above(own: str, each: Sum) -> pl.Expr:
    if each.at_most is None:
        return pl.lit(value=False)
    most = clean(pl.col(each.at_most)).cast(pl.Float64, strict=False)
    found = pl.col(f"_from:{own}").cast(pl.Float64, strict=False)
    return (found > most).fill_null(value=False)


def _faults(joined: pl.DataFrame, column: str, rule: pl.Expr) -> pl.DataFrame:
    return (
        joined.select(
            pl.col("_file").alias("file"),
            pl.col("_row").alias("row"),
            pl.lit(column).alias("column"),
            rule.alias("rule"),
        )
        .filter(pl.col("rule").is_not_null())
        .cast(FAULTS)  # type: ignore[arg-type]
    )
