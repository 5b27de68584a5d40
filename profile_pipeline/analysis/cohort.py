"""The children open to the CSE team and at risk at the end of each quarter, and who they are.

The rule is the plan's (`tracker:` in `profile.yaml`). "At risk" is the tracker's word for a
judgement of practitioners; nothing here estimates risk.
"""

from collections.abc import Sequence

import polars as pl

from profile_pipeline.ages import age_on
from profile_pipeline.analysis.counting import (
    age_band,
    by_category,
    ethnic_category,
    last_four_quarters,
    quarters_ended,
    recorded,
    yes_no,
)
from profile_pipeline.analysis.persons import is_own_authority
from profile_pipeline.plan.settings import ProfileSettings
from profile_pipeline.quarters import first_day, last_day, previous_quarter
from profile_pipeline.tables import (
    AGE_BANDS,
    ETHNIC_GROUPS,
    LEVEL_SCHEMES,
    NOT_RECORDED,
    OPEN_CHILD,
    PROFILE,
    ROW_KEY,
    SEXES,
    TOTAL,
    YES_NO,
    conform,
    empty,
    is_child,
    union,
)

METHODS = ("online", "offline", "both")
_LEVEL_CHANGES = ("children", "opened", "closed", "carried_over")


def latest_tracker_rows(
    cse_tracker: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    settings: ProfileSettings,
) -> pl.DataFrame:
    """Return the tracker's rows that stand: one a quarter and child of the area.

    A child listed twice in a quarter stands with the latest screening date; on the same date the
    later row of the file stands. A row that names another authority is not the area's.

    Args:
        cse_tracker: records.cse_tracker; its `quarter` is the one whose end the file describes.
        record_person: people.record_person.
        person: people.person.
        settings: settings of the profile.
    """
    children = record_person.filter(is_child(pl.col("role"))).select(*ROW_KEY, "person_id")
    areas_own = person.filter(pl.col("responsible"))
    return (
        cse_tracker.filter(
            is_own_authority(pl.col("responsible_authority"), settings.area).fill_null(True)
        )
        .join(children, on=ROW_KEY, how="inner")
        .join(areas_own.select("person_id"), on="person_id", how="semi")
        .sort("quarter", "person_id", "screening_date", *ROW_KEY, nulls_last=False)
        .unique(["quarter", "person_id"], keep="last", maintain_order=True)
    )


def open_children(
    cse_tracker: pl.DataFrame,
    record_person: pl.DataFrame,
    person: pl.DataFrame,
    indicator_event: pl.DataFrame,
    settings: ProfileSettings,
    missing_indicators: Sequence[str] = ("missing_from_home_or_care",),
) -> pl.DataFrame:
    """Return analysis.open_child: children open and at risk at the end of each ended quarter.

    Distinct child, status open in the tracker of that quarter, latest screening stands,
    responsible authority the area, under age on the quarter's last day. A child whose level is not
    recorded, or of a scheme that the plan doesn't explain, is open all the same. A child without a
    date of birth is taken to be under age: the team itself holds the case as a child's.

    Args:
        cse_tracker: records.cse_tracker.
        record_person: people.record_person.
        person: people.person.
        indicator_event: records.indicator_event.
        settings: settings of the profile.
        missing_indicators: ids of the indicators that say a child was missing or absent.
    """
    quarters = quarters_ended(settings)
    rule = settings.tracker
    standing = latest_tracker_rows(cse_tracker, record_person, person, settings).filter(
        pl.col("quarter").is_in(quarters),
        pl.col("status").is_in(list(rule.open_statuses)),
    )
    # A level of a scheme that the plan doesn't explain stands as written: the child is open, and a
    # change nobody told of must not make it vanish.
    in_force = [
        (label, written, counted)
        for label in quarters
        for written, counted in (
            *rule.levels_on(last_day(label))[1].items(),
            *((level, level) for level in rule.unexplained_on(last_day(label))),
        )
    ]
    levels = pl.DataFrame(in_force, schema=["quarter", "risk_level", "counted"], orient="row").cast(
        pl.String
    )
    # "No risk", and a level that the plan leaves out of the scheme in force, is not at risk by its
    # rule; a level that isn't recorded says nothing.
    standing = (
        standing.join(levels, on=["quarter", "risk_level"], how="left")
        .filter(pl.col("counted").is_not_null() | pl.col("risk_level").is_null())
        .drop("risk_level")
        .rename({"counted": "risk_level"})
    )
    if standing.is_empty():
        return empty(OPEN_CHILD)
    days = pl.DataFrame(
        {"quarter": quarters, "day": [last_day(label) for label in quarters]},
        schema={"quarter": pl.String, "day": pl.Date},
    )
    known = person.select(
        "person_id", "date_of_birth", "sex", "ethnic_group", "ethnicity_code", "disability", "ward"
    )
    missing = _missing_in_year(indicator_event, record_person, missing_indicators, quarters)
    children = (
        standing.join(days, on="quarter", how="left")
        .join(known, on="person_id", how="left")
        .join(missing, on=["quarter", "person_id"], how="left")
        .with_columns(age_years=age_on(pl.col("date_of_birth"), pl.col("day")))
        .filter((pl.col("age_years") < rule.under_age).fill_null(True))
        .with_columns(
            pl.col("missing_in_year").fill_null(False),
            looked_after=is_looked_after(pl.col("legal_status")),
            legal_status=recorded(pl.col("legal_status")),
            education=recorded(pl.col("education")),
            referral_source=recorded(pl.col("referral_source")),
            model=recorded(pl.col("model")),
            method=recorded(pl.col("method")),
        )
    )
    return conform(children.sort("quarter", "person_id"), OPEN_CHILD)


def is_looked_after(legal_status: pl.Expr) -> pl.Expr:
    """Return whether the tracker's legal status is that of a looked-after child; null not known."""
    return recorded(legal_status).str.to_lowercase().str.contains(r"^\s*(lac\b|cla\b|looked after)")


def _missing_in_year(
    indicator_event: pl.DataFrame,
    record_person: pl.DataFrame,
    indicators: Sequence[str],
    quarters: Sequence[str],
) -> pl.DataFrame:
    """Return `quarter, person_id, missing_in_year` of children missing in the year to a quarter."""
    episodes = (
        indicator_event.filter(pl.col("indicator").is_in(list(indicators)))
        .join(record_person.select("record_id", "person_id"), on="record_id", how="inner")
        .select("person_id", event_quarter="quarter")
        .unique()
    )
    years = pl.DataFrame(
        [(label, earlier) for label in quarters for earlier in last_four_quarters(last_day(label))],
        schema={"quarter": pl.String, "event_quarter": pl.String},
        orient="row",
    )
    return (
        years.join(episodes, on="event_quarter", how="inner")
        .select("quarter", "person_id", missing_in_year=pl.lit(True))
        .unique(["quarter", "person_id"])
    )


def cohort_by_quarter(
    open_child: pl.DataFrame,
    cse_tracker: pl.DataFrame,
    settings: ProfileSettings,
    quarters: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return profile.cohort_by_quarter: children at each level, opened, closed and carried over.

    `opened` and `carried_over` add up to `children`. `closed` counts the children of the end of
    the quarter before who are not counted now, whatever the reason (closed, stepped down, moved,
    turned 18), at the level they had then. A quarter has a row for each level in force and for any
    other that occurs; `not recorded` only where it does. A quarter whose tracker never came has no
    row: no number is known, not nought; asked for by `quarters`, its figures are for `unknown` to
    take out. Where the tracker of the quarter before is not held, the referral
    date tells whether a child was carried over, and `closed` is 0, for want of a list to close.

    Args:
        open_child: analysis.open_child.
        cse_tracker: records.cse_tracker; tells which quarters were delivered.
        settings: settings of the profile.
        quarters: quarters to print; those ended of which a tracker came when not given.
    """
    table = PROFILE["cohort_by_quarter"]
    delivered = set(cse_tracker["quarter"].to_list())
    if quarters is None:
        quarters = [label for label in quarters_ended(settings) if label in delivered]
    rule = settings.tracker
    return union(
        (
            _cohort(open_child, label, delivered, rule.levels_on(last_day(label))[0])
            for label in quarters
        ),
        table,
    )


def _all_levels(
    open_child: pl.DataFrame, quarters: Sequence[str], settings: ProfileSettings
) -> list[str]:
    """Return every level counted in some quarter, in the order in which they came into force."""
    each = (settings.tracker.levels_on(last_day(label))[0] for label in quarters)
    in_force = list(dict.fromkeys(level for levels in each for level in levels)) or list(
        settings.tracker.at_risk_levels
    )
    asked = open_child.filter(pl.col("quarter").is_in(list(quarters)))
    return in_force + _others(set(asked["risk_level"].drop_nulls()), in_force)


def _others(found: set[str], in_force: Sequence[str]) -> list[str]:
    """Return the levels found that are not in force, in the order of their scheme."""
    order = [level for scheme in LEVEL_SCHEMES for level in scheme]
    strange = sorted(found.difference(in_force, order))
    return [level for level in order if level in found and level not in in_force] + strange


def _cohort(
    open_child: pl.DataFrame, quarter: str, delivered: set[str], in_force: Sequence[str]
) -> pl.DataFrame:
    before = previous_quarter(quarter)
    open_child = open_child.with_columns(pl.col("risk_level").fill_null(NOT_RECORDED))
    now = open_child.filter(pl.col("quarter") == quarter)
    then = open_child.filter(pl.col("quarter") == before)
    if before in delivered:
        now = now.join(
            then.select("person_id", carried=pl.lit(True)), on="person_id", how="left"
        ).with_columns(pl.col("carried").fill_null(False))
    else:
        started = pl.lit(first_day(quarter))
        now = now.with_columns(carried=(pl.col("referral_date") < started).fill_null(False))
    gone = then.join(now, on="person_id", how="anti")
    counts = now.select(
        "risk_level",
        children=pl.lit(1),
        opened=(~pl.col("carried")).cast(pl.Int64),
        closed=pl.lit(0),
        carried_over=pl.col("carried").cast(pl.Int64),
    )
    closed = gone.select(
        "risk_level",
        children=pl.lit(0),
        opened=pl.lit(0, dtype=pl.Int64),
        closed=pl.lit(1),
        carried_over=pl.lit(0, dtype=pl.Int64),
    )
    each = pl.concat([counts, closed], how="vertical_relaxed")
    summed = (
        pl.concat([each, each.with_columns(risk_level=pl.lit(TOTAL))])
        .group_by("risk_level")
        .agg(pl.col(*_LEVEL_CHANGES).sum())
    )
    found = set(summed["risk_level"].to_list()) - {TOTAL}
    others = _others(found - {NOT_RECORDED}, in_force)
    if set(others) & set(now["risk_level"].to_list()):
        # Nought at a level that the team no longer uses would say what nobody knows.
        in_force = [level for level in in_force if level in found]
    levels = [*in_force, *others]
    levels += [NOT_RECORDED] * (NOT_RECORDED in found) + [TOTAL]
    return (
        pl.DataFrame({"risk_level": levels}, schema={"risk_level": pl.String})
        .join(summed, on="risk_level", how="left", maintain_order="left")
        .with_columns(pl.col(*_LEVEL_CHANGES).fill_null(0), quarter=pl.lit(quarter))
    )


def victim_profile(
    open_child: pl.DataFrame,
    cse_tracker: pl.DataFrame,
    ward: pl.DataFrame,
    settings: ProfileSettings,
    quarters: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Return profile.victim_profile: the open children of each quarter, one dimension at a time.

    Dimensions: risk_level, sex, age_band, ethnic_group (White split), looked_after, legal_status,
    education, disability, referral_source, model, method, missing_in_year and ward. A ward is not
    recorded for a home outside the area or unknown.

    Args:
        open_child: analysis.open_child.
        cse_tracker: records.cse_tracker; tells which quarters were delivered.
        ward: geo.ward.
        settings: settings of the profile.
        quarters: quarters to print; those ended of which a tracker came when not given.
    """
    if quarters is None:
        delivered = set(cse_tracker["quarter"].to_list())
        quarters = [label for label in quarters_ended(settings) if label in delivered]
    as_written = ("legal_status", "education", "referral_source", "model")
    fixed: dict[str, tuple[pl.Expr, Sequence[str]]] = {
        "risk_level": (pl.col("risk_level"), _all_levels(open_child, quarters, settings)),
        "sex": (pl.col("sex"), SEXES),
        "age_band": (age_band(pl.col("age_years")), AGE_BANDS),
        "ethnic_group": (
            ethnic_category(pl.col("ethnic_group"), pl.col("ethnicity_code")),
            ETHNIC_GROUPS,
        ),
        "looked_after": (yes_no(pl.col("looked_after")), YES_NO),
        "disability": (pl.col("disability"), YES_NO),
        "method": (pl.col("method"), METHODS),
        "missing_in_year": (yes_no(pl.col("missing_in_year")), YES_NO),
        "ward": (pl.col("ward"), sorted(ward["ward"].unique().to_list())),
    }
    frames = [
        by_category(open_child, value, quarters, dimension, categories)
        for dimension, (value, categories) in fixed.items()
    ]
    frames += [by_category(open_child, pl.col(name), quarters, name) for name in as_written]
    frame = union(frames, PROFILE["victim_profile"])
    return frame.sort("quarter", maintain_order=True)
