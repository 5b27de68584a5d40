"""Estimate the linkage's precision and recall from pairs that people reviewed, without truth.

A sample of scored pairs is drawn within bands of match weight, apart for pairs that are linked and
pairs that aren't, because errors gather near the threshold. Each band's share of true matches has a
Jeffreys posterior, Beta(k + 1/2, n - k + 1/2) (Brown, Cai and DasGupta, Statistical Science 2001);
the figures' intervals come from draws of all bands at once.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from profile_pipeline.linkage.clusters import DIFFERENT, IMPLIED, JOINED, SAME

BANDS = (-2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 11.0, 14.0, 20.0)  # match weights that part the bands
DRAWS = 4000


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval, and the reviewed pairs behind it."""

    value: float
    lower: float
    upper: float
    reviewed: int


def banded(links: pl.DataFrame) -> pl.DataFrame:
    """Return the links with `linked`, and `band`: how many limits of BANDS the weight reaches."""
    return links.with_columns(
        pl.col("decision").is_in([JOINED, IMPLIED]).alias("linked"),
        pl.sum_horizontal(pl.col("match_weight") >= limit for limit in BANDS).alias("band"),
    )


def sample_pairs(links: pl.DataFrame, pairs: int, seed: int) -> pl.DataFrame:
    """Return at most `pairs` links to review, from every band as the root of its size.

    Columns `identity_a, identity_b, match_weight, linked, band`, in an order that may be stopped at
    any point: every beginning of it is such a sample too. The same seed gives the same pairs.
    """
    ordered = banded(links).sort("identity_a", "identity_b")
    draw = np.random.default_rng(seed).permutation(len(ordered))
    stratum = ["linked", "band"]
    return (
        ordered.with_columns(pl.Series("draw", draw))
        .sort("draw")
        .with_columns(
            ((pl.int_range(pl.len()).over(stratum) + 1) / pl.len().over(stratum).sqrt()).alias(
                "turn"
            )
        )
        .sort("turn", "linked", "band", "identity_a", "identity_b")
        .head(pairs)
        .select("identity_a", "identity_b", "match_weight", "linked", "band")
    )


def estimate(
    links: pl.DataFrame, sample: pl.DataFrame, decisions: pl.DataFrame, seed: int
) -> dict[str, Estimate]:
    """Return `precision` and `recall` of the scored pairs of identities, with 95% intervals.

    `sample` as from `sample_pairs`; `decisions` has `identity_a, identity_b, decision`; pairs not
    decided, or decided "can't tell", don't count, and bands without any widen the interval.
    """
    decided = sample.join(
        decisions.select("identity_a", "identity_b", "decision"), on=["identity_a", "identity_b"]
    ).filter(pl.col("decision").is_in([SAME, DIFFERENT]))
    found = decided.group_by("linked", "band").agg(
        (pl.col("decision") == SAME).sum().alias("same"), pl.len().alias("n")
    )
    strata = (
        banded(links)
        .group_by("linked", "band")
        .agg(pl.len().alias("size"))
        .join(found, on=["linked", "band"], how="left")
        .with_columns(pl.col("same", "n").fill_null(0))
        .sort("linked", "band")
    )
    size = strata["size"].to_numpy().astype(float)
    same, n = strata["same"].to_numpy().astype(float), strata["n"].to_numpy().astype(float)
    linked = strata["linked"].to_numpy()
    draws = np.random.default_rng(seed).beta(same + 0.5, n - same + 0.5, (DRAWS, len(size)))
    matches = draws * size
    true_linked = matches[:, linked].sum(axis=1)
    missed = matches[:, ~linked].sum(axis=1)
    figures = {
        "precision": true_linked / max(1.0, size[linked].sum()),
        "recall": true_linked / np.maximum(1e-12, true_linked + missed),
    }
    return {
        name: Estimate(
            round(float(np.median(values)), 4),
            round(float(np.quantile(values, 0.025)), 4),
            round(float(np.quantile(values, 0.975)), 4),
            int(n.sum()),
        )
        for name, values in figures.items()
    }
