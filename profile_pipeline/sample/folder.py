"""A folder that may be written to: not there yet, or empty."""

from pathlib import Path

from profile_pipeline.errors import PlanError, Problem


def empty_folder(folder: Path) -> None:
    """Make the folder if need be; raise PlanError when it holds anything or can't be made."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise PlanError(
                Problem(str(folder), "is not empty.", "Name a folder that is not there yet.")
            )
    except OSError:
        raise PlanError(
            Problem(str(folder), "can't be made a folder.", "Name another place.")
        ) from None
