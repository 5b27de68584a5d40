"""What was due, what arrived and when: the files of a dataset, quarter by quarter.

Finds and fingerprints files; opening them is `intake.readers`. Nothing received is passed over: a
file that no pattern knows is listed, and so is a link that isn't followed.
"""

import difflib
import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path, PurePosixPath

import polars as pl

from profile_pipeline.errors import Problem
from profile_pipeline.plan.reading import LIST, PERIODS, QUARTER, TERM, YEAR, Delivery

# A corrected delivery: `..._v2`, `... corrected`, `... (1)` as browsers name a second copy.
AGAIN = re.compile(
    r"""[ _.-]*(?:
        (?:v|ver|version|rev|revision|r)[ ._-]*(?P<version>\d{1,3})
      | \((?P<copy>\d{1,3})\)
      | (?P<word>copy|correct(?:ed|ion)|amend(?:ed|ment)|revised|resubmi(?:tted|ssion)|resen[dt]
          |updated?|final|new|replacement)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
WORKBOOK = ".xlsx"
NOT_CALLED_SO = "No delivery of the plan is called so"
CLUTTER = re.compile(r"\..*|~\$.*|Thumbs\.db|desktop\.ini", re.IGNORECASE)
SUCH = {"quarter": "2015-16_Q4", "year": "2015-16", "term": "2015_autumn"}
TOLD = {
    QUARTER: r"(?P<quarter>\d{4}-\d{2}[ _]?Q[1-4])",
    # No part of a longer number: 20210930 is a day, and in another fiscal year than 2021.
    YEAR: r"(?P<year>(?<!\d)\d{4}(?:[-_ ](?:\d{4}|\d{2}))?(?!\d))",
    TERM: r"(?P<term>\d{4}[-_ ]*(?:autumn|spring|summer)|(?:autumn|spring|summer)[-_ ]*\d{4})",
}
SCHEMA = {
    "dataset": pl.String,
    "quarter": pl.String,
    "file": pl.String,
    "sha256": pl.String,
    "size_bytes": pl.Int64,
    "version": pl.Int64,
    "due_on": pl.Date,
    "arrived_on": pl.Date,
    "status": pl.String,
    "superseded_by": pl.String,
    "problem": pl.String,
}


@dataclass(frozen=True)
class _Found:
    """A file or link of the folder; hash and size are null when it isn't opened."""

    file: str
    quarter: str | None
    version: int
    modified_ns: int
    sha256: str | None
    size: int | None
    status: str
    problem: str | None


def find_deliveries(
    data_root: Path,
    dataset: str,
    delivery: Delivery,
    period: Sequence[str],
    *,
    today: date | None = None,
    others: Iterable[Delivery] = (),
    received: Mapping[str, date] | None = None,
) -> pl.DataFrame:
    """Return one row a file that arrived and a quarter whose file didn't, by quarter and version.

    Columns: dataset; quarter (label; null when none can be told); file (path below the data root;
    null when nothing arrived); sha256; size_bytes; version (1, or higher for a corrected delivery);
    due_on; arrived_on (the register's day, else the file's date, UTC); status; superseded_by;
    problem (of a superseded file: which one counts, and why). Statuses:

    - `arrived`: the quarter's file, to be read;
    - `superseded`: an older version of it (highest version counts, then the kind of file that was
      agreed, then the newest by `received`, else by the file's date);
    - `missing`: due, and nothing arrived; `awaited`: not due before `today`;
    - `unexpected`: no delivery's pattern or quarter fits;
    - `refused`: a link that leaves the folder or is one to a folder, or no ordinary file;
    - `unreadable`: the file may not be opened.

    `period` is the profile's quarters, in order; without `today` everything is due. `others` are
    the deliveries of other datasets, whose files aren't unexpected here; `received` is the day on
    which a file came, by the partnership's register. Reads every file once.
    """
    told = received or {}
    wanted = delivery.quarters(list(period))
    ending = PurePosixPath(delivery.files).suffix.lower()
    found = [*_in_folder(data_root, delivery, wanted, others)]
    rows: list[dict[str, object]] = []
    for quarter in wanted:
        due = delivery.due_on(quarter)
        versions = sorted(
            (f for f in found if f.quarter == quarter and f.status == "arrived"),
            # At the same version the agreed kind of file counts before a workbook in its place.
            key=lambda f: (
                f.version,
                f.file.lower().endswith(ending),
                _came_on(f, told),
                f.modified_ns,
                f.file,
            ),
        )
        for number, each in enumerate(versions, 1):
            if number == len(versions):
                rows.append(_row(dataset, each, due, "arrived", None))
                continue
            newest = versions[-1]
            why = _why(newest, each, ending, told)
            older = _row(dataset, each, due, "superseded", newest.file)
            rows.append(older | {"problem": f"{newest.file} counts instead: {why}."})
        if not versions and not delivery.optional:
            status = "missing" if today is None or due < today else "awaited"
            rows.append(
                {
                    "dataset": dataset,
                    "quarter": quarter,
                    "due_on": due,
                    "status": status,
                }
            )
    rows += [_row(dataset, f, None, f.status, None) for f in found if f.status != "arrived"]
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    day = pl.col("file").replace_strict(told, default=None, return_dtype=pl.Date)
    return frame.with_columns(arrived_on=pl.coalesce(day, "arrived_on")) if told else frame


def _came_on(found: _Found, told: Mapping[str, date]) -> date:
    return told.get(found.file) or datetime.fromtimestamp(found.modified_ns // 10**9, tz=UTC).date()


def _why(newest: _Found, older: _Found, ending: str, told: Mapping[str, date]) -> str:
    """Return why one of two files of a quarter counts, as the order above has it."""
    if newest.sha256 == older.sha256:
        return "both are the same, byte for byte"
    if newest.version > older.version:
        return "its name says that it is the corrected one"
    if newest.file.lower().endswith(ending) > older.file.lower().endswith(ending):
        return f"{ending} is the kind of file that was agreed"
    if newest.file in told and older.file in told and told[newest.file] > told[older.file]:
        return "it was received later, by deliveries.csv"
    return (
        "its date is the later one, which copying may change; add _v2 to the name of the one that"
        " is meant to count"
    )


def stray_files(data_root: Path, deliveries: Iterable[Delivery]) -> list[str]:
    """Return what lies below the data root and belongs to no delivery, a line for each folder.

    A file within a delivery's own folder is `unexpected` there and isn't told here.
    """
    agreed = list(deliveries)
    folders = {_folder(each.files) for each in agreed} - {PurePosixPath(".")}
    patterns = [_pattern(each, end) for each in agreed for end in ("", WORKBOOK)]
    astray: dict[PurePosixPath, int] = {}
    for path in _walk(data_root, PurePosixPath(".")):
        file = PurePosixPath(path.relative_to(data_root).as_posix())
        if folders.intersection(file.parents) or any(p.fullmatch(str(file)) for p in patterns):
            continue
        # The highest folder that holds nothing of the plan's stands for all that is in it.
        above = [p for p in file.parents if p.parts and not any(p in f.parents for f in folders)]
        place = above[-1] if above else file
        astray[place] = astray.get(place, 0) + 1
    return [
        _stray_line(place, count, (data_root / place).is_dir(), folders)
        for place, count in astray.items()
    ]


def _stray_line(
    place: PurePosixPath, count: int, is_folder: bool, folders: Iterable[PurePosixPath]
) -> str:
    near = difflib.get_close_matches(
        str(place).lower(), [str(folder) for folder in folders], n=1, cutoff=0.75
    )
    hint = f" Did you mean '{near[0]}'?" if near and is_folder else ""
    if not is_folder:
        return f"{place}: no dataset of the plan has a file called so; it is not loaded.{hint}"
    files = "1 file" if count == 1 else f"{count} files"
    return (
        f"{place}/ ({files}): no dataset of the plan takes files from this folder; nothing of it"
        f" is loaded.{hint}"
    )


def read_register(path: Path) -> tuple[dict[str, date], list[Problem]]:
    """Return the day on which each file was received, by the partnership's own register.

    `deliveries.csv` of the profile folder has the columns `file` (below the data folder) and
    `received` (2016-04-12 or 12/04/2016). It counts before a file's own date, which copying
    changes. What can't be read is a problem and says nothing; without a register both are empty.
    """
    if not path.is_file():
        return {}, []
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError, OSError):
        return {}, [Problem(path.name, "is not a CSV file.", "Write it as `file,received`.")]
    lacking = [name for name in ("file", "received") if name not in frame.columns]
    if lacking:
        return {}, [Problem(f"{path.name}:1", f"lacks the column '{lacking[0]}'.")]
    day = pl.coalesce(
        pl.col("received").str.strip_chars().str.to_date(form, strict=False)
        for form in ("%Y-%m-%d", "%d/%m/%Y")
    )
    rows = frame.with_row_index("line", offset=2).with_columns(day=day)
    wrong = rows.filter(pl.col("day").is_null() | pl.col("file").is_null())
    told = rows.drop_nulls(("day", "file"))
    return dict(told.select("file", "day").iter_rows()), [
        Problem(f"{path.name}:{line}", "gives no file or no day.", "Write 2016-04-12.")
        for line in wrong["line"]
    ]


def _row(
    dataset: str, found: _Found, due: date | None, status: str, newest: str | None
) -> dict[str, object]:
    return {
        "dataset": dataset,
        "quarter": found.quarter,
        "file": found.file,
        "sha256": found.sha256,
        "size_bytes": found.size,
        "version": found.version,
        "due_on": due,
        "arrived_on": datetime.fromtimestamp(found.modified_ns // 10**9, tz=UTC).date(),
        "status": status,
        "superseded_by": newest,
        "problem": found.problem,
    }


def _in_folder(
    data_root: Path,
    delivery: Delivery,
    wanted: Sequence[str],
    others: Iterable[Delivery],
) -> Iterator[_Found]:
    """Yield what lies in the dataset's folder, in order of path."""
    patterns = [_pattern(each) for each in _named_ways(delivery)]
    elsewhere = [_pattern(each) for other in others for each in _named_ways(other)]
    workbook = _pattern(delivery, WORKBOOK)
    folder = _folder(delivery.files)
    root = data_root.resolve()
    for path in _walk(data_root, folder):
        file = path.relative_to(data_root).as_posix()
        match = next((m for p in patterns if (m := p.fullmatch(file))), None)
        known = any(other.fullmatch(file) for other in elsewhere)
        if match is None and not known:
            # A blank template is a workbook, and may come filled in place of the agreed kind.
            match = workbook.fullmatch(file)
        if match is None and (known or folder == PurePosixPath(".")):
            continue
        quarter, version, problem = _told(match, delivery, wanted)
        yield _examine(path, file, root, quarter, version, problem)


def _walk(data_root: Path, folder: PurePosixPath) -> Iterator[Path]:
    """Yield files and links below the folder, in order; no link to a folder is entered."""
    top = data_root / folder
    for part in reversed([top, *top.parents]):
        if part != data_root and part.is_relative_to(data_root) and part.is_symlink():
            yield part
            return
    for directory, folders, files in os.walk(top):
        folders[:] = sorted(name for name in folders if not CLUTTER.fullmatch(name))
        links = [name for name in folders if (Path(directory) / name).is_symlink()]
        kept = [name for name in files if not CLUTTER.fullmatch(name)]
        yield from (Path(directory) / name for name in sorted([*kept, *links]))


def _told(
    match: re.Match[str] | None, delivery: Delivery, wanted: Sequence[str]
) -> tuple[str | None, int, str | None]:
    """Return the quarter and version that a file's name tells, and what is wrong with it."""
    if match is None:
        return (
            None,
            1,
            f"{NOT_CALLED_SO}{_such(delivery, wanted)}.",
        )
    version = _version(match["again"])
    if delivery.every == "once":
        return (wanted[-1], version, None) if wanted else (None, version, "Nothing is due.")
    quarter = delivery.quarter_told(match[delivery.every], wanted)
    if quarter is None:
        such = SUCH[delivery.every]
        return None, version, f"The name holds no fiscal {delivery.every} such as {such}."
    if quarter not in wanted:
        return (
            quarter,
            version,
            f"The quarter is not one of those agreed ({wanted[0]} to {wanted[-1]})."
            if wanted
            else "No quarter is agreed for this profile.",
        )
    return quarter, version, None


def _such(delivery: Delivery, wanted: Sequence[str]) -> str:
    """Return a name that would do, that of the newest file due; nothing where it could be many."""
    if not wanted or "*" in delivery.files:
        return ""
    return f", such as {delivery.path_for(wanted[-1])}"


def _examine(
    path: Path,
    file: str,
    root: Path,
    quarter: str | None,
    version: int,
    problem: str | None,
) -> _Found:
    link = path.is_symlink()
    try:
        target = path.resolve(strict=True)
        about = target.stat()
    except (OSError, RuntimeError):
        modified = path.lstat().st_mtime_ns
        why = "The link leads nowhere." if link else "The file can't be opened."
        status = "refused" if link else "unreadable"
        return _Found(file, quarter, version, modified, None, None, status, why)
    refused = None
    if link and not target.is_relative_to(root):
        refused = "The link leaves the data folder; put the file itself there."
    elif link and stat.S_ISDIR(about.st_mode):
        refused = "Links to folders are not followed; put the files themselves there."
    elif not stat.S_ISREG(about.st_mode):
        refused = "This is no ordinary file."
    if refused:
        # Nothing of a target outside is told, its date and size included.
        modified = path.lstat().st_mtime_ns
        return _Found(file, quarter, version, modified, None, None, "refused", refused)
    try:
        with target.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        why = "The file can't be opened; check that it may be read by you."
        return _Found(
            file,
            quarter,
            version,
            about.st_mtime_ns,
            None,
            about.st_size,
            "unreadable",
            why,
        )
    status = "unexpected" if problem else "arrived"
    return _Found(
        file,
        quarter,
        version,
        about.st_mtime_ns,
        digest,
        about.st_size,
        status,
        problem,
    )


def _folder(files: str) -> PurePosixPath:
    """Return the folder that is the dataset's own: the path before the first placeholder."""
    parts: list[str] = []
    for part in PurePosixPath(files).parts[:-1]:
        if any(character in part for character in "{*?["):
            break
        parts.append(part)
    return PurePosixPath(*parts)


def _pattern(delivery: Delivery, ending: str = "") -> re.Pattern[str]:
    """Return the pattern of a delivery's paths, corrected deliveries included; case is ignored.

    `ending` stands in place of the plan's own file ending.
    """
    files = delivery.files
    path = PurePosixPath(files)
    stem = files[: len(files) - len(path.suffix)]
    again = rf"(?P<again>(?:{AGAIN.pattern})*)"
    for group in ("version", "copy", "word"):
        again = again.replace(f"?P<{group}>", "")
    # Spaces of the name must not vanish in a verbose expression.
    pieces = re.split(r"(\{[a-z]+\}|\*)", stem)
    end = f"(?x:{again}){re.escape(ending or path.suffix)}"

    def whole(lists: Sequence[str]) -> str:
        parts = (_part(p, lists, again=p in pieces[:n]) for n, p in enumerate(pieces))
        return "".join(parts) + end

    closer = [
        other
        for other in delivery.other_lists
        for own in delivery.lists
        if _bare(other) != _bare(own) and _bare(other).endswith(_bare(own))
    ]
    # `sw_episodes` ends in `episodes`, and is another list.
    unnamed = re.sub(r"\(\?P=\w+\)", ".*?", re.sub(r"\?P<\w+>", "?:", whole(closer)))
    elsewhere = f"(?!{unnamed}$)" if closer else ""
    return re.compile(elsewhere + whole(delivery.lists), re.IGNORECASE)


def _named_ways(delivery: Delivery) -> list[Delivery]:
    """Return the delivery for each way in which its files are named."""
    return [
        delivery,
        *(delivery.model_copy(update={"files": files}) for files in delivery.or_files),
    ]


def _bare(name: str) -> str:
    return re.sub(r"[ _-]", "", name).lower()


def _names(lists: Sequence[str]) -> str:
    """Return the pattern of a list's name in a file's: a word of its own, or begun by a capital."""
    begins = r"(?:(?<![^\W\d_])|(?-i:(?<=[a-z])(?=[A-Z])))"
    named = "|".join(re.sub(r"(?:\\ |_|\\-)", "[ _-]?", re.escape(name)) for name in lists)
    return f"{begins}(?:{named})"


def _part(piece: str, lists: Sequence[str], *, again: bool) -> str:
    if piece in TOLD:
        # A period that the path names twice is the same one.
        name = next(name for name, placeholder in PERIODS.items() if placeholder == piece)
        return f"(?P={name})" if again else TOLD[piece]
    if piece == LIST:
        return _names(lists) if lists and "*" not in lists else r"[^/]*?"
    return r"[^/]*?" if piece == "*" else re.escape(piece)


def _version(again: str) -> int:
    """Return the version a name's ending tells: 1 none, 2 `corrected`, n `v n`, n + 1 `(n)`."""
    numbers = [1]
    for match in AGAIN.finditer(again):
        if match["version"]:
            numbers.append(int(match["version"]))
        else:
            numbers.append(int(match["copy"]) + 1 if match["copy"] else 2)
    return max(numbers)
