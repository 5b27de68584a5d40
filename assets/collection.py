"""Collection: every dataset from its files to harmonised rows, and the watch on what arrived.

`[delivery, <dataset>]` are external, with a partition a quarter: the delivery tracker of the UI.
The loader reports a materialization for each quarter that arrived; a missing one stays missing.
"""

import dagster as dg
import polars as pl

from assets.resources import Profile, Warehouse
from assets.tables import OWNERS, table_asset
from profile_pipeline import store, tables
from profile_pipeline.intake.collect import Collected, collect_dataset
from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.load import Plan
from profile_pipeline.quarters import file_form
from profile_pipeline.tables import DELIVERY, DUPLICATE, EXPECTATION, MISSING_COLUMN, Table

SIDE = "intake"
SIDE_TABLES: dict[str, Table] = {
    "delivery": DELIVERY,
    "missing_column": MISSING_COLUMN,
    "heading": tables.HEADING,
    "duplicate": DUPLICATE,
    "repairs": tables.REPAIRS,
    "unknown_value": tables.UNKNOWN_VALUE,
    "expectation": EXPECTATION,
    "received_fate": tables.FATE,
}


def delivery_spec(plan: Plan, dataset: Dataset) -> dg.AssetSpec:
    """Return the external asset that shows which quarters of a dataset have arrived."""
    quarters = [file_form(quarter) for quarter in dataset.quarters_told(plan.quarters)]
    return dg.AssetSpec(
        key=["delivery", dataset.id],
        group_name="plan",
        description=f"{dataset.title}: {dataset.what} Why: {dataset.why} How: {dataset.how}",
        kinds={"file"},
        owners=OWNERS,
        partitions_def=dg.StaticPartitionsDefinition(quarters),
        metadata={
            "agency": plan.agency(dataset.agency).name,
            "lawful_basis": str(dataset.lawful_basis),
            "keep_for": dataset.keep_for,
            "due": f"{dataset.delivery.due} days after the quarter",
        },
    )


def dataset_asset(plan: Plan, dataset: Dataset) -> dg.AssetsDefinition:
    """Return the step that loads one dataset: received, harmonised and quarantined rows."""
    received, harmonised, quarantine = (
        dg.AssetKey([schema, dataset.id]) for schema in ("received", "harmonised", "quarantine")
    )

    def out(key: dg.AssetKey, group: str, description: str) -> dg.AssetOut:
        return dg.AssetOut(
            key=key, group_name=group, description=description, kinds={"polars"}, owners=OWNERS
        )

    @dg.multi_asset(
        name=f"load_{dataset.id}",
        outs={
            "received": out(
                received, "collection", f"{dataset.title}: rows as the agency sent them."
            ),
            "harmonised": out(harmonised, "records", f"{dataset.title}: rows in standard values."),
            "quarantine": out(quarantine, "records", f"{dataset.title}: rows that can't be used."),
        },
        deps=[dg.AssetKey(["delivery", dataset.id])],
        check_specs=[
            dg.AssetCheckSpec(
                "delivered", asset=received, description="Every quarter due has arrived."
            ),
            dg.AssetCheckSpec(
                "columns", asset=received, description="Every file has the plan's columns."
            ),
            dg.AssetCheckSpec(
                "expectations",
                asset=harmonised,
                description="Great Expectations suite of the plan.",
            ),
            dg.AssetCheckSpec(
                "conservation",
                asset=received,
                blocking=True,
                description="Every received row has one fate, and the fates add up.",
            ),
        ],
    )
    def load(context: dg.AssetExecutionContext, profile: Profile, warehouse: Warehouse):  # type: ignore[no-untyped-def]
        from profile_pipeline.intake.fates import check_conservation

        own = profile.plan.dataset(dataset.id)
        with warehouse.connect() as connection:
            held = store.has_table(connection, "received", dataset.id)
            before = store.read_table(connection, "received", dataset.id) if held else None
        collected = collect_dataset(profile.plan, own, before=before)
        kept, quarantined, results = _expect(collected, own, profile.plan)
        fates = collected.fates(quarantined)
        check_conservation(fates, collected.deliveries)
        with warehouse.connect() as connection:
            for name, frame in {
                "delivery": collected.deliveries,
                "missing_column": collected.missing_columns,
                "heading": collected.headings,
                "duplicate": collected.duplicates,
                "repairs": _of_rows(collected.harmonised.repairs, kept),
                "unknown_value": collected.harmonised.unknown_values,
                "expectation": results,
                "received_fate": fates,
            }.items():
                store.write_table(connection, SIDE, f"{dataset.id}__{name}", frame)
        arrived = quarters_arrived(collected.deliveries)
        _forget_others(context, dataset, arrived.to_list())
        for quarter in arrived.unique().sort():
            context.log_event(
                dg.AssetMaterialization(
                    asset_key=["delivery", dataset.id],
                    partition=file_form(quarter),
                    metadata=_counts_of(collected, quarter),
                )
            )
        yield dg.MaterializeResult(
            asset_key=received,
            value=collected.received,
            check_results=[
                _delivered(collected.deliveries, received),
                _columns(collected.missing_columns, received),
                dg.AssetCheckResult(
                    check_name="conservation",
                    asset_key=received,
                    passed=True,
                    metadata={"rows": fates.height},
                ),
            ],
        )
        yield dg.MaterializeResult(
            asset_key=harmonised, value=kept, check_results=[_expected(results, harmonised)]
        )
        yield dg.MaterializeResult(asset_key=quarantine, value=quarantined)

    return load


def _expect(
    collected: Collected, dataset: Dataset, plan: Plan
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return rows that meet the row-level expectations, all quarantined rows, and the results."""
    from expectations.datasets import expect_dataset

    rows, quarantine = collected.harmonised.rows, collected.harmonised.quarantine
    failed, results = expect_dataset(rows, collected.sent, dataset, plan)
    kept = rows.join(failed, on=("file", "row"), how="anti")
    united = pl.concat([quarantine, tables.conform(failed, tables.QUARANTINE)])
    return kept, united.sort("file", "row", "column", "rule"), results


def _of_rows(repairs: pl.DataFrame, kept: pl.DataFrame) -> pl.DataFrame:
    return repairs.join(kept.select("file", "row").unique(), on=("file", "row"), how="semi")


def quarters_arrived(deliveries: pl.DataFrame) -> pl.Series:
    """Return the quarters that loaded files tell of, those of a year's file each."""
    loaded = deliveries.filter(pl.col("status") == "loaded")
    return loaded.select(pl.coalesce("carries", "quarter").str.split(", ")).to_series().explode()


def _counts_of(collected: Collected, quarter: str) -> dict[str, int]:
    """Return the rows of a quarter's file that counts, and of the one it replaced, if any.

    Where the file carries several quarters, those of its rows that are dated in this one.
    """
    deliveries = collected.deliveries
    if deliveries["carries"].is_not_null().any():
        return {"rows_of_the_quarter": int((collected.harmonised.rows["quarter"] == quarter).sum())}
    own = deliveries.filter(pl.col("quarter") == quarter)
    counts = {"rows": int(own.filter(pl.col("status") == "loaded")["rows"].sum())}
    before = own.filter(pl.col("status") == "superseded")["rows"].drop_nulls()
    return counts | ({"rows_of_the_replaced_file": int(before[-1])} if before.len() else {})


def _forget_others(context: dg.AssetExecutionContext, dataset: Dataset, arrived: list[str]) -> None:
    """Take back what was said of quarters whose file is gone or can't be used any more.

    Dagster can't forget single partitions; those that are there are told anew right after.
    """
    key = dg.AssetKey(["delivery", dataset.id])
    told = context.instance.get_materialized_partitions(key)
    if told - {file_form(quarter) for quarter in arrived}:
        context.instance.wipe_assets([key])


def _warn(name: str, key: dg.AssetKey, passed: bool, **counts: int) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        asset_key=key,
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata=dict(counts),
    )


def _delivered(deliveries: pl.DataFrame, key: dg.AssetKey) -> dg.AssetCheckResult:
    loaded = deliveries.filter(pl.col("status") == "loaded")["quarter"].n_unique()
    faulty = deliveries.filter(
        pl.col("status").is_in(["missing", "unreadable", "unusable", "refused"])
    )
    return _warn(
        "delivered", key, faulty.is_empty(), quarters_loaded=loaded, quarters_failed=faulty.height
    )


def _columns(missing: pl.DataFrame, key: dg.AssetKey) -> dg.AssetCheckResult:
    return _warn("columns", key, missing.is_empty(), columns_missing=missing.height)


def _expected(results: pl.DataFrame, key: dg.AssetKey) -> dg.AssetCheckResult:
    failing = results.filter(~pl.col("passed"))
    shown = [
        dg.TableRecord({name: row[name] for name in ("rule", "severity", "checked", "failed")})
        for row in failing.iter_rows(named=True)
    ]
    schema = dg.TableSchema(
        columns=[
            dg.TableColumn("rule", "string"),
            dg.TableColumn("severity", "string"),
            dg.TableColumn("checked", "int"),
            dg.TableColumn("failed", "int"),
        ]
    )
    return dg.AssetCheckResult(
        check_name="expectations",
        asset_key=key,
        passed=failing.is_empty(),
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "rules": results.height,
            "rules_failed": failing.height,
            "failed": dg.MetadataValue.table(shown, schema=schema),
        },
    )


def united_asset(plan: Plan, name: str, table: Table) -> dg.AssetsDefinition:
    """Return the asset that unites a side table of every dataset."""
    loaded = [dg.AssetKey(["received", dataset.id]) for dataset in plan.datasets]

    @dg.asset(
        key=dg.AssetKey(list(table.asset_key)) if name != "received_fate" else ["quality", name],
        deps=loaded,
        group_name=table.group if name != "received_fate" else "records",
        description=table.description,
        kinds={"polars"},
        owners=OWNERS,
    )
    def united(profile: Profile, warehouse: Warehouse) -> pl.DataFrame:
        with warehouse.connect() as connection:
            frames = [
                store.read_table(connection, SIDE, f"{dataset.id}__{name}")
                for dataset in profile.plan.datasets
            ]
        frame = tables.union(frames, table)
        return frame.sort(
            [column for column in frame.columns if frame.schema[column] != pl.Boolean]
        )

    return united


def quarantine_asset(plan: Plan) -> dg.AssetsDefinition:
    """Return quality.quarantine, which unites the quarantines of every dataset."""
    names = [f"quarantine.{dataset.id}" for dataset in plan.datasets]
    return table_asset(
        tables.QUARANTINE,
        names,
        lambda frames, _: tables.union(frames.values(), tables.QUARANTINE).sort(
            "dataset", "file", "row", "column", "rule"
        ),
    )


def collection_assets(plan: Plan) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """Return every asset of the steps plan and collection."""
    return [
        *(delivery_spec(plan, dataset) for dataset in plan.datasets),
        *(dataset_asset(plan, dataset) for dataset in plan.datasets),
        *(united_asset(plan, name, table) for name, table in SIDE_TABLES.items()),
        quarantine_asset(plan),
    ]
