"""The command line: `profile-pipeline VERB`. Plain lines for people, exit codes for machines."""

import os
import shlex
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from profile_pipeline.errors import EXIT_BAD_DATA, PlanError, UserError

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From agencies' files to a child sexual exploitation problem profile.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

ProfileOption = Annotated[
    Path,
    typer.Option(
        "--profile", envvar="PROFILE_DIR", help="The profile folder.", show_default="here"
    ),
]


@contextmanager
def told() -> Iterator[None]:
    """Tell a user's error in plain lines and leave with its exit code."""
    try:
        yield
    except UserError as error:
        for problem in error.problems:
            err.print(f"[red]✗[/red] {escape(str(problem))}")
        raise typer.Exit(error.exit_code) from None


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet, or is empty.")],
) -> None:
    """Scaffold a profile folder with a commented plan."""
    from profile_pipeline.sample.scaffold import new_folder

    was_there = folder.exists()
    with told():
        new_folder(folder)
    name = escape(str(folder))
    out.print(f"{name} was there and empty; it is used." if was_there else f"{name} is made.")
    out.print(
        "In profile.yaml and collection_plan.yaml, fill in what stands in <angle brackets>,"
        " put files in data/, then:"
    )
    out.print(f"  profile-pipeline check --profile {escape(shlex.quote(str(folder)))}")


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="A folder that is not there yet.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same borough.")] = 2016,
    children: Annotated[int, typer.Option(min=300, help="Children with records.")] = 3000,
) -> None:
    """Write a complete invented borough, with the truth beside it."""
    from profile_pipeline.sample.borough import write_borough

    with told():
        write_borough(folder, seed=seed, children=children)
    truth = escape(str(folder / "truth"))
    out.print(f"An invented borough is in {escape(str(folder))}; the truth about it in {truth}.")


@app.command()
def check(profile: ProfileOption = Path()) -> None:
    """Validate plan and files without loading; list every problem at once."""
    from profile_pipeline.intake.collect import delivery_problems
    from profile_pipeline.intake.context_check import context_problems
    from profile_pipeline.linkage.decisions import decision_problems
    from profile_pipeline.plan.load import read_plan
    from profile_pipeline.plan.names import code_list_notes, coverage
    from profile_pipeline.plan.requirement import plan_notes

    with told():
        plan, faults = read_plan(profile)
        if plan is None:
            raise PlanError(faults)
        problems, notes = delivery_problems(plan)
        problems += context_problems(plan)
        faults += decision_problems(plan.folder / "review")
        if faults:
            raise PlanError([*faults, *problems])
        notes = list(dict.fromkeys([*notes, *code_list_notes(plan), *plan_notes(plan)]))
    _show_coverage(coverage(plan))
    for problem in problems:
        err.print(f"[red]✗[/red] {escape(str(problem))}")
    for note in notes:
        out.print(f"[yellow]![/yellow] {escape(note)}")
    datasets, quarters = len(plan.datasets), len(plan.quarters)
    if problems:
        err.print(
            f"{counted(len(problems), 'problem')}. The run would go on without what they name."
        )
        raise typer.Exit(EXIT_BAD_DATA)
    size = f"{counted(datasets, 'dataset')}, {counted(quarters, 'quarter')}"
    out.print(f"[green]✓[/green] The plan holds: {size}.", end="")
    out.print(f" {counted(len(notes), 'note')} above." if notes else "")


def counted(number: int, one: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number} {one}" if number == 1 else f"{number} {one}s"


def _show_coverage(covered: "pl.DataFrame") -> None:
    """Print indicator by agency before any data: who evidences it, or that nobody does."""
    out.print("Who evidences which indicator, by the plan:")
    for (label,), rows in covered.group_by("label", maintain_order=True):
        told = [
            f"{agency} ({how})" if agency else how
            for agency, how in rows.select("agency", "how").iter_rows()
        ]
        mark = "[green]✓[/green]" if rows["agency"].null_count() == 0 else "[yellow]![/yellow]"
        out.print(f"  {mark} {escape(str(label))}: {escape('; '.join(told))}")


@app.command()
def request(
    profile: ProfileOption = Path(),
    folder: Annotated[
        Path | None,
        typer.Option("--out", help="Where to write.", show_default="output/<as_at>/requests"),
    ] = None,
) -> None:
    """Write each agency's information requirement and blank templates, from the plan alone."""
    from profile_pipeline.plan.load import load_plan
    from profile_pipeline.plan.requirement import plan_notes
    from reports.requirement import write_requests

    with told():
        plan = load_plan(profile)
        made = write_requests(
            plan, folder or plan.folder / "output" / str(plan.settings.as_at) / "requests"
        )
    for note in plan_notes(plan):
        out.print(f"[yellow]![/yellow] {escape(note)}")
    for path in made:
        out.print(f"  {escape(str(path))}", soft_wrap=True)


@app.command()
def run(
    profile: ProfileOption = Path(),
    as_at: Annotated[
        str, typer.Option("--as-at", help="Another as-at date, such as 2015-12-31.")
    ] = "",
) -> None:
    """Make everything: the problem profile, the gap table, the map and the workbooks."""
    from profile_pipeline.plan.load import load_plan
    from profile_pipeline.run import file_notes

    with told():
        day = _day(as_at)
        outputs = _run(profile, day)
        notes = file_notes(profile, load_plan(profile))
    if notes:
        out.print("\nFiles that were not used, or took another's place:")
        for note in notes:
            out.print(f"  {escape(note)}")
    gaps = _gaps(outputs)
    if gaps:
        out.print(f"\n{counted(len(gaps), 'intelligence gap')}:")
        for line in gaps:
            out.print(f"  {escape(line)}")
    out.print("\nMade:")
    for path in outputs:
        out.print(f"  {escape(str(path))}", soft_wrap=True)


def _day(text: str) -> date | None:
    from profile_pipeline.errors import Problem

    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PlanError(
            Problem("--as-at", f"'{text}' is not a date.", "Write it as 2016-03-31.")
        ) from None


def _run(profile: Path, day: date | None) -> list[Path]:
    from profile_pipeline.run import Step, run_profile

    if not out.is_terminal:

        def line(step: Step) -> None:
            mark = "✓" if step.went_well else "✗"
            out.print(f"{mark} {step.done}/{step.of} {in_words(step.name)}")

        return run_profile(profile, day, line)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("starting", total=None)

        def show(step: Step) -> None:
            bar.update(task, completed=step.done, total=step.of, description=in_words(step.name))

        return run_profile(profile, day, show)


def in_words(step: str) -> str:
    """Return a step's name as a person reads it: `profile: cohort by quarter`."""
    return step.replace("__", ": ", 1).replace("_", " ")


def _gaps(outputs: list[Path]) -> list[str]:
    import polars as pl

    table = next(path for path in outputs if path.name == "intelligence_gaps.csv")
    gaps = pl.read_csv(table, infer_schema=False)
    return [
        f"{gap} ({priority}) {finding}"
        for gap, priority, finding in gaps.select("gap", "priority", "finding").iter_rows()
    ]


@app.command()
def explain(
    person: Annotated[str, typer.Argument(help="A person's id, such as C000123 or S0012.")],
    profile: ProfileOption = Path(),
    waterfall: Annotated[
        bool,
        typer.Option("--waterfall", help="Write it as a page too, each link as a waterfall chart."),
    ] = False,
) -> None:
    """Tell why a person's records are one person, and every indicator's source row."""
    from profile_pipeline.explain import explain as explained
    from profile_pipeline.explain import waterfall_page
    from profile_pipeline.plan.load import load_plan

    with told():
        plan = load_plan(profile)
        lines = explained(plan, person.strip().upper())
        page = waterfall_page(plan, person.strip().upper()) if waterfall else None
    for line in lines:
        out.print(escape(line))
    if page is not None:
        out.print(escape(f"Written: {page} (restricted)"))


@app.command()
def trace(
    dataset: Annotated[str, typer.Argument(help="The dataset's id in the plan.")],
    file: Annotated[str, typer.Argument(help="The file, such as 2015-16_Q4.csv.")],
    row: Annotated[int, typer.Argument(min=0, help="The data row, from 0, as in the warehouse.")],
    profile: ProfileOption = Path(),
    of_file: Annotated[
        bool,
        typer.Option(
            "--of-file",
            help="ROW is the row of the file as a spreadsheet shows it, as letters give it.",
        ),
    ] = False,
) -> None:
    """Tell what became of a received row, by which rule, and where each value comes from."""
    from profile_pipeline.plan.load import load_plan
    from profile_pipeline.trace import trace_row

    with told():
        lines = trace_row(load_plan(profile), dataset, file, row, of_file=of_file)
    for line in lines:
        out.print(escape(line))


@app.command()
def ui(
    profile: ProfileOption = Path(),
    port: Annotated[int, typer.Option(min=1, max=65535)] = 3000,
) -> None:
    """Start the Dagster UI on this machine alone (127.0.0.1)."""
    from profile_pipeline.plan.load import load_plan
    from profile_pipeline.run import dagster_home

    with told():
        load_plan(profile)
    environment = {
        **os.environ,
        "PROFILE_DIR": str(profile.resolve()),
        "DAGSTER_HOME": str(dagster_home(profile)),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        # Dagster would rather be started by another of its commands: nothing a user can act on.
        "PYTHONWARNINGS": ",".join(
            filter(None, [os.environ.get("PYTHONWARNINGS"), "ignore:Function `dev_command` is"])
        ),
    }
    out.print(f"The UI will be at http://127.0.0.1:{port} (Ctrl+C ends it).")
    command = [sys.executable, "-m", "dagster", "dev", "-m", "profile_pipeline.definitions"]
    raise typer.Exit(
        subprocess.call([*command, "-h", "127.0.0.1", "-p", str(port)], env=environment)  # noqa: S603
    )


def main() -> None:
    """Run the command line."""
    os.umask(0o077)
    try:
        app()
    except Exception as error:
        # Its words may hold a cell of the data: only its kind and place are told.
        place = traceback.extract_tb(error.__traceback__)[-1]
        kind, where = type(error).__name__, f"{Path(place.filename).name}:{place.lineno}"
        err.print(f"[red]✗[/red] a fault of this program ({kind} at {where}); please report it.")
        sys.exit(1)
