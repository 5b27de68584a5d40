"""Statutory returns of other years, names and formats than the one seen first, by one line.

Layouts are the published ones (see the sources named in `plan/standards/*.yaml`); rows invented.
"""

import datetime as dt
from pathlib import Path

import pytest

from profile_pipeline.intake.collect import Collected
from profile_pipeline.intake.records import measure_of, subjects_of
from tests.unit.test_standard_returns import collected, events, plan_of

HEADER_2017 = "CHILD,SEX,DOB,ETHNIC,UPN,MOTHER,MC_DOB\n1,2,05/06/2005,WBRI,A123456789012,0,\n"
RETURN_2024 = {
    "header": HEADER_2017,
    "episodes": (
        "CHILD,DECOM,RNE,LS,CIN,PLACE,PLACE_PROVIDER,DEC,REC,REASON_PLACE_CHANGE,HOME_POST,PL_POST,"
        "URN\n1,01/05/2018,S,C2,N1,K3,PR1,,,CUSTOD,DY1 1AA,DY2 2BB,SC1\n"
    ),
    "missing": "CHILD,DOB,MISSING,MIS_START,MIS_END\n1,05/06/2005,M,01/05/2018,\n",
    "oc2": (
        "CHILD,DOB,SDQ_SCORE,SDQ_REASON,CONVICTED,HEALTH_CHECK,IMMUNISATIONS,TEETH_CHECK,"
        "HEALTH_ASSESSMENT,SUBSTANCE_MISUSE,INTERVENTION_RECEIVED,INTERVENTION_OFFERED\n"
        "1,05/06/2005,,SDQ1,0,1,1,1,1,1,0,0\n"
    ),
    "oc3": "CHILD,DOB,IN_TOUCH,ACTIV,ACCOM\n1,05/06/2005,YES,F4,Z1\n",
    "uasc": "CHILD,SEX,DOB,DUC\n1,2,05/06/2005,01/01/2023\n",
    "reviews": "CHILD,DOB,REVIEW,REVIEW_CODE\n1,05/06/2005,01/05/2018,PN1\n",
    "ad1": (
        "CHILD,DOB,DATE_INT,DATE_MATCH,FOSTER_CARE,NB_ADOPTR,SEX_ADOPTR,LS_ADOPTR\n"
        "1,05/06/2005,01/05/2018,,0,2,MF,L0\n"
    ),
    "placed_for_adoption": (
        "CHILD,DOB,DATE_PLACED,DATE_PLACED_CEASED,REASON_PLACED_CEASED\n1,05/06/2005,01/05/2018,,\n"
    ),
    "previous_permanence": "CHILD,DOB,PREV_PERM,LA_PERM,DATE_PERM\n1,05/06/2005,P1,,\n",
    "social_worker": (
        "CHILD,DOB,SW_ID,SW_DECOM,SW_DEC,SW_REASON\n1,05/06/2005,W1,01/05/2018,,MANAGE\n"
    ),
}
PUBLISHED = {  # what the validator's own invented files are called
    "placed_for_adoption": "PlacedAdoption",
    "previous_permanence": "PrevPerm",
    "social_worker": "SW_Episodes",
}


def put(root: Path, files: dict[str, str | bytes]) -> None:
    for name, content in files.items():
        path = root / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def loaded(found: dict[str, Collected]) -> dict[str, list[str]]:
    return {
        name.removeprefix("ret_"): files
        for name, each in found.items()
        if (files := each.deliveries.filter(status="loaded")["file"].to_list())
    }


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("r/ssda903_2019_{}.csv", "r"),
        ("r/SANDFORD SSDA903 2018-19 {}.CSV", "r"),
        ("r/{} 2019.csv", "r"),
        ("r/2018-19/{}.csv", "r/{year}"),
    ],
)
def test_every_list_of_a_903_goes_to_itself_however_it_is_called(
    tmp_path: Path, name: str, files: str
) -> None:
    # Social workers' episodes came in 2024: taken for placements they would replace all of them.
    sent = {name.format(PUBLISHED.get(k, k)): text for k, text in RETURN_2024.items()}
    put(tmp_path, dict(sent))
    found = collected(plan_of(tmp_path, "ssda903", files, period="2018-04-01 2019-03-31"))
    assert loaded(found) == {key: [name.format(PUBLISHED.get(key, key))] for key in RETURN_2024}
    assert events(found) == [
        ("ret_episodes", 0, "looked_after", dt.date(2019, 3, 31)),
        ("ret_missing", 0, "missing_from_home_or_care", dt.date(2018, 5, 1)),
        ("ret_oc2", 0, "substance_misuse", dt.date(2019, 3, 31)),
    ]
    assert not any(each.surplus_columns for each in found.values())


CHILD_XML = (
    "<CHILD><HEADER><CHILDID>{id}</CHILDID><UPN>E095867270650</UPN><SEX>{sex}</SEX>"
    "<DOB>02/03/2005</DOB><ETHNIC>BOTH</ETHNIC><UASC /><AREVIEW><REVIEW>28/01/2016</REVIEW>"
    "<REVIEW_CODE>PN3</REVIEW_CODE></AREVIEW><AREVIEW><REVIEW>14/04/2016</REVIEW><REVIEW_CODE>PN1"
    "</REVIEW_CODE></AREVIEW>{more}<MOTHER /><MC_DOB /></HEADER>{episodes}</CHILD>"
)
EPISODE_XML = (
    "<EPISODE><DECOM>{decom}</DECOM><RNE>S</RNE><LS>C2</LS><CIN>N1</CIN><PL>{place}</PL><PL_POST>"
    "DY4 8NF</PL_POST><HOME_POST>DY1 1AA</HOME_POST><URN>SC1</URN><DEC>{dec}</DEC></EPISODE>"
)
MISSING_XML = (
    "<AMISSING><MISSING>{kind}</MISSING><MIS_START>{start}</MIS_START><MIS_END/></AMISSING>"
)


def test_a_903_in_xml_gives_the_same_lists(tmp_path: Path) -> None:
    missing = MISSING_XML.format(kind="M", start="01/02/2016") + MISSING_XML.format(
        kind="A", start="03/02/2016"
    )
    oc2 = "<OC2><SDQ_SCORE>9</SDQ_SCORE><CONVICTED>1</CONVICTED></OC2>"
    episodes = EPISODE_XML.format(decom="11/11/2015", place="K2", dec="05/01/2016")
    episodes += EPISODE_XML.format(decom="05/01/2016", place="U4", dec="")
    both = CHILD_XML.format(id=9, sex=1, more=missing + oc2, episodes=episodes)
    both += CHILD_XML.format(id=10, sex=2, more="", episodes="")  # a care leaver: no episode
    put(tmp_path, {"r/2016.xml": f"<EXPSSDA903>{both}</EXPSSDA903>"})
    plan = plan_of(tmp_path, "ssda903", "r/{year}.xml", period="2015-04-01 2016-03-31")
    found = collected(plan)
    end = dt.date(2016, 3, 31)
    assert events(found) == [
        ("ret_episodes", 0, "looked_after", dt.date(2016, 1, 5)),
        ("ret_episodes", 1, "looked_after", end),
        ("ret_missing", 0, "missing_from_home_or_care", dt.date(2016, 2, 1)),
        ("ret_missing", 1, "missing_from_home_or_care", dt.date(2016, 2, 3)),
        ("ret_oc2", 0, "offending", end),
    ]
    frames = {name: each.harmonised.rows for name, each in found.items()}
    assert measure_of(frames, "looked_after")["placement"].to_list() == ["K2", "U4"]
    people = subjects_of(frames).select("dataset", "sex", "local_ids", "postcode").rows()
    assert ("ret_header", "female", ["council:10"], None) in people
    assert ("ret_missing", "male", ["council:9"], None) in people
    assert ("ret_episodes", "male", ["council:9"], "DY1 1AA") in people
    assert not any(each.harmonised.quarantine.height for each in found.values())
    assert not any(each.surplus_columns for each in found.values())


def test_a_903_in_xml_without_a_missing_child_is_an_empty_list_not_a_broken_one(
    tmp_path: Path,
) -> None:
    one = CHILD_XML.format(id=9, sex=1, more="", episodes="")
    put(tmp_path, {"r/2016.xml": f"<EXPSSDA903>{one}</EXPSSDA903>"})
    plan = plan_of(tmp_path, "ssda903", "r/{year}.xml", period="2015-04-01 2016-03-31")
    found = collected(plan)
    rows = {name: each.deliveries.select("status", "rows").row(0) for name, each in found.items()}
    assert rows["ret_missing"] == ("loaded", 0)
    assert rows["ret_header"] == ("loaded", 1)
