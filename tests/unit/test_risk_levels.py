"""Risk levels are a dated code list: counted by a crosswalk or apart, never merged."""

from datetime import date

import pytest
from pydantic import ValidationError

from profile_pipeline.plan.settings import LevelChange, TrackerRule

NEW = ("low", "medium", "high")
DAY = date(2018, 10, 1)


def rule(**change: object) -> TrackerRule:
    return TrackerRule(
        level_changes=(LevelChange(first_day=DAY, levels=NEW, why="Decided by the team", **change),)
    )


def test_before_the_change_the_earlier_levels_are_in_force() -> None:
    counted, written = rule().levels_on(date(2018, 9, 30))
    assert counted == ("at_risk", "significant", "serious")
    assert "low" not in written


def test_without_a_crosswalk_the_new_levels_stand_on_their_own() -> None:
    counted, written = rule().levels_on(DAY)
    assert counted == NEW
    assert "at_risk" not in written


def test_with_a_crosswalk_the_series_goes_on_in_the_earlier_levels() -> None:
    walk = {"low": "at_risk", "medium": "significant", "high": "serious"}
    counted, written = rule(crosswalk=walk).levels_on(DAY)
    assert counted == ("at_risk", "significant", "serious")
    assert written["medium"] == "significant"


def test_a_crosswalk_that_leaves_a_level_out_is_refused() -> None:
    with pytest.raises(ValidationError, match="leaves out high"):
        rule(crosswalk={"low": "at_risk", "medium": "significant"})
