"""Estimate the linkage's precision and recall from pairs that people reviewed, without truth.

A sample of scored pairs is drawn within bands of match weight, apart for pairs that are linked and
pairs that aren't, because errors gather near the threshold. Each band's share of errors has a Beta
posterior; the figures' intervals come from draws of all bands at once.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from profile_pipeline.linkage.clusters import DIFFERENT, IMPLIED, JOINED, SAME

BANDS = (-2.0, 0.0, 2.0, 4.0, 6.0, 8.0, 11.0, 14.0, 20.0)  # match weights that part the bands
DRAWS = 4000
PAIR = ["identity_a", "identity_b"]


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


def estimate(links: pl.DataFrame, answers: pl.DataFrame, seed: int) -> dict[str, Estimate]:
    """Return `precision` and `recall` of scored pairs, with 95% intervals, from pairs decided.

    Recall speaks of the pairs that were compared at all; what no block brought together is not in
    it. Each band of match weight, linked or not, has a share of errors with a Beta posterior. The
    limits rest on two priors, as no single one serves where errors are rare and where they aren't:

    - the lower limit on half an error in each band (Jeffreys: Brown, Cai and DasGupta, Statistical
      Science 2001), so that bands of which little is decided widen it;
    - the upper limit and the estimate on half an error shared among the bands of a side (as Berger,
      Bernardo and Sun, Bayesian Analysis 2015, share it among the cells of a multinomial), as half
      an error in each would be several in all. Where no error was found the upper limit is 1.

    In simulated reviews of 40 to 600 pairs, with errors rare, common and anywhere, the intervals
    held the true figure in 93 to 100 of 100.

    Args:
        links: `identity_a, identity_b, match_weight, decision`, all scored pairs.
        answers: `identity_a, identity_b, decision` of the sample (`sample_pairs`); those other than
            `same` and `different` don't count.
        seed: seed of the draws.
    """
    pairs = banded(links)
    wrong = pl.when("linked").then(pl.lit(DIFFERENT)).otherwise(pl.lit(SAME))
    found = (
        pairs.select(*PAIR, "linked", "band")
        .join(answers.select(*PAIR, pl.col("decision").alias("answer")), on=PAIR)
        .filter(pl.col("answer").is_in([SAME, DIFFERENT]))
        .group_by("linked", "band")
        .agg((pl.col("answer") == wrong).sum().alias("wrong"), pl.len().alias("n"))
    )
    strata = (
        pairs.group_by("linked", "band")
        .agg(pl.len().alias("size"))
        .join(found, on=["linked", "band"], how="left")
        .with_columns(pl.col("wrong", "n").fill_null(0), pl.len().over("linked").alias("bands"))
        .sort("linked", "band")
    )
    size, errors, n, bands = (
        strata[name].to_numpy().astype(float) for name in ("size", "wrong", "n", "bands")
    )
    linked = strata["linked"].to_numpy()
    rng = np.random.default_rng(seed)
    joined = size[linked].sum()

    def figures(prior: np.ndarray) -> dict[str, np.ndarray]:
        share = rng.beta(errors + prior, n - errors + 0.5, (DRAWS, len(size)))
        mistaken = share * size
        right = joined - mistaken[:, linked].sum(axis=1)
        missed = mistaken[:, ~linked].sum(axis=1)
        return {
            "precision": right / max(1.0, joined),
            "recall": right / np.maximum(1e-12, right + missed),
        }

    shared, each = figures(0.5 / bands), figures(np.full(len(size), 0.5))
    mistakes = {"precision": errors[linked].sum(), "recall": errors[~linked].sum()}
    return {
        name: Estimate(
            round(float(np.median(values)), 4),
            round(float(np.quantile(each[name], 0.025)), 4),
            round(float(np.quantile(values, 0.975)), 4) if mistakes[name] else 1.0,
            int(n.sum()),
        )
        for name, values in shared.items()
    }
