"""A small made-up profile folder for tests: three datasets, one agency, one year."""

import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from profile_pipeline.plan.collection import Dataset
from profile_pipeline.plan.load import Plan, load_plan
from profile_pipeline.sample.scaffold import new_folder

PROFILE = """\
title: Small
synthetic: true
terms_of_reference:
  aim: To know what is not known.
  objectives: [Count children]
  methodology: Problem profiling
  time_frames: Each quarter
  required_outputs: [Problem profile]
  resources: One analyst
area: {name: Smallton, responsible_authority: Smallton}
period: {start: 2015-04-01, end: 2016-03-31}
as_at: 2016-03-31
"""

PLAN = """\
agencies:
  - {id: police, name: Smallshire Police}
  - {id: council, name: Smallton Council}
datasets:
  - id: missing
    agency: police
    title: Missing reports
    what: Reports.
    why: A strong sign.
    how: Monthly
    lawful_basis: Children Act 2004 s.10
    keep_for: 6 years
    delivery: {every: quarter, due: 14 days, files: "missing/{quarter}.csv"}
    dated_by: {column: Date, format: "%d/%m/%Y"}
    reference: Ref
    subjects:
      - role: child
        name: Name
        date_of_birth: {column: DOB, format: "%d/%m/%Y"}
        sex: Sex
        ethnicity: Ethnicity
        postcode: Postcode
        nhs_number: NHS No
        local_ids: [{column: Nominal, issuer: police}]
    events:
      - indicator: missing_from_home_or_care
      - measure: missing_episode
        fields: {category: Category}
  - id: tracker
    agency: council
    title: CSE tracker
    what: Open children.
    why: Known children.
    how: Quarterly
    lawful_basis: Children Act 2004 s.10
    keep_for: 6 years
    delivery: {every: quarter, due: 14 days, files: "tracker/{quarter}.csv"}
    dated_by: quarter_end
    reference: Ref
    subjects:
      - role: child
        forename: Forename
        surname: Surname
        date_of_birth: {column: DOB, format: "%Y-%m-%d"}
        sex: Sex
        local_ids: [{column: ICS, issuer: council}]
    events:
      - measure: cse_tracker
        fields:
          responsible_authority: Authority
          risk_level: Risk
          status: Status
  - id: school
    agency: council
    title: School attendance
    what: Sessions.
    why: Missing education.
    how: Yearly
    lawful_basis: Education Act 1996
    keep_for: 6 years
    delivery: {every: once, files: "school.csv"}
    dated_by: quarter_end
    subjects:
      - role: child
        forename: Forename
        surname: Surname
        date_of_birth: {column: DOB, format: "%Y-%m-%d"}
        upn: UPN
    events:
      - indicator: unauthorised_absence
        when: {column: Unauthorised, ratio_at_least: {over: Possible, share: 0.1}}
      - indicator: excluded_from_school
        when: {column: Excluded, equals: Y}
"""


def write_folder(folder: Path, *, profile: str = PROFILE, plan: str = PLAN) -> Path:
    """Write the folder's own files and an empty data folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "profile.yaml").write_text(profile, encoding="utf-8")
    (folder / "collection_plan.yaml").write_text(plan, encoding="utf-8")
    (folder / "data").mkdir(exist_ok=True)
    (folder / "reference").mkdir(exist_ok=True)
    return folder


def filled_folder(folder: Path) -> Path:
    """Return a new folder of `profile-pipeline new`, every placeholder replaced by `ours`."""
    new_folder(folder)
    for name in ("profile.yaml", "collection_plan.yaml"):
        path = folder / name
        path.write_text(re.sub("<[^<>]+>", "ours", path.read_text(encoding="utf-8")))
    return folder


def send(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    """Write a file as an agency sends it."""
    path = folder / "data" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode(encoding))
    return path


def small_plan(folder: Path, **changes: str) -> Plan:
    """Return the checked plan of the folder, written first."""
    return load_plan(write_folder(folder, **changes))


def dataset(text: str, **more: Any) -> Dataset:
    """Return a dataset from the YAML of what matters to a test; the rest is filled in."""
    given = {
        "id": "d",
        "agency": "a",
        "title": "t",
        "what": "w",
        "why": "w",
        "how": "h",
        "lawful_basis": "l",
        "keep_for": "k",
        "delivery": {"files": "d/{quarter}.csv"},
        "dated_by": "quarter_end",
    }
    return Dataset.model_validate(given | YAML(typ="safe").load(text) | more)
