"""Which information reports may be counted outside the analyst's desk, decided at intake.

A report may when its handling code permits sharing, it has been sanitised, and consent allows it.
Whatever is not stated keeps it restricted. `codes/handling_code.csv` says what each code means:
of 3x5x2 `P` permits and `C` has conditions; of the older 5x5x5 handling code 2 alone permits
sharing with partners that prosecute nobody, such as a panel.
"""

from pathlib import Path

import polars as pl

from profile_pipeline.codes.lookup import code_list, fold_expr, unknown_texts

HANDLING = "handling_code"
PERMITTED = "permitted"


def with_release(reports: pl.DataFrame, own_codes: Path | None = None) -> pl.DataFrame:
    """Return the reports with `handling`, `releasable` and `restricted_because`.

    Args:
        reports: tables.MEASURES["information_report"], the three columns in whatever state.
        own_codes: the profile folder's own code lists.
    """
    codes = code_list(HANDLING, own_codes)
    handling = fold_expr(pl.col("handling_code")).replace_strict(
        list(codes), list(codes.values()), default=None, return_dtype=pl.String
    )
    reports = reports.with_columns(handling=handling)
    no_reason = fold_expr(pl.col("consent_reason").fill_null("")).is_in(
        ["", *unknown_texts(own_codes)]
    )
    because = (
        pl.when(pl.col("handling_code").is_null())
        .then(pl.lit("it has no handling code"))
        .when(pl.col("handling").is_null())
        .then(pl.lit("its handling code is not known"))
        .when(pl.col("handling") != PERMITTED)
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
    reports = reports.with_columns(restricted_because=because)
    return reports.with_columns(releasable=pl.col("restricted_because").is_null())
