"""What the report is made from: disclosure-controlled tables and the plan in words."""

import polars as pl

from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import code_lists, coverage, dataset_names, indicator_names

COMMENTARY = "commentary"


def report_files(
    safe: dict[str, pl.DataFrame], frames: dict[str, pl.DataFrame], plan: Plan
) -> dict[str, bytes]:
    """Return the sub-group's report by file name.

    Args:
        safe: tables by name as the sub-group's edition prints them.
        frames: what is not of the pack: deliveries, red amber green, warnings, linkage.
        plan: the plan.
    """
    from profile_pipeline.sharing.editions import describe
    from profile_pipeline.sharing.linkage_out import safe_linkage
    from reports.build import build_report
    from reports.context import ReportContext

    edition = plan.settings.editions.sub_group
    context = ReportContext(
        settings=plan.settings,
        tables={
            **safe,
            **safe_linkage(
                frames["people.linkage_accuracy"], frames["people.unlinkable_share"], edition
            ),
        },
        deliveries=frames["quality.delivery"],
        edition="CSE/Missing sub-group",
        disclosure=describe(edition),
        plan=plan_rows(plan),
        coverage=coverage_table(plan),
        labels=dict(indicator_names(plan).select("indicator", "label").iter_rows()),
        code_lists=code_lists(plan),
        commentary=read_commentary(plan),
        datasets=dict(dataset_names(plan).select("dataset", "title").iter_rows()),
        holding=frames.get("quality.holding"),
        rag=frames.get("analysis.quality_rag"),
        warnings=frames.get("analysis.quality_warning"),
        handling=[
            f"{dataset.title}: {dataset.handling_default.told()}"
            for dataset in plan.datasets
            if dataset.handling_default
        ],
    )
    return build_report(context)


def plan_rows(plan: Plan) -> list[dict[str, str]]:
    """Return the collection plan in words, one mapping a dataset."""
    rows = []
    for dataset in plan.datasets:
        agency = plan.agency(dataset.agency)
        rows.append(
            {
                "dataset": dataset.title,
                "agency": agency.name,
                "what": dataset.what,
                "why": dataset.why,
                "how": dataset.how,
                "lead": dataset.lead or agency.lead or "not stated",
                "due": f"{dataset.delivery.due} days after the quarter",
                "lawful_basis": str(dataset.lawful_basis),
                "keep_for": dataset.keep_for,
            }
        )
    return rows


def coverage_table(plan: Plan) -> pl.DataFrame:
    """Return each indicator with the agencies whose data evidence it, or why none does."""
    return (
        coverage(plan)
        .group_by("indicator", "label", maintain_order=True)
        .agg(
            pl.col("agency").drop_nulls().str.join(", "),
            pl.when(pl.col("agency").is_null())
            .then("how")
            .drop_nulls()
            .str.join(", ")
            .alias("gap"),
        )
        .select(
            pl.col("label").alias("indicator"),
            pl.col("agency").alias("Agencies whose data are to evidence it"),
            pl.col("gap").alias("If none"),
        )
    )


def read_commentary(plan: Plan) -> dict[str, str]:
    """Return the analyst's own text by section, from `review/commentary/<section>.md`."""
    folder = plan.folder / "review" / COMMENTARY
    if not folder.is_dir():
        return {}
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
