"""Geography: registers and layers of the plan, offending locations, hotspots, premises."""

import dagster as dg
import polars as pl

from assets.resources import Profile
from assets.tables import OWNERS, inputs, table_asset
from profile_pipeline import tables
from profile_pipeline.errors import UserError
from profile_pipeline.intake.context import NO_COORDINATES
from profile_pipeline.plan.context import AREA_KINDS, AREA_REACH_M, ContextSource, Extent
from profile_pipeline.plan.load import Plan

CONTEXT_TABLES = {
    "wards": tables.WARD,
    "postcodes": tables.POSTCODE,
    "population": tables.POPULATION,
    "childrens_homes": tables.PLACE,
    "licensed_premises": tables.PLACE,
    "schools": tables.PLACE,
    "gang_territories": tables.AREA_LAYER,
    "crime_group_territories": tables.AREA_LAYER,
    "drug_hotspots": tables.AREA_LAYER,
    "known_hotspots": tables.AREA_LAYER,
    "regional_summary": tables.REGIONAL_SUMMARY,
}
CONTEXT_OUTS = (
    tables.WARD,
    tables.POSTCODE,
    tables.PLACE,
    tables.AREA_LAYER,
    tables.POPULATION,
    tables.REGIONAL_SUMMARY,
    tables.CONTEXT_DELIVERY,
    tables.CONTEXT_FAULT,
)


def _read(
    source: ContextSource, plan: Plan, extent: Extent | None, directory: pl.DataFrame | None
) -> tuple[pl.DataFrame, pl.DataFrame, str | None]:
    """Return a source's table, the rows that were refused, and what else must be said of it."""
    from geo import boundaries
    from profile_pipeline.intake import context

    root = plan.reference_root
    if extent is not None and source.kind in AREA_KINDS:
        extent = extent.widened(AREA_REACH_M)
    if source.kind == "wards":
        return boundaries.read_wards(source, root), tables.empty(tables.CONTEXT_FAULT), None
    if source.is_geojson:
        areas, faults = boundaries.areas_within(boundaries.read_areas(source, root), source, extent)
        return areas, faults, None
    rows = context.read_context(source, root, extent, directory)
    frame = rows.frame
    if source.kind in AREA_KINDS:
        frame = boundaries.circles(frame)
    return frame, rows.faults, rows.note


def refused(faults: pl.DataFrame, frame: pl.DataFrame | None) -> pl.Series:
    """Return the rows that were refused: of a place that nothing locates only this is told."""
    if frame is not None and "place_id" in frame.columns:
        faults = faults.filter(pl.col("rule") != NO_COORDINATES)
    return faults["row"]


@dg.multi_asset(
    name="load_context",
    outs={
        table.name: dg.AssetOut(
            key=list(table.asset_key),
            group_name=table.group,
            description=table.description,
            kinds={"geopandas"},
            owners=OWNERS,
        )
        for table in CONTEXT_OUTS
    },
)
def load_context(profile: Profile):
    """Registers and layers: a file that can't be read leaves its table empty and becomes a gap."""
    from geo.boundaries import extent_of

    plan = profile.plan
    frames: dict[str, list[pl.DataFrame]] = {table.name: [] for table in CONTEXT_OUTS}
    extent: Extent | None = None
    # Wards first: they tell where everything else may lie; then postcodes, which place registers.
    order = {"wards": 0, "postcodes": 1}
    for source in sorted(plan.collection.context, key=lambda s: order.get(s.kind, 2)):
        status, problem, frame = "loaded", None, None
        faults = tables.empty(tables.CONTEXT_FAULT)
        try:
            postcodes = frames[tables.POSTCODE.name]
            directory = pl.concat(postcodes) if postcodes else None
            frame, faults, problem = _read(source, plan, extent, directory)
        except UserError as error:
            status, problem = "unreadable", " ".join(str(p) for p in error.problems)
        if frame is not None:
            frames[CONTEXT_TABLES[source.kind].name].append(frame)
            if source.kind == "wards":
                extent = extent_of(frame, plan.settings.hotspots.margin_m)._replace(
                    area_code=plan.settings.area.code
                )
        frames[tables.CONTEXT_DELIVERY.name].append(
            pl.DataFrame(
                {
                    "source": [source.id],
                    "kind": [source.kind],
                    "agency": [source.agency],
                    "file": [source.file],
                    "status": [status],
                    "rows": [0 if frame is None else frame.height],
                    "rows_refused": [refused(faults, frame).n_unique()],
                    "problem": [problem],
                },
                schema=tables.CONTEXT_DELIVERY.polars_schema,
            )
        )
        frames[tables.CONTEXT_FAULT.name].append(faults)
    for table in CONTEXT_OUTS:
        parts = [tables.conform(frame, table) for frame in frames[table.name]]
        # The same ward or place in two sources: the plan's first source counts.
        united = pl.concat(parts) if parts else tables.empty(table)
        if table.key:
            united = united.unique(table.key, keep="first", maintain_order=True)
        yield dg.MaterializeResult(asset_key=list(table.asset_key), value=united)


HOTSPOT_INPUTS = (
    "geo.offending_location",
    "people.record_person",
    "geo.ward",
    "geo.postcode",
    "geo.place",
    "geo.area_layer",
    "analysis.population",
)


@dg.multi_asset(
    name="find_hotspots",
    outs={
        "hotspots": dg.AssetOut(
            key=["geo", "hotspots"],
            group_name="geography",
            description=tables.GEO_HOTSPOTS.description,
            kinds={"geopandas"},
            owners=OWNERS,
        ),
        "hotspot_basis": dg.AssetOut(
            key=["geo", "hotspot_basis"],
            group_name="geography",
            description="What the hotspots rest on: events used, baseline, and words on both.",
            kinds={"polars"},
            owners=OWNERS,
        ),
    },
    ins=inputs(HOTSPOT_INPUTS),
)
def find_hotspots(profile: Profile, **frames: pl.DataFrame):
    """Exact binomial hotspots on hexagons, with Benjamini and Hochberg's false discovery rate."""
    from geo import hotspots

    settings = profile.plan.settings
    finding = hotspots.find_hotspots(
        locations_of_period(frames["geo__offending_location"], profile.plan),
        children_by_row(frames["people__record_person"]),
        frames["geo__ward"],
        frames["geo__postcode"],
        frames["geo__place"],
        frames["geo__area_layer"],
        settings.hotspots,
        settings.as_at,
        frames["analysis__population"],
    )
    basis = pl.DataFrame(
        {"events": [finding.events], "baseline": [finding.baseline], "note": [finding.note]}
    )
    yield dg.MaterializeResult(asset_key=["geo", "hotspots"], value=finding.hotspots)
    yield dg.MaterializeResult(asset_key=["geo", "hotspot_basis"], value=basis)


def locations_of_period(locations: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Return the offences of the period: hotspots are found in them, and the map shows them."""
    period = plan.settings.period
    return locations.filter(pl.col("date").is_between(period.start, plan.settings.as_at))


def children_by_row(record_person: pl.DataFrame) -> pl.DataFrame:
    """Return which child each row speaks of."""
    return record_person.filter(pl.col("role") == "child").select(
        "dataset", "file", "row", "person_id"
    )


def geography_assets(plan: Plan) -> list[dg.AssetsDefinition]:
    """Return the assets of the step geography."""
    from geo.locations import locate_offences
    from geo.premises import match_premises
    from geo.proximity import proximity_to_homes

    return [
        load_context,
        table_asset(
            tables.OFFENDING_LOCATION,
            ["records.offence", "geo.ward", "geo.postcode"],
            lambda frames, plan: locate_offences(
                frames["records.offence"],
                frames["geo.ward"],
                frames["geo.postcode"],
                plan.settings.hotspots,
            ),
        ),
        find_hotspots,
        table_asset(
            tables.HOME_PROXIMITY,
            ["geo.offending_location", "geo.place", "geo.postcode"],
            lambda frames, plan: proximity_to_homes(
                locations_of_period(frames["geo.offending_location"], plan),
                frames["geo.place"],
                frames["geo.postcode"],
                plan.settings.linkage.seed,
            ),
        ),
        table_asset(
            tables.PREMISES_REPORTS,
            ["records.information_report", "geo.place"],
            lambda frames, _: match_premises(
                frames["records.information_report"], frames["geo.place"]
            ),
        ),
    ]
