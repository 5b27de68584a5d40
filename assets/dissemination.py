"""Dissemination: what each audience receives, after disclosure control, as files.

Person-level workbooks go to `output/<as_at>/restricted` alone. Metadata are paths and sizes.
"""

from pathlib import Path

import dagster as dg
import polars as pl

from assets.editions import count_for_editions
from assets.geography import HOTSPOT_INPUTS, children_by_row, locations_of_period
from assets.resources import Profile
from assets.tables import OWNERS, Frames, by_name, inputs
from profile_pipeline import tables
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import indicator_names
from profile_pipeline.store import write_private

# Everything that leaves the desk in one edition is judged together, once: what one table prints,
# another must not undo.
# Counted without restricted information reports (`assets.editions`).
EXACT = {
    **{name: f"edition.{name}" for name in tables.EDITION},
    "regional_summary": "analysis.regional_summary",
}
SUB_GROUP = "sub_group"
PACK = tuple(f"{SUB_GROUP}.{name}" for name in EXACT)


def _asset(name: str, needs: tuple[str, ...], description: str, kind: str):  # type: ignore[no-untyped-def]
    return dg.asset(
        key=["dissemination", name],
        ins=inputs(needs),
        group_name="dissemination",
        description=description,
        kinds={kind},
        owners=OWNERS,
    )


def _written(files: dict[str, bytes], folder: Path) -> dg.MaterializeResult:  # type: ignore[type-arg]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in files.items():
        write_private(folder / name, content)
    return dg.MaterializeResult(
        metadata={
            "folder": dg.MetadataValue.path(str(folder)),
            "files": len(files),
            "bytes": sum(len(content) for content in files.values()),
        }
    )


@dg.multi_asset(
    name="protect_sub_group",
    outs={
        name: dg.AssetOut(
            key=[SUB_GROUP, name],
            group_name="dissemination",
            description=f"{exact} as the sub-group may read it: text, suppressed cells [c].",
            kinds={"polars"},
            owners=OWNERS,
        )
        for name, exact in EXACT.items()
    },
    ins=inputs(tuple(EXACT.values())),
)
def protect_sub_group(profile: Profile, **frames: pl.DataFrame):
    """Disclosure control over everything the sub-group's edition prints."""
    from profile_pipeline.sharing.disclosure import safe_tables

    named = by_name(frames)
    exact = {name: named[table] for name, table in EXACT.items()}
    safe = safe_tables(exact, profile.plan.settings.editions.sub_group)
    for name in EXACT:
        yield dg.MaterializeResult(asset_key=[SUB_GROUP, name], value=safe[name])


def pack_of(frames: Frames) -> dict[str, pl.DataFrame]:
    """Return the sub-group's tables by name, from frames by `schema.table`."""
    return {name: frames[f"{SUB_GROUP}.{name}"] for name in EXACT}


@_asset(
    "sub_group_tables",
    PACK,
    "The profile's tables for the sub-group: CSV files and one workbook, disclosure-controlled.",
    "csv",
)
def sub_group_tables(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/sub_group/tables."""
    from profile_pipeline.sharing.tables_out import table_files

    files = table_files(pack_of(by_name(frames)), profile.plan.settings.editions.sub_group)
    return _written(files, profile.output("sub_group") / "tables")


@_asset(
    "hotspot_map",
    ("geo.hotspots", "geo.hotspot_basis", *HOTSPOT_INPUTS),
    "The panel's offline hotspot map: one page that asks nothing of any network.",
    "html",
)
def hotspot_map(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/panel/hotspot_map.html."""
    from geo.hotspots import HotspotFinding
    from geo.map import hotspot_map as draw

    named = by_name(frames)
    basis = named["geo.hotspot_basis"].row(0, named=True)
    finding = HotspotFinding(
        named["geo.hotspots"], basis["events"], basis["baseline"], basis["note"]
    )
    page = draw(
        finding,
        locations_of_period(named["geo.offending_location"], profile.plan),
        children_by_row(named["people.record_person"]),
        named["geo.ward"],
        named["geo.place"],
        named["geo.area_layer"],
        profile.plan.settings,
    )
    return _written({"hotspot_map.html": page.encode()}, profile.output("panel"))


@_asset(
    "problem_profile",
    (
        *PACK,
        "quality.delivery",
        "quality.holding",
        "analysis.quality_rag",
        "analysis.quality_warning",
        "people.linkage_accuracy",
        "people.unlinkable_share",
    ),
    "The problem profile for the sub-group: HTML, Word and PDF.",
    "pdf",
)
def problem_profile(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/sub_group/problem_profile.html, .docx and .pdf."""
    from assets.report import report_files

    named = by_name(frames)
    files = report_files(pack_of(named), named, profile.plan)
    return _written(files, profile.output("sub_group"))


@_asset(
    "priority_cohort",
    (
        "people.person_overlap",
        "people.person_indicators",
        "people.person",
        "records.indicator_event",
        "people.record_person",
        "people.cohort_link",
        "analysis.overlap_by_threshold",
        "quality.file_row",
    ),
    "For the analyst alone: each child with several indicators, and what puts the child there.",
    "excel",
)
def priority_cohort(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/restricted/priority_cohort.xlsx."""
    from profile_pipeline.analysis.counting import last_four_quarters
    from reports.cohort import priority_cohort as workbook

    named, plan = by_name(frames), profile.plan
    content = workbook(
        named["people.person_overlap"],
        named["people.person_indicators"],
        named["people.person"],
        named["records.indicator_event"],
        named["people.record_person"],
        plan.settings.overlap_at_least,
        labels=dict(indicator_names(plan).select("indicator", "label").iter_rows()),
        counted=frozenset(i.id for i in plan.indicators if i.counts_in_overlap),
        cohort_link=named["people.cohort_link"],
        window=last_four_quarters(plan.settings.as_at),
        harm=frozenset(i.id for i in plan.indicators if i.kind == "harm"),
        file_row=named["quality.file_row"],
        by_threshold=named["analysis.overlap_by_threshold"],
    )
    return _written({"priority_cohort.xlsx": content}, profile.output("restricted"))


@_asset(
    "clerical_review",
    (
        "people.review_queue",
        "people.review_sample",
        "people.identity",
        "people.linkage_accuracy",
        "people.review_stopping",
        "people.oversize",
        "people.record_person",
        "people.decision",
        "people.review_groups",
        "quality.file_row",
    ),
    "For the analyst alone: pairs of records that a person should decide on.",
    "excel",
)
def clerical_review(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/restricted/clerical_review.xlsx."""
    from reports.review import clerical_review as workbook

    named = by_name(frames)
    content = workbook(
        named["people.review_queue"],
        named["people.review_sample"],
        named["people.identity"],
        named["people.linkage_accuracy"],
        named["people.review_stopping"],
        file_row=named["quality.file_row"],
        clusters=_with_ids(named),
        decisions=named["people.decision"],
        groups=named["people.review_groups"],
        persons=named["people.identity"].join(
            named["people.record_person"].select("record_id", "person_id"), on="record_id"
        ),
    )
    return _written({"clerical_review.xlsx": content}, profile.output("restricted"))


def _with_ids(frames: Frames) -> pl.DataFrame:
    """Return people.oversize with the person id of each cluster, most records first."""
    person = (
        frames["people.identity"]
        .join(frames["people.record_person"].select("record_id", "person_id"), on="record_id")
        .select("cluster", "person_id")
        .unique()
    )
    return (
        frames["people.oversize"]
        .join(person, on="cluster")
        .sort("records", "person_id", descending=[True, False])
    )


@_asset(
    "suspects",
    (
        "people.possible_same_person",
        "people.suspect_cross_role",
        "records.subject",
        "people.record_person",
        "people.identity",
        "quality.file_row",
    ),
    "For the analyst alone: suspects who may be one person, are under 18, or are also a child.",
    "excel",
)
def suspects(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/restricted/suspects.xlsx."""
    from reports.suspects import suspects_workbook

    named = by_name(frames)
    content = suspects_workbook(
        named["people.possible_same_person"],
        named["people.suspect_cross_role"],
        named["records.subject"],
        named["people.record_person"],
        named["people.identity"],
        named["quality.file_row"],
    )
    return _written({"suspects.xlsx": content}, profile.output("restricted"))


EXPLAINED = (
    "people.record_person",
    "people.identity",
    "people.link",
    "people.evidence",
    "people.person_link",
    "people.decision",
    "people.possible_same_person",
    "people.suspect_cross_role",
    "records.subject",
    "records.indicator_event",
    "quality.file_row",
)


@_asset(
    "explanations",
    (*EXPLAINED, "people.cohort_link"),
    "For the analyst alone: why the records are one child's, of the cohort's children whose records"
    " don't all stay together at the strict threshold.",
    "html",
)
def explanations(profile: Profile, **frames: pl.DataFrame) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """Write output/<as_at>/restricted/explanations.html."""
    from profile_pipeline.linkage.explained import explained
    from reports.explanations import explanations as page

    named, plan = by_name(frames), profile.plan
    doubtful = named["people.cohort_link"].filter(~pl.col("stays_at_strict"))
    told = [
        explained(named.__getitem__, named["quality.file_row"], plan, person)
        for person in doubtful.sort("person_id")["person_id"]
    ]
    title = "Children of the priority cohort whose records hold together loosely"
    content = page(told, title).encode()
    return _written({"explanations.html": content}, profile.output("restricted"))


def dissemination_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """Return the assets of the step dissemination."""
    return [
        count_for_editions,
        protect_sub_group,
        sub_group_tables,
        hotspot_map,
        problem_profile,
        priority_cohort,
        clerical_review,
        suspects,
        explanations,
    ]
