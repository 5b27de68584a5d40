"""People: which records speak of the same person, and what is known of each person.

What a rebuild must not lose lies in the profile's `review/` folder: the registry of person ids, the
key of the identity hashes, clerical decisions and the log of merges and splits.
"""

import dagster as dg
import polars as pl

from assets.resources import Profile
from assets.tables import OWNERS, Frames, Recipe, asset_of, key_of
from profile_pipeline import tables
from profile_pipeline.linkage import all_roles, fairness, saved_models
from profile_pipeline.linkage.circumstances import circumstances
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import dataset_names, indicator_names

LISTS = {
    "identity": tables.IDENTITY.description,
    "evidence": "Scored pairs with the level and weight of each comparison (log2), by role.",
    "decision": tables.DECISION.description,
    "person_link": tables.PERSON_LINK.description,
    "threshold_person": tables.THRESHOLD_PERSON.description,
    "review_queue": "Pairs of identities a person should decide on, the most telling first.",
    "review_sample": "Pairs drawn at random to estimate the linkage's accuracy, in order.",
    "review_groups": "Further pairs drawn within ethnic groups, for a figure of each.",
    "review_stopping": "The accuracy estimate's limits by pairs of the sample decided.",
    "oversize": "Clusters that are too large or held loosely.",
    "unlinkable": "Records that hold too little to be linked, by dataset and role.",
    "contradiction": "Clerical decisions that contradict one another and were not applied.",
    "possible_same_person": tables.POSSIBLE_SAME_PERSON.description,
    "suspect_cross_role": tables.SUSPECT_CROSS_ROLE.description,
    "change": "Persons merged, split, corrected, gone or back since the run before.",
}


ROW = tables.ROW_KEY


def _out(name: str, description: str) -> dg.AssetOut:
    return dg.AssetOut(
        key=["people", name],
        group_name="people",
        description=description,
        kinds={"splink"},
        owners=OWNERS,
    )


@dg.multi_asset(
    name="link_people",
    outs={
        "record_person": _out("record_person", tables.RECORD_PERSON.description),
        "link": _out("link", tables.LINK.description),
        **{name: _out(name, description) for name, description in LISTS.items()},
    },
    ins={
        "subject": dg.AssetIn(key_of("records.subject")),
        "duplicate": dg.AssetIn(key_of("quality.duplicate")),
        "indicator_event": dg.AssetIn(key_of("records.indicator_event")),
        "offence": dg.AssetIn(key_of("records.offence")),
        "disruption": dg.AssetIn(key_of("records.disruption")),
        "information_report": dg.AssetIn(key_of("records.information_report")),
        "place": dg.AssetIn(key_of("geo.place")),
    },
)
def link_people(
    context: dg.AssetExecutionContext,
    profile: Profile,
    subject: pl.DataFrame,
    duplicate: pl.DataFrame,
    indicator_event: pl.DataFrame,
    offence: pl.DataFrame,
    disruption: pl.DataFrame,
    information_report: pl.DataFrame,
    place: pl.DataFrame,
):
    """Children and, apart from them, suspects: Splink over distinct identities."""
    indicators = _cohort_indicators(indicator_event, profile.plan)
    kinds = indicator_names(profile.plan).select(
        "indicator",
        pl.col("counts_in_overlap").alias("counts"),
        (pl.col("kind") == "harm").alias("harm"),
    )
    ever = indicator_event.join(kinds, on="indicator")
    seen = _premises(information_report, disruption, place)
    found = all_roles.link_all(
        subject,
        duplicate,
        profile.plan,
        indicators,
        ever.select(*tables.SUBJECT_KEY, "indicator", "counts", "harm"),
        circumstances(offence, disruption, seen),
    )
    context.log.info(f"linkage: {found.counts}")
    told: dict[str, dg.MetadataValue] = {  # type: ignore[type-arg]
        **{name: dg.MetadataValue.int(count) for name, count in found.counts.items()},
        **_thresholds(profile.plan),
        "match_weights": dg.MetadataValue.md(saved_models.weights_table(found.weights)),
    }
    for name in ("record_person", "link", *LISTS):
        yield dg.MaterializeResult(
            asset_key=["people", name],
            value=found.frames[name],
            metadata=told if name in ("record_person", "link") else {},
        )


def _cohort_indicators(events: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return the records and indicators by which a child is in the priority cohort."""
    from profile_pipeline.analysis.counting import last_four_quarters

    return (
        events.filter(pl.col("quarter").is_in(last_four_quarters(plan.settings.as_at)))
        .join(_counting(plan), on="indicator", how="semi")
        .select(*tables.SUBJECT_KEY, "indicator")
    )


def _counting(plan: Plan) -> pl.DataFrame:
    """Return the indicators that count in overlap."""
    return indicator_names(plan).filter("counts_in_overlap").select("indicator")


def _premises(
    information_report: pl.DataFrame, disruption: pl.DataFrame, place: pl.DataFrame
) -> pl.DataFrame:
    """Return the premises that reports name and actions were taken at, with ids of the register.

    Of reports also the name as written; the place of an action may be any place.
    """
    from geo.premises import match_premises

    shape = tables.MEASURES["information_report"].polars_schema
    acted = disruption.select(*ROW, "quarter", "date", pl.col("place").alias("premises_name"))
    both = pl.concat([information_report.select(*shape), acted], how="diagonal_relaxed")
    named = information_report.select(*ROW, "premises_name").drop_nulls("premises_name")
    found = match_premises(both, place).select(*ROW, "premises_id")
    return pl.concat([found, named], how="diagonal")


def _thresholds(plan: Plan) -> dict[str, dg.MetadataValue]:  # type: ignore[type-arg]
    linkage = plan.settings.linkage
    return {
        name: dg.MetadataValue.float(float(getattr(linkage, name)))
        for name in ("threshold", "review_from", "strict_threshold")
    }


def people_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """Return the assets of the step people."""
    del plan
    return [link_people, *(asset_of(recipe) for recipe in people_recipes())]


def people_recipes() -> list[Recipe]:
    """Return how the tables of people are made of linked records."""
    return [
        Recipe(
            tables.PERSON,
            [
                "records.subject",
                "people.record_person",
                "geo.postcode",
                "geo.ward",
                "records.cse_tracker",
                "records.looked_after",
            ],
            _persons,
        ),
        Recipe(
            tables.PERSON_INDICATORS,
            ["records.indicator_event", "people.record_person", "people.person"],
            _person_indicators,
        ),
        Recipe(
            tables.PERSON_OVERLAP,
            [
                "records.indicator_event",
                "people.record_person",
                "people.person",
                "records.cse_tracker",
                "analysis.open_child",
                "quality.holding",
            ],
            _person_overlap,
        ),
        Recipe(
            tables.UNLINKABLE_SHARE,
            [
                "people.identity",
                "records.subject",
                "people.record_person",
                "records.looked_after",
            ],
            lambda frames, _: fairness.unlinkable_share(
                frames["people.identity"],
                frames["records.subject"],
                frames["people.record_person"],
                frames["records.looked_after"],
            ),
        ),
        Recipe(
            tables.LINKAGE_ACCURACY,
            [
                "people.evidence",
                "people.decision",
                "people.identity",
                "people.record_person",
                "people.person",
                "records.looked_after",
                "people.person_overlap",
            ],
            _linkage_accuracy,
        ),
        Recipe(
            tables.COHORT_LINK,
            [
                "people.person_overlap",
                "people.person_link",
                "people.threshold_person",
                "people.record_person",
                "records.indicator_event",
            ],
            _cohort_link,
        ),
        Recipe(
            tables.OVERLAP_BY_THRESHOLD,
            [
                "records.subject",
                "records.indicator_event",
                "records.cse_tracker",
                "records.looked_after",
                "people.threshold_person",
                "geo.postcode",
                "geo.ward",
            ],
            _overlap_by_threshold,
        ),
    ]


def _linkage_accuracy(frames: Frames, plan: Plan) -> pl.DataFrame:
    return fairness.linkage_accuracy(
        frames["people.evidence"],
        frames["people.decision"],
        frames["people.identity"],
        frames["people.record_person"],
        frames["people.person"],
        frames["records.looked_after"],
        plan.settings.linkage.seed,
        frames["people.person_overlap"].filter(
            pl.col("indicators") >= plan.settings.overlap_at_least
        ),
    )


def _cohort_link(frames: Frames, plan: Plan) -> pl.DataFrame:
    from profile_pipeline.analysis.thresholds import cohort_link

    return cohort_link(
        frames["people.person_overlap"],
        frames["people.person_link"],
        frames["people.threshold_person"],
        frames["people.record_person"],
        frames["records.indicator_event"],
        indicator_names(plan),
        plan.settings,
    )


def _overlap_by_threshold(frames: Frames, plan: Plan) -> pl.DataFrame:
    from profile_pipeline.analysis.thresholds import overlap_by_threshold

    return overlap_by_threshold(frames, indicator_names(plan), dataset_names(plan), plan.settings)


def _persons(frames: Frames, plan: Plan) -> pl.DataFrame:
    from profile_pipeline.analysis.persons import build_persons

    return build_persons(
        frames["records.subject"],
        frames["people.record_person"],
        dataset_names(plan),
        frames["geo.postcode"],
        frames["geo.ward"],
        frames["records.cse_tracker"],
        frames["records.looked_after"],
        plan.settings.area,
        plan.settings.area.id_issuers,
    )


def _person_indicators(frames: Frames, plan: Plan) -> pl.DataFrame:
    from profile_pipeline.analysis.overlap import person_indicators

    return person_indicators(
        frames["records.indicator_event"],
        frames["people.record_person"],
        frames["people.person"],
        plan.settings,
    )


def _person_overlap(frames: Frames, plan: Plan) -> pl.DataFrame:
    from profile_pipeline.analysis import unknown
    from profile_pipeline.analysis.overlap import person_overlap

    counted = person_overlap(
        frames["records.indicator_event"],
        frames["people.record_person"],
        frames["people.person"],
        frames["records.cse_tracker"],
        frames["analysis.open_child"],
        indicator_names(plan),
        dataset_names(plan),
        plan.settings,
    )
    return unknown.person_overlap(counted, frames["quality.holding"], plan.settings)
