"""What the report is made from: disclosure-controlled tables and the plan in words."""

import polars as pl

from profile_pipeline import tables
from profile_pipeline.plan.load import Plan
from profile_pipeline.plan.names import coverage, indicator_names

COMMENTARY = "commentary"


def report_files(frames: dict[str, pl.DataFrame], plan: Plan) -> dict[str, bytes]:
    """Return the sub-group's report by file name."""
    from profile_pipeline.sharing.disclosure import safe_tables
    from profile_pipeline.sharing.editions import describe
    from reports.build import build_report
    from reports.context import ReportContext

    edition = plan.settings.editions.sub_group
    exact = {name: frames[f"profile.{name}"] for name in tables.PROFILE}
    exact["key_findings"] = frames["profile.key_findings"]
    exact["regional_summary"] = frames["analysis.regional_summary"]
    context = ReportContext(
        settings=plan.settings,
        tables=safe_tables(exact, edition),
        deliveries=frames["quality.delivery"],
        edition="CSE/Missing sub-group",
        disclosure=describe(edition),
        plan=plan_rows(plan),
        coverage=coverage_matrix(plan),
        labels=dict(indicator_names(plan).select("indicator", "label").iter_rows()),
        commentary=read_commentary(plan),
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


def coverage_matrix(plan: Plan) -> pl.DataFrame:
    """Return indicator by agency, `yes` where some dataset evidences it; `how` where none does."""
    covered = coverage(plan)
    agencies = [agency.name for agency in plan.collection.agencies]
    matrix = covered.select("indicator", "label").unique(maintain_order=True)
    for name in agencies:
        held = covered.filter(pl.col("agency") == name)["indicator"].to_list()
        matrix = matrix.with_columns(
            pl.when(pl.col("indicator").is_in(held)).then(pl.lit("yes")).otherwise(pl.lit("")).alias(name)
        )
    unseen = covered.filter(pl.col("agency").is_null()).select("indicator", pl.col("how").alias("gap"))
    return (
        matrix.join(unseen, on="indicator", how="left", maintain_order="left")
        .with_columns(pl.col("gap").fill_null(""))
        .drop("indicator")
        .rename({"label": "indicator"})
    )


def read_commentary(plan: Plan) -> dict[str, str]:
    """Return the analyst's own text by section, from `review/commentary/<section>.md`."""
    folder = plan.folder / "review" / COMMENTARY
    if not folder.is_dir():
        return {}
    return {path.stem: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.md"))}
