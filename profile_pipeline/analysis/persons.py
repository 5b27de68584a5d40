"""Persons: the value most records give, and whether a child is the area's responsibility.

Rows about children of other areas are named here so that they can be kept apart: visible, never
counted as the area's. Who is one person is decided in the linkage, not here.
"""

from collections.abc import Iterable

import polars as pl

from profile_pipeline.analysis.counting import CHILD, SUSPECT
from profile_pipeline.plan.settings import Area
from profile_pipeline.tables import PERSON, ROW_KEY, SUBJECT_KEY, conform, is_child

OTHER_AUTHORITY = "the tracker names another responsible authority"
OUTSIDE = "every postcode lies outside the area and no record of the area's council or schools"


def build_persons(
    subject: pl.DataFrame,
    record_person: pl.DataFrame,
    datasets: pl.DataFrame,
    postcode: pl.DataFrame,
    ward: pl.DataFrame,
    cse_tracker: pl.DataFrame,
    looked_after: pl.DataFrame,
    area: Area,
    area_issuers: Iterable[str] = (),
) -> pl.DataFrame:
    """Return people.person: one row a person, with the value most records give.

    Ties go to the value recorded last, then to the first in order of value, so that the same
    records always give the same person.

    Args:
        subject: records.subject.
        record_person: people.record_person.
        datasets: `dataset, agency`.
        postcode: geo.postcode.
        ward: geo.ward.
        cse_tracker: records.cse_tracker.
        looked_after: records.looked_after; every row counts as a period with the area.
        area: the area of `profile.yaml`.
        area_issuers: issuers of local ids that only children of the area's council or schools
            hold (`issuer` of `issuer:id`). A pupil of a school in the area may live outside it;
            name a school's issuer only where that should make the child the area's.
    """
    records = record_person.select(*SUBJECT_KEY, "person_id").join(
        subject.drop("record_id"), on=SUBJECT_KEY, how="inner"
    )
    child = is_child(pl.col("role"))
    persons = (
        records.join(datasets.select("dataset", "agency"), on="dataset", how="left")
        .group_by("person_id")
        .agg(
            role=pl.when(child.any())
            .then(pl.lit(CHILD))
            .when((pl.col("role") == SUSPECT).any())
            .then(pl.lit(SUSPECT))
            .otherwise(pl.col("role").min()),
            records=pl.len(),
            datasets=pl.col("dataset").n_unique(),
            # A dataset whose agency the plan doesn't name is an agency of its own.
            agencies=pl.coalesce("agency", "dataset").n_unique(),
            disability=pl.when((pl.col("disability") == "yes").any())
            .then(pl.lit("yes"))
            .when((pl.col("disability") == "no").any())
            .then(pl.lit("no")),
        )
    )
    persons = persons.join(_most_recorded(records, "date_of_birth"), on="person_id", how="left")
    persons = persons.join(_most_recorded(records, "sex"), on="person_id", how="left")
    persons = persons.join(_ethnicity(records), on="person_id", how="left")
    persons = persons.join(_home(records, postcode, ward, area), on="person_id", how="left")
    reasons = not_responsible(
        records, cse_tracker, looked_after, area, area_districts(area, postcode), area_issuers
    )
    persons = persons.join(reasons, on="person_id", how="left").with_columns(
        responsible=pl.col("not_responsible_because").is_null()
    )
    return conform(persons.sort("person_id"), PERSON)


def area_districts(area: Area, postcode: pl.DataFrame) -> list[str]:
    """Return the postcode districts of the area; those of the directory if none are named."""
    if area.postcode_districts:
        return sorted(district.upper().strip() for district in area.postcode_districts)
    return sorted(set(postcode["postcode"].str.split(" ").list.first().drop_nulls().to_list()))


def not_responsible(
    records: pl.DataFrame,
    cse_tracker: pl.DataFrame,
    looked_after: pl.DataFrame,
    area: Area,
    districts: Iterable[str],
    area_issuers: Iterable[str] = (),
) -> pl.DataFrame:
    """Return `person_id, not_responsible_because` of the children who aren't the area's.

    A child is not the area's when

    - the latest row of the tracker names another responsible authority, or
    - every postcode of the child, at least one, lies outside the area's districts, and no record
      holds an id issued by the area's council or schools, no period looked after and no row of
      the tracker as the area's.

    A child placed outside the area stays the area's (looked after), and so does a child with one
    mistyped postcode among right ones. A child without any postcode is presumed to be the area's:
    leaving a child out is the worse mistake.

    Args:
        records: records.subject joined with `person_id`.
        cse_tracker: records.cse_tracker.
        looked_after: records.looked_after.
        area: the area.
        districts: postcode districts of the area.
        area_issuers: issuers of ids that only the area's own children hold.
    """
    children = records.filter(is_child(pl.col("role")))
    tracked = children.select(*ROW_KEY, "person_id").join(
        cse_tracker.select(
            *ROW_KEY,
            "quarter",
            "screening_date",
            own=is_own_authority(pl.col("responsible_authority"), area),
        ),
        on=ROW_KEY,
        how="inner",
    )
    latest = (
        tracked.filter(pl.col("own").is_not_null())
        .sort("quarter", "screening_date", *ROW_KEY, nulls_last=False)
        .unique("person_id", keep="last", maintain_order=True)
    )
    elsewhere = latest.filter(~pl.col("own")).select("person_id")
    # No authority named in the area's own tracker means the area's.
    tracked_as_own = tracked.filter(pl.col("own").fill_null(True)).select("person_id").unique()
    in_care = (
        children.select(*ROW_KEY, "person_id")
        .join(looked_after.select(ROW_KEY), on=ROW_KEY, how="semi")
        .select("person_id")
        .unique()
    )
    known = list(districts)
    outside = (
        children.group_by("person_id")
        .agg(
            located=pl.col("postcode_district").is_not_null().any(),
            inside=pl.col("postcode_district").is_in(known).any(),
            council=pl.col("local_ids")
            .explode()
            .str.split(":")
            .list.first()
            .is_in(list(area_issuers))
            .any(),
        )
        .filter(
            # Where no district is known to be the area's, none is known to be outside.
            pl.lit(value=bool(known)),
            pl.col("located"),
            ~pl.col("inside").fill_null(False),
            ~pl.col("council").fill_null(False),
        )
        .join(tracked_as_own, on="person_id", how="anti")
        .join(in_care, on="person_id", how="anti")
        .join(elsewhere, on="person_id", how="anti")
        .select("person_id")
    )
    return pl.concat(
        [
            elsewhere.with_columns(not_responsible_because=pl.lit(OTHER_AUTHORITY)),
            outside.with_columns(not_responsible_because=pl.lit(OUTSIDE)),
        ]
    ).sort("person_id")


def is_own_authority(authority: pl.Expr, area: Area) -> pl.Expr:
    """Return whether an authority as written is the area's; null when none is written.

    Case and white space don't matter, and neither does a suffix (`Dudley MBC` is `Dudley`).
    """
    own = " ".join(area.responsible_authority.lower().split())
    written = authority.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.when(written != "").then((written == own) | written.str.starts_with(f"{own} "))


def kept_apart_rows(
    record_person: pl.DataFrame, person: pl.DataFrame, cse_tracker: pl.DataFrame, area: Area
) -> pl.DataFrame:
    """Return `dataset, file, row, rule` of the rows to keep apart: visible, never counted.

    These are rows that speak of children and of none who is the area's, and rows of the tracker
    that name another responsible authority.
    """
    spoken_of = (
        record_person.filter(is_child(pl.col("role")))
        .join(person.select("person_id", "responsible"), on="person_id", how="inner")
        .group_by(ROW_KEY)
        .agg(pl.col("responsible").any())
        .filter(~pl.col("responsible"))
        .select(*ROW_KEY, rule=pl.lit("not_the_areas_child"))
    )
    tracker = cse_tracker.filter(
        is_own_authority(pl.col("responsible_authority"), area).not_()
    ).select(*ROW_KEY, rule=pl.lit("another_authority"))
    return (
        pl.concat([tracker, spoken_of])
        .unique(ROW_KEY, keep="first", maintain_order=True)
        .sort(ROW_KEY)
    )


def _most_recorded(records: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return `person_id` and the value most records give; ties to the latest, then the least."""
    return (
        records.filter(pl.col(column).is_not_null())
        .group_by("person_id", column)
        .agg(pl.len().alias("times"), pl.col("date").max().alias("latest"))
        .sort("person_id", "times", "latest", column, descending=[False, True, True, False])
        .unique("person_id", keep="first", maintain_order=True)
        .select("person_id", column)
    )


def _ethnicity(records: pl.DataFrame) -> pl.DataFrame:
    """Return `person_id, ethnicity_code, ethnic_group`, group and code never at odds."""
    codes = _most_recorded(records, "ethnicity_code")
    group_of_code = (
        records.filter(pl.col("ethnicity_code").is_not_null(), pl.col("ethnic_group").is_not_null())
        .select("ethnicity_code", group_of_code="ethnic_group")
        .unique("ethnicity_code", keep="first", maintain_order=True)
    )
    groups = _most_recorded(records, "ethnic_group")
    return (
        groups.join(codes, on="person_id", how="full", coalesce=True)
        .join(group_of_code, on="ethnicity_code", how="left")
        .select(
            "person_id",
            "ethnicity_code",
            ethnic_group=pl.coalesce("group_of_code", "ethnic_group"),
        )
    )


def _home(
    records: pl.DataFrame, postcode: pl.DataFrame, ward: pl.DataFrame, area: Area
) -> pl.DataFrame:
    """Return `person_id, postcode, ward_code, ward` of the latest full home postcode.

    A postcode in one of the area's districts that the directory doesn't hold is taken as mistyped:
    it stands only where the person has no other.
    """
    directory = postcode.select("postcode", "ward_code", in_directory=pl.lit(True))
    districts = area_districts(area, postcode)
    latest = (
        records.filter(pl.col("postcode").is_not_null())
        .join(directory, on="postcode", how="left")
        .with_columns(
            mistyped=pl.col("in_directory").is_null()
            & pl.col("postcode").str.split(" ").list.first().is_in(districts)
        )
        .group_by("person_id", "postcode", "ward_code", "mistyped")
        .agg(pl.col("date").max().alias("latest"), pl.len().alias("times"))
        .sort(
            "person_id",
            "mistyped",
            "latest",
            "times",
            "postcode",
            descending=[False, False, True, True, False],
        )
        .unique("person_id", keep="first", maintain_order=True)
    )
    return latest.join(ward.select("ward_code", "ward"), on="ward_code", how="left").select(
        "person_id", "postcode", "ward_code", "ward"
    )
