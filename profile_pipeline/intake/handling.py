"""Which information reports may be counted outside the analyst's desk, decided at intake.

A report may when its handling code permits sharing, it has been sanitised, and consent allows it.
Whatever is not stated keeps it restricted, unless the plan holds a decision for its dataset
(`handling_default`). `codes/handling_code.csv` says what each code means: of 3x5x2 `P` permits and
`C` has conditions; of the older 5x5x5 handling code 2 alone permits sharing with partners that
prosecute nobody, such as a panel.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from profile_pipeline.codes.lookup import code_list, fold_expr, unknown_texts
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.tables import Dtype

HANDLING = "handling_code"
PERMITTED = "permitted"
DECIDED: dict[str, Dtype] = {
    "handling_code": pl.String,
    "sanitised": pl.Boolean,
    "consent": pl.String,
    "consent_reason": pl.String,
}


def with_release(
    reports: pl.DataFrame, own_codes: Path | None = None, datasets: Sequence[Dataset] = ()
) -> pl.DataFrame:
    """Return the reports with `handling`, `releasable`, `restricted_because` and `by_default`.

    Args:
        reports: tables.MEASURES["information_report"], the four columns in whatever state.
        own_codes: the profile folder's own code lists.
        datasets: the plan's datasets, whose `handling_default` counts where a report says nothing.
    """
    stated = _judged(reports, own_codes)
    told = _judged(_with_defaults(reports, datasets), own_codes)
    return reports.with_columns(
        handling=told["handling"],
        restricted_because=told["because"],
        releasable=told["because"].is_null(),
        by_default=told["because"].is_null() & stated["because"].is_not_null(),
    )


def _with_defaults(reports: pl.DataFrame, datasets: Sequence[Dataset]) -> pl.DataFrame:
    """Return the reports with what the plan takes of them where they state nothing.

    The reason for doing without consent goes with the decision to, never with a report's own.
    """
    rows = [
        (each.id, default.handling_code or None, default.sanitised, default.consent or None,
         default.consent_reason or None)
        for each in datasets
        if (default := each.handling_default) is not None
    ]  # fmt: skip
    schema = {"dataset": pl.String, **{f"_{name}": dtype for name, dtype in DECIDED.items()}}
    decided = pl.DataFrame(rows, schema=schema, orient="row")
    joined = reports.join(decided, on="dataset", how="left", maintain_order="left")
    return joined.with_columns(
        pl.coalesce("handling_code", "_handling_code").alias("handling_code"),
        pl.coalesce("sanitised", "_sanitised").alias("sanitised"),
        pl.coalesce("consent", "_consent").alias("consent"),
        pl.when(pl.col("consent").is_null())
        .then(pl.coalesce("consent_reason", "_consent_reason"))
        .otherwise("consent_reason")
        .alias("consent_reason"),
    ).select(reports.columns)


def _judged(reports: pl.DataFrame, own_codes: Path | None) -> pl.DataFrame:
    """Return `handling, because`: what the code means, and why a report is restricted."""
    codes = code_list(HANDLING, own_codes)
    handling = fold_expr(pl.col("handling_code")).replace_strict(
        list(codes), list(codes.values()), default=None, return_dtype=pl.String
    )
    no_reason = fold_expr(pl.col("consent_reason").fill_null("")).is_in(
        ["", *unknown_texts(own_codes)]
    )
    because = (
        pl.when(pl.col("handling_code").is_null())
        .then(pl.lit("it has no handling code"))
        .when(handling.is_null())
        .then(pl.lit("its handling code is not known"))
        .when(handling != PERMITTED)
        .then(pl.lit("its handling code sets conditions"))
        .when(~pl.col("sanitised").fill_null(value=False))
        .then(pl.lit("it is not said to be sanitised"))
        .when(pl.col("consent").is_null())
        .then(pl.lit("consent is not stated"))
        .when(~pl.col("consent").is_in(["sought", "dispensed with"]))
        .then(pl.lit("consent is limited or was refused"))
        .when((pl.col("consent") == "dispensed with") & no_reason)
        .then(pl.lit("consent was dispensed with and no reason is given"))
    )
    return reports.select(handling=handling, because=because)
