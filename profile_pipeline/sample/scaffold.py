"""A new profile folder: the layout, and a commented plan with one dataset to start from."""

from importlib.resources import files
from pathlib import Path

from profile_pipeline.sample.folder import empty_folder


def new_folder(folder: Path) -> None:
    """Write `profile.yaml`, `collection_plan.yaml`, `indicators.yaml` and a profile's folders.

    Raises:
        PlanError: the folder holds something already.
    """
    empty_folder(folder)
    blank = files("profile_pipeline.sample").joinpath("blank")
    for name in ("profile.yaml", "collection_plan.yaml"):
        (folder / name).write_bytes(blank.joinpath(name).read_bytes())
    indicators = files("profile_pipeline.plan").joinpath("indicators.yaml")
    (folder / "indicators.yaml").write_bytes(indicators.read_bytes())
    for name in ("data/missing_reports", "reference", "review"):
        (folder / name).mkdir(parents=True)
