"""Suspects: persons of whom reports and crimes speak, suspects until an outcome says otherwise."""

import polars as pl

from profile_pipeline.ages import age_on
from profile_pipeline.analysis.counting import (
    SUSPECT,
    by_category,
    quarters_counted,
    recorded,
    suspect_age_band,
)
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.quarters import last_day
from profile_pipeline.tables import PROFILE, ROW_KEY, SEXES, SUSPECT_AGE_BANDS, union

# Officer-defined appearance (identity codes); never self-defined ethnicity. IC9 is "not known".
APPEARANCE_NOT_KNOWN = "IC9"
SEEN_IN = ("one dataset", "more than one dataset")


def suspect_profile(
    subject: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    offence: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return profile.suspect_profile: suspects spoken of in each quarter, one dimension at a time.

    Dimensions: sex; age_band on the quarter's last day; appearance (officer-defined code, mostly
    recorded); relationship to the child (of the latest crime of the quarter that names the
    suspect); datasets that speak of the suspect in the quarter; seen_in one dataset or more, in
    all quarters up to then. Every suspect has one category of a dimension, so that categories add
    up to `all`. A crime without any suspect is not counted here: the share of crimes with no
    suspect is a gap of its own.

    Args:
        subject: records.subject.
        record_person: people.record_person.
        person: people.person.
        offence: records.offence.
        settings: settings of the profile.
    """
    quarters = quarters_counted(settings)
    until = min(settings.as_at, settings.period.end)
    spoken_of = (
        subject.filter(pl.col("role") == SUSPECT, pl.col("date") <= until)
        .join(record_person.select("record_id", "person_id"), on="record_id", how="inner")
        .sort("date", *ROW_KEY)
    )
    suspects = (
        spoken_of.join(
            offence.select(*ROW_KEY, recorded(pl.col("relationship"))), on=ROW_KEY, how="left"
        )
        .group_by("quarter", "person_id", maintain_order=True)
        .agg(
            relationship=pl.col("relationship").drop_nulls().last(),
            datasets=pl.col("dataset").unique().sort().str.join(" + "),
            age_then=pl.col("age_years").drop_nulls().last(),
        )
        .join(person.select("person_id", "date_of_birth", "sex"), on="person_id", how="left")
        .join(_appearance(spoken_of), on="person_id", how="left")
        .join(_datasets_so_far(spoken_of), on=["quarter", "person_id"], how="left")
    )
    days = pl.DataFrame(
        {"quarter": quarters, "day": [last_day(label) for label in quarters]},
        schema={"quarter": pl.String, "day": pl.Date},
    )
    suspects = suspects.join(days, on="quarter", how="inner").with_columns(
        age=pl.coalesce(age_on(pl.col("date_of_birth"), pl.col("day")), pl.col("age_then"))
    )
    seen_in = (
        pl.when(pl.col("datasets_so_far") > 1)
        .then(pl.lit("more than one dataset"))
        .otherwise(pl.lit("one dataset"))
    )
    frames = [
        by_category(suspects, pl.col("sex"), quarters, "sex", SEXES, "suspects"),
        by_category(
            suspects,
            suspect_age_band(pl.col("age")),
            quarters,
            "age_band",
            SUSPECT_AGE_BANDS,
            "suspects",
        ),
        by_category(suspects, pl.col("appearance"), quarters, "appearance", count="suspects"),
        by_category(suspects, pl.col("relationship"), quarters, "relationship", count="suspects"),
        by_category(suspects, pl.col("datasets"), quarters, "datasets", count="suspects"),
        by_category(suspects, seen_in, quarters, "seen_in", SEEN_IN, "suspects"),
    ]
    return union(frames, PROFILE["suspect_profile"]).sort("quarter", maintain_order=True)


def _appearance(spoken_of: pl.DataFrame) -> pl.DataFrame:
    """Return `person_id, appearance`: the code most records give; ties to the least code."""
    return (
        spoken_of.filter(
            pl.col("appearance_code").is_not_null(),
            pl.col("appearance_code") != APPEARANCE_NOT_KNOWN,
        )
        .group_by("person_id", appearance="appearance_code")
        .agg(times=pl.len())
        .sort("person_id", "times", "appearance", descending=[False, True, False])
        .unique("person_id", keep="first", maintain_order=True)
        .select("person_id", "appearance")
    )


def _datasets_so_far(spoken_of: pl.DataFrame) -> pl.DataFrame:
    """Return `quarter, person_id, datasets_so_far`: datasets up to and in the quarter (count)."""
    in_quarter = spoken_of.select("person_id", "quarter", "dataset").unique()
    earlier = in_quarter.rename({"quarter": "earlier"})
    return (
        in_quarter.select("person_id", "quarter")
        .unique()
        .join(earlier, on="person_id")
        .filter(pl.col("earlier") <= pl.col("quarter"))
        .group_by("quarter", "person_id")
        .agg(datasets_so_far=pl.col("dataset").n_unique())
    )
