"""The linkage's accuracy from reviewed pairs: the intervals hold what they say they hold."""

import numpy as np
import polars as pl
import pytest

from profile_pipeline.linkage import accuracy

# Scored pairs by band, as a borough has them: (match weight, pairs not linked, pairs linked).
SIZES = [
    (-3.5, 4000, 600), (-1.0, 900, 500), (1.0, 250, 200), (3.0, 200, 250), (5.5, 130, 2000),
    (7.0, 80, 350), (9.5, 40, 1800), (12.5, 40, 2100), (16.0, 30, 4200), (29.0, 5, 9000),
]  # fmt: skip
# Shares of errors by match weight: near the threshold, rare, the same anywhere, most in the tail.
NEAR, RARE, ANYWHERE, MANY = "near the threshold", "rare", "anywhere", "many missed"


def scored() -> pl.DataFrame:
    """Return scored pairs in which no error is marked yet."""
    parts = [
        pl.DataFrame({"match_weight": [weight] * count, "decision": [word] * count})
        for weight, apart, linked in SIZES
        for word, count in (("below_threshold", apart), ("joined", linked))
    ]
    return pl.concat(parts).with_columns(
        pl.format("a{}", pl.int_range(pl.len())).alias("identity_a"),
        pl.format("b{}", pl.int_range(pl.len())).alias("identity_b"),
    )


def chances(kind: str, weight: np.ndarray, linked: np.ndarray) -> np.ndarray:
    """Return the chance that each pair is an error."""
    if kind == NEAR:
        missed = np.minimum(0.3, 0.2 / (1 + 2.0**-weight) + 0.0001)
        return np.where(linked, np.minimum(0.05, 0.3 * 2.0 ** (-weight / 3)), missed)
    if kind == RARE:
        low = np.where(linked, weight < 11, weight > 2)
        return np.where(low, np.where(linked, 0.01, 0.02), 0.0003)
    return np.where(linked, *((0.01, 0.02) if kind == ANYWHERE else (0.03, 0.15)))


@pytest.mark.parametrize("pairs", [40, 150])  # stopped early, and the default
@pytest.mark.parametrize("kind", [NEAR, RARE, ANYWHERE, MANY])
def test_intervals_hold_the_truth_in_nine_of_ten_reviews(
    kind: str, pairs: int, monkeypatch
) -> None:
    monkeypatch.setattr(accuracy, "DRAWS", 400)
    links = scored()
    weight = links["match_weight"].to_numpy()
    linked = (links["decision"] == "joined").to_numpy()
    chance = chances(kind, weight, linked)
    rng = np.random.default_rng(20160331)
    sample = accuracy.sample_pairs(links, pairs, seed=1)
    # The draw is as good as any other: pairs of a band differ in nothing but the error drawn.
    place = sample["identity_a"].str.slice(1).cast(pl.Int64).to_numpy()
    held = dict.fromkeys(("precision", "recall"), 0)
    for seed in range(200):
        same = linked ^ (rng.random(len(links)) < chance)
        answers = sample.with_columns(
            pl.Series("decision", np.where(same[place], "same", "different"))
        )
        found = accuracy.estimate(links, answers, seed)
        right = (same & linked).sum()
        truth = {"precision": right / linked.sum(), "recall": right / same.sum()}
        for name, value in truth.items():
            held[name] += found[name].lower <= value <= found[name].upper
    assert min(held.values()) >= 180, held


def test_more_answers_narrow_the_interval() -> None:
    links = scored()
    truth = links.with_columns(
        pl.when(pl.int_range(pl.len()) % 50 == 0)
        .then(pl.col("decision") != "joined")
        .otherwise(pl.col("decision") == "joined")
        .replace_strict({True: "same", False: "different"}, return_dtype=pl.String)
        .alias("decision")
    )
    sample = accuracy.sample_pairs(links, 2000, seed=1).drop("match_weight")
    width = []
    for count in (50, 500, 2000):
        answers = sample.head(count).join(truth, on=["identity_a", "identity_b"])
        found = accuracy.estimate(links, answers, seed=1)
        width.append(found["recall"].upper - found["recall"].lower)
    assert width == sorted(set(width), reverse=True)


def test_cant_tell_is_no_answer() -> None:
    links = scored()
    sample = accuracy.sample_pairs(links, 30, seed=1)
    unsure = sample.with_columns(pl.lit("can't tell").alias("decision"))
    assert accuracy.estimate(links, unsure, seed=1)["precision"].reviewed == 0
