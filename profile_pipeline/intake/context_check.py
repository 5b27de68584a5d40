"""Whether the plan's registers and layers can be read, for `check`; nothing is loaded."""

from profile_pipeline.errors import DeliveryError, PlanError, Problem
from profile_pipeline.intake.context import read_context
from profile_pipeline.plan.context import context_path
from profile_pipeline.plan.load import Plan


def context_problems(plan: Plan) -> list[Problem]:
    """Return what is wrong with the context files of the plan."""
    problems: list[Problem] = []
    for source in plan.collection.context:
        try:
            path = context_path(source, plan.reference_root)
            if not path.is_file():
                problems.append(
                    Problem(source.file, f"is not in the reference folder ({source.id}).")
                )
            elif not source.is_geojson:
                read_context(source, plan.reference_root)
        except (DeliveryError, PlanError) as error:
            problems += error.problems
    return problems
