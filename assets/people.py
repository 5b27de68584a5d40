"""People: which records speak of the same person, and what is known of each person.

What a rebuild must not lose lies in the profile's `review/` folder: the registry of person ids, the
key of the identity hashes, clerical decisions and the log of merges and splits.
"""

import dagster as dg
import polars as pl

from assets.resources import Profile
from assets.tables import OWNERS, Frames, key_of, table_asset
from profile_pipeline import tables
from profile_pipeline.linkage import review_folder
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import dataset_names, indicator_names

LISTS = {
    "review_queue": "Pairs of identities a person should decide on, the most telling first.",
    "oversize": "Clusters that are too large or held loosely.",
    "unlinkable": "Records that hold too little to be linked, by dataset.",
    "contradiction": "Clerical decisions that contradict one another and were not applied.",
    "change": "Persons merged and split since the run before.",
}


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
    },
)
def link_people(
    context: dg.AssetExecutionContext,
    profile: Profile,
    subject: pl.DataFrame,
    duplicate: pl.DataFrame,
):
    """Children and, apart from them, suspects: Splink over distinct identities."""
    found = review_folder.link_all(subject, duplicate, profile.plan)
    counts = {role: int(count) for role, count in found.persons_by_role.items()}
    context.log.info(f"persons: {counts}")
    for name in ("record_person", "link", *LISTS):
        yield dg.MaterializeResult(asset_key=["people", name], value=found.frames[name])


def people_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """Return the assets of the step people."""
    return [
        link_people,
        table_asset(
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
        table_asset(
            tables.PERSON_INDICATORS,
            ["records.indicator_event", "people.record_person", "people.person"],
            _person_indicators,
        ),
        table_asset(
            tables.PERSON_OVERLAP,
            [
                "records.indicator_event",
                "people.record_person",
                "people.person",
                "records.cse_tracker",
                "analysis.open_child",
            ],
            _person_overlap,
        ),
    ]


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
    from profile_pipeline.analysis.overlap import person_overlap

    return person_overlap(
        frames["records.indicator_event"],
        frames["people.record_person"],
        frames["people.person"],
        frames["records.cse_tracker"],
        frames["analysis.open_child"],
        indicator_names(plan),
        dataset_names(plan),
        plan.settings,
    )
