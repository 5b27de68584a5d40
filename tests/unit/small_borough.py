"""A tiny made-up borough in a small profile folder: eight children in three agencies' files.

`MARK` is in every name, id, postcode and free text, so that a test can look for it where nothing
of a person may be. `twice_run` runs the whole method on it, once for all tests of a process.
"""

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.unit.small_plan import send, write_folder

MARK = "Zqx"
HEAD = "Ref,Date,Name,DOB,Sex,Ethnicity,Postcode,NHS No,Nominal,Category\n"
NAMES = ("Amelia Okafor", "Beth Novak", "Carys Lindqvist", "Dilys Ferrante", "Erin Whitlock",
         "Farah Siddiqui", "Gwen Prendergast", "Hollie Underhill")  # fmt: skip
BORN = ("1999-03-04", "2000-11-21", "2001-06-15", "2002-01-30", "1998-08-09", "2003-04-27",
        "2000-02-12", "2001-12-05")  # fmt: skip
CHILDREN = [(*name.split(), *born.split("-")) for name, born in zip(NAMES, BORN, strict=True)]
BROKEN = "missing/2015-16_Q2.csv"


def write_borough(folder: Path) -> Path:
    """Write the folder with every file a good delivery has, but one broken."""
    write_folder(folder)
    for number, quarter in enumerate(("2015-16_Q1", "2015-16_Q2", "2015-16_Q3", "2015-16_Q4")):
        send(folder, f"missing/{quarter}.csv", missing(number))
        send(folder, f"tracker/{quarter}.csv", tracker())
    (folder / "data" / BROKEN).write_bytes(b"PK\x03\x04" + f"{MARK}binary".encode() * 40)
    send(folder, "school.csv", school())
    return folder


def missing(quarter: int) -> str:
    """Return the police's file of a quarter (0 to 3), one row set aside and one twice in it."""
    month, year = ((4, 2015), (7, 2015), (10, 2015), (1, 2016))[quarter]
    rows = [
        f'{MARK}R{quarter}{n},{n + 1:02d}/{month:02d}/{year},"{MARK}{sur.upper()}, {MARK}{fore}",'
        f"{day}/{born}/{of},F,White British,DY1 {n}{MARK[1:].upper()},94{n}4765{n}19,"
        f"{MARK}N{n},missing\n"
        for n, (fore, sur, of, born, day) in enumerate(CHILDREN)
    ]
    undated = f'{MARK}R9,31/02/2015,"{MARK}UNDATED, X",01/02/2001,F,,,,{MARK}N9,{MARK}Kind\n'
    return HEAD + "".join(rows) + undated + rows[0]


def tracker() -> str:
    """Return the council's tracker as it stands in every quarter."""
    return "Ref,Forename,Surname,DOB,Sex,ICS,Authority,Risk,Status\n" + "".join(
        f"{MARK}T{n},{MARK}{fore},{MARK}{sur},{year}-{month}-{day},F,{MARK}I{n},Smallton,"
        f"{('at risk', 'serious')[n % 2]},{('open', f'{MARK}Status')[n == 5]}\n"
        for n, (fore, sur, year, month, day) in enumerate(CHILDREN[:6])
    )


def school() -> str:
    """Return the attendance file, its `Possible` no number for one child."""
    return "Forename,Surname,DOB,UPN,Unauthorised,Possible,Excluded\n" + "".join(
        f"{MARK}{fore},{MARK}{sur},{year}-{month}-{day},A33220120000{n},20,"
        f"{(100, f'{MARK}many')[n == 4]},{'YN'[n % 2]}\n"
        for n, (fore, sur, year, month, day) in enumerate(CHILDREN)
    )


@dataclass(frozen=True)
class Twice:
    """A folder that was run twice: its first outputs, and what the runs printed."""

    folder: Path
    first: Path
    printed: str
    codes: tuple[int, ...]

    @property
    def outputs(self) -> Path:
        """The second run's outputs."""
        return self.folder / "output" / "2016-03-31"


TWICE = """
import shutil, sys
from profile_pipeline import cli
folder, *copies = sys.argv[1:]
for copy in copies:
    sys.argv = ["profile-pipeline", "run", "--profile", folder]
    try:
        cli.main()
    except SystemExit as left:
        print("left with", left.code or 0, flush=True)
    shutil.copytree(folder + "/output/2016-03-31", copy)
"""


@functools.cache
def twice_run() -> Twice:
    """Run everything on the tiny borough two times, through the command line."""
    root = Path(tempfile.mkdtemp(prefix="small-borough-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    folder = write_borough(root / "profile")
    copies = [str(root / "first"), str(root / "second")]
    done = subprocess.run(
        [sys.executable, "-c", TWICE, str(folder), *copies],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    printed = done.stdout + done.stderr
    codes = [int(line.split()[-1]) for line in printed.splitlines() if line[:9] == "left with"]
    return Twice(folder, root / "first", printed, tuple(codes))
