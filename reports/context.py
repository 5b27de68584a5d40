"""What a report is made from: settings, tables as an edition prints them, plan and deliveries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from profile_pipeline.plan.settings import ProfileSettings


@dataclass(frozen=True)
class ReportContext:
    """Everything that is printed; nothing here may be more exact than the edition allows.

    Attributes:
        settings: settings of the profile.
        tables: tables of `tables.PROFILE` by name as the edition prints them, every column text
            and suppressed cells `[c]`; `regional_summary` (columns of its contract) and
            `key_findings` (`finding, confidence, table, strand`) may be among them. A table that
            is absent reads as empty.
        deliveries: quality.delivery; only whether and when files came is printed, no row counts.
        edition: name of the edition, as printed (`CSE/Missing sub-group`).
        disclosure: the edition's disclosure rules in plain words.
        plan: the collection plan, one mapping a dataset: dataset, agency, what, why, how, lead,
            due, keep_for, lawful_basis; missing ones print as `not stated`.
        coverage: indicator (first column) by agency, cells in words (`yes`, `no`); None for none.
        labels: labels of indicators by id; ids are printed where there is none.
        commentary: the analyst's own text by section (`summary`, `context`, `scale`, `victims`,
            `overlap`, `suspects`, `locations`, `hidden`, `interviews`, `disruption`, `gaps`).
        code_lists: name of a code list and the datasets that are read by it.
        rag: analysis.quality_rag; colours and what they are of are printed, no values.
        datasets: titles of datasets by id; the id in words is printed where there is none.
        holding: quality.holding, which tells a quarter not received from one never asked for.
        warnings: analysis.quality_warning, whose texts hold no count of people.
        handling: what the plan decides of information reports that don't say how they may be
            handled, one text a dataset.
    """

    settings: ProfileSettings
    tables: Mapping[str, pl.DataFrame]
    deliveries: pl.DataFrame
    edition: str
    disclosure: str
    plan: Sequence[Mapping[str, str]] = ()
    coverage: pl.DataFrame | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    commentary: Mapping[str, str] = field(default_factory=dict)
    code_lists: Mapping[str, str] = field(default_factory=dict)
    rag: pl.DataFrame | None = None
    datasets: Mapping[str, str] = field(default_factory=dict)
    holding: pl.DataFrame | None = None
    warnings: pl.DataFrame | None = None
    handling: Sequence[str] = ()
