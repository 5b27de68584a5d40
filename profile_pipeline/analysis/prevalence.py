"""Prevalence: how many children no list holds. A stated gap in this edition."""

import polars as pl

from profile_pipeline.tables import PROFILE, conform

NOT_ESTIMATED = (
    "Not estimated in this edition. The children counted here are those whom an agency has brought "
    "to notice; those whom no agency has listed are not known, and no figure here bounds them."
)


def prevalence_estimate(listed: pl.DataFrame) -> pl.DataFrame:
    """Return profile.prevalence_estimate as a stated gap: what is observed, no estimate.

    Args:
        listed: `person_id` of children whom an agency lists as harmed or at risk (repeats allowed).
    """
    frame = pl.DataFrame(
        {
            "method": ["not estimated"],
            "observed": [listed["person_id"].n_unique()],
            "estimate": [None],
            "lower": [None],
            "upper": [None],
            "caveat": [NOT_ESTIMATED],
        }
    )
    return conform(frame, PROFILE["prevalence_estimate"])
