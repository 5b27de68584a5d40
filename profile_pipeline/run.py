"""One run of everything on a profile folder, through the same Dagster assets as the UI.

The Dagster instance lies in the profile folder (`.dagster`), so that the UI shows every run.
"""

import contextlib
import logging
import os
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from profile_pipeline import errors
from profile_pipeline.errors import NoProfileError, Problem

if TYPE_CHECKING:
    from profile_pipeline.plan.load import Plan

POLL_S = 0.3

DAGSTER_YAML = """\
# Dagster's home of this profile. Telemetry is off; one run at a time, since DuckDB has one writer.
# What steps print is not kept: it needs two processes a run, which stay behind where a script
# started the run in the background (SIGTERM is then ignored too).
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""

# What must be there for a run to have made a profile.
NEEDED = (
    "sub_group/problem_profile.html",
    "sub_group/problem_profile.docx",
    "sub_group/problem_profile.pdf",
    "sub_group/tables/intelligence_gaps.csv",
    "panel/hotspot_map.html",
    "restricted/priority_cohort.xlsx",
    "restricted/clerical_review.xlsx",
    "restricted/suspects.xlsx",
    "restricted/explanations.html",
)


@dataclass(frozen=True)
class Step:
    """One step that ended: its name, and whether it went well."""

    name: str
    done: int
    of: int
    went_well: bool


def dagster_home(folder: Path) -> Path:
    """Return the profile's Dagster home, made if need be, its owner's alone."""
    home = folder.resolve() / ".dagster"
    home.mkdir(mode=0o700, exist_ok=True)
    home.chmod(0o700)
    config = home / "dagster.yaml"
    if not config.is_file() or config.read_text() != DAGSTER_YAML:
        config.write_text(DAGSTER_YAML)
    return home


def run_profile(folder: Path, as_at: date | None, progress: Callable[[Step], None]) -> list[Path]:
    """Materialise everything; return the outputs.

    Raises:
        PlanError: when the plan is bad, or a workbook in `review/` can't be read as decisions.
        NoProfileError: when no profile could be made: with the steps that failed, or, when not one
            row of any file could be used, with what is wrong with each file.
        WarehouseBusyError: when another run holds the warehouse and does not end.
    """
    os.umask(0o077)
    with _quiet():
        import dagster as dg

        from profile_pipeline.definitions import JOB, build_definitions
        from profile_pipeline.linkage.decisions import read_decisions, read_workbooks
        from profile_pipeline.plan.load import load_plan
        from profile_pipeline.store import connect, warehouse_path

        plan = load_plan(folder)
        # Told before anything runs: within a step a fault of a workbook would be a step's failure.
        read_workbooks(folder / "review")
        read_decisions(folder / "review")
        definitions = build_definitions(folder, str(as_at or ""))
        job = definitions.resolve_job_def(JOB)
        os.environ["DAGSTER_HOME"] = str(dagster_home(folder))
        # Held throughout: no other run comes between, and the file is opened once, not a thousand
        # times.
        with connect(warehouse_path(folder)), dg.DagsterInstance.get() as instance:
            failed = _execute(job, instance, progress)
            if not failed and not _any_row_used(folder):
                raise NoProfileError(_why_nothing(folder, plan))
    outputs = folder / "output" / str(as_at or plan.settings.as_at)
    lacking = [name for name in NEEDED if not (outputs / name).is_file()]
    if failed or lacking:
        problems = [
            Problem(
                name.replace("__", "."),
                f"this step failed ({why}), and the steps behind it did not run.",
                "The run's log in the UI tells more; nothing was published from it.",
            )
            for name, why in failed
        ]
        raise NoProfileError(problems or [Problem(str(outputs), f"lacks {', '.join(lacking)}.")])
    return [outputs / name for name in NEEDED]


def _any_row_used(folder: Path) -> bool:
    from profile_pipeline.store import connect, read_table, warehouse_path

    with connect(warehouse_path(folder)) as connection:
        fate = read_table(connection, "quality", "fate")
    return bool(fate["fate"].is_in(["harmonised", "kept_apart"]).any())


def _why_nothing(folder: Path, plan: "Plan") -> list[Problem]:
    """Return what is wrong with each file, when none could be used."""
    from profile_pipeline.intake.collect import delivery_problems

    problems, notes = delivery_problems(plan)
    nothing = Problem(
        str(folder),
        "not one row of any file could be used, so there is no profile.",
        "What was written below output/ lists the gaps alone.",
    )
    parts = [note.partition(": ") for note in notes]
    return [nothing, *problems, *(Problem(where, what) for where, _, what in parts)]


def file_notes(folder: Path, plan: "Plan") -> list[str]:
    """Return a line for each file of the last run that wasn't used, or that replaced another.

    Files and folders that no dataset of the plan takes are told too.
    """
    from profile_pipeline.intake.collect import notes_on_files, stray
    from profile_pipeline.store import connect, read_table, warehouse_path

    with connect(warehouse_path(folder), read_only=True) as connection:
        delivery = read_table(connection, "quality", "delivery")
    return [*stray(plan), *notes_on_files(delivery)]


def _execute(  # type: ignore[no-untyped-def]
    job,  # noqa: ANN001
    instance,  # noqa: ANN001
    progress: Callable[[Step], None],
) -> list[tuple[str, str]]:
    """Run the job in a thread and tell of each step as it ends; return the steps that failed."""
    from dagster import DagsterEventType as Kind

    run_id = str(uuid.uuid4())
    names = [node.name for node in job.graph.nodes]
    with ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(
            job.execute_in_process, instance=instance, run_id=run_id, raise_on_error=False
        )
        told: set[str] = set()
        while True:
            over = running.done()
            for record in instance.all_logs(run_id, of_type={Kind.STEP_SUCCESS, Kind.STEP_FAILURE}):
                name = record.step_key or ""
                if name not in told:
                    told.add(name)
                    went_well = record.dagster_event.event_type == Kind.STEP_SUCCESS
                    progress(Step(name, len(told), len(names), went_well))
            if over:
                break
            time.sleep(POLL_S)
        result = running.result()
    failed = [
        (event.step_key or "run", reason(event.step_failure_data.error))
        for event in result.all_events
        if event.event_type == Kind.STEP_FAILURE
    ]
    # A run may end before any step of it: what an earlier one made must not pass for its own.
    return failed or ([] if result.success else [("run", "it could not start")])


def reason(error) -> str:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Return why a step failed: our own errors in their words, of others the kind alone.

    Our own never carry a value of the data; what another library says may.
    """
    first = error.cause or error
    kind = str(first.cls_name or "unknown")
    known = getattr(errors, kind, None)
    if not (isinstance(known, type) and issubclass(known, Exception)):
        return kind
    return str(first.message).strip().partition(": ")[2].rstrip(".") or kind


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dagster's own log off the terminal: progress and problems are ours to tell."""
    os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
