"""The plan's context list: what it accepts, and what it says to an analyst who errs."""

import pytest
from pydantic import ValidationError

from profile_pipeline.errors import PlanError
from profile_pipeline.plan.context import ContextSource, context_path

REGISTER = {"id": "homes", "kind": "childrens_homes", "agency": "Ofsted", "why": "placements"}


def _problem(**changes: object) -> str:
    with pytest.raises(ValidationError) as raised:
        ContextSource.model_validate({**REGISTER, "file": "homes.csv", **changes})
    return str(raised.value)


def test_unknown_standard_name_is_answered_with_the_nearest() -> None:
    assert "did you mean 'easting_m'" in _problem(columns={"easting": "Easting"})


@pytest.mark.parametrize("file", ["../homes.csv", "/etc/passwd", "a/../../b.csv", "C:\\homes.csv"])
def test_a_file_outside_the_reference_root_is_refused(file: str) -> None:
    assert "below the reference root" in _problem(file=file)


def test_a_link_out_of_the_reference_root_is_not_followed(tmp_path) -> None:
    (tmp_path / "outside.csv").write_text("a\n1\n")
    root = tmp_path / "reference"
    root.mkdir()
    (root / "homes.csv").symlink_to(tmp_path / "outside.csv")
    with pytest.raises(PlanError, match="link out of the reference folder"):
        context_path(ContextSource.model_validate({**REGISTER, "file": "homes.csv"}), root)


def test_wards_must_be_polygons() -> None:
    assert "must be a GeoJSON file" in _problem(kind="wards", file="wards.csv")
