"""Gaps about locations: offences without a place, and premises that many reports name."""

import polars as pl

from profile_pipeline.analysis.counting import last_four_quarters
from profile_pipeline.analysis.evidence import Evidence
from profile_pipeline.analysis.gap_rows import LICENSING, Rule, above_limit
from profile_pipeline.analysis.handling import restricted_rows
from profile_pipeline.marks import held, number, sentence
from profile_pipeline.tables import (
    GEO_HOTSPOTS,
    MEASURES,
    OFFENDING_LOCATION,
    PLACE,
    PREMISES_REPORTS,
    ROW_KEY,
)


def offences_not_placed(evidence: Evidence) -> pl.DataFrame:
    """Offences, not online, that have no place that can be used."""
    unplaced = (
        pl.col("unusable_because").is_in(["not_geocoded", "default_geocode"]).fill_null(False)
    )
    offline = (pl.col("unusable_because") != "online").fill_null(True)
    counts = (
        evidence.table(OFFENDING_LOCATION)
        .filter(offline)
        .group_by("dataset")
        .agg(offences=pl.len(), unplaced=unplaced.sum())
    )
    return above_limit(
        evidence.named(counts),
        "unplaced",
        "offences",
        evidence.settings.gaps.not_recorded_percent,
        theme="locations",
        finding=" of offences have no usable place.",
        evidence=" offences are not geocoded or lie at a default point (geo.offending_location).",
        question="Where did these offences happen, and where did people meet before?",
        priority="medium",
    )


def premises_clusters(evidence: Evidence) -> pl.DataFrame:
    """Many information reports of a year on one licensed premises; it is never named here."""
    least = evidence.settings.gaps.reports_per_premises
    hotspots = evidence.table(GEO_HOTSPOTS).select(
        "hotspot", "radius_m", hotspot_e="easting_m", hotspot_n="northing_m"
    )
    counts = (
        evidence.table(PREMISES_REPORTS)
        .filter(
            pl.col("premises_id").is_not_null(),
            pl.col("quarter").is_in(last_four_quarters(evidence.settings.as_at)),
        )
        .join(
            restricted_rows(evidence.table(MEASURES["information_report"])).with_columns(
                restricted=pl.lit(True)
            ),
            on=ROW_KEY,
            how="left",
        )
        .group_by("premises_id")
        .agg(reports=pl.len(), restricted=pl.col("restricted").any())
        .filter(pl.col("reports") >= least)
    )
    places = evidence.table(PLACE).filter(pl.col("kind") == "licensed_premises")
    # What restricted reports say of one place stays on the analyst's desk, its number too.
    counted = (
        pl.when("restricted").then(held(pl.col("reports"))).otherwise(number(pl.col("reports")))
    )
    apart = (
        (pl.col("easting_m") - pl.col("hotspot_e")) ** 2
        + (pl.col("northing_m") - pl.col("hotspot_n")) ** 2
    ).sqrt()
    inside = counts.join(
        places.select("easting_m", "northing_m", premises_id="place_id"), on="premises_id"
    )
    near = (
        inside.join(hotspots, how="cross")
        .with_columns(apart=apart)
        .filter(pl.col("apart") <= pl.col("radius_m"))
        .sort("premises_id", "apart", "hotspot")
        .unique("premises_id", keep="first", maintain_order=True)
        .select("premises_id", "hotspot")
    )
    return (
        counts.join(near, on="premises_id", how="left")
        .sort("reports", "premises_id", descending=[True, False])
        .with_columns(
            where=pl.when(pl.col("hotspot").is_not_null())
            .then(sentence("in hotspot ", pl.col("hotspot")))
            .otherwise(pl.lit("outside the hotspots"))
        )
        .select(
            theme=pl.lit("locations"),
            finding=sentence(
                "A licensed premises ",
                pl.col("where"),
                " is named in ",
                counted,
                " information reports of the last four quarters.",
            ),
            evidence=sentence(
                counted,
                f" reports; {least} in a year is the limit "
                "(geo.premises_report holds which premises, for the analyst).",
            ),
            agency=pl.lit(LICENSING),
            question=pl.lit(
                "What is held on the premises (licence, conditions, complaints, visits), and may "
                "the licence be reviewed? The analyst gives its name on request."
            ),
            priority=pl.when(pl.col("hotspot").is_not_null())
            .then(pl.lit("high"))
            .otherwise(pl.lit("medium")),
        )
    )


RULES: tuple[Rule, ...] = (
    offences_not_placed,
    premises_clusters,
)
