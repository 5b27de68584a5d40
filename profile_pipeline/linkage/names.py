"""Standardise written names for linkage, keeping every form that may be evidence.

A name is never replaced by another: beside the plain form stand its parts, the names it may be
short for or a spelling of (`codes/names`), and a sound key that survives transliteration.
"""

import re
from functools import lru_cache

import jellyfish
import polars as pl

from profile_pipeline.codes.names.load import FORENAME, SURNAME, kin, parts

# Letters that Unicode does not decompose into a base letter and a mark.
_LETTERS = {
    "ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "ß": "ss", "æ": "ae", "œ": "oe", "ı": "i",
    "ə": "e", "ħ": "h", "ŋ": "n",
}  # fmt: skip
LOST = "?"  # a letter that a file's encoding could not keep

# How one sound is written in several systems of transliteration; applied in order.
_SOUNDS: tuple[tuple[str, str], ...] = (
    (r"\?", ""),
    (r"(?:ski|sky|skij|skyj|skiy|ska|skaya|skaja)$", "sk"),
    (r"(?:ov|ev|off|eff|ow|ew)a?$", "v"),
    (r"ova$", "v"),
    (r"^kn", "n"),
    (r"^mac", "mc"),
    (r"^h", "H"),
    (r"sch|sh|sz|cz|tch|ch|tsh", "S"),
    (r"ph", "f"),
    (r"ck|q|kh|x", "k"),
    (r"gh", "g"),
    (r"dzh|dj|dz|jh|zh", "j"),
    (r"bh", "b"),
    (r"dh", "d"),
    (r"th", "t"),
    (r"c([eiy])", "s$1"),
    (r"c", "k"),
    (r"w", "v"),
    (r"z", "s"),
    (r"^[yj]([aeou])", "j$1"),
    (r"[aeiouyh]+", "a"),
    (r"([^a])a+", "$1"),
    (r"([b-zS])\1", "$1"),
)


def _repaired(text: str) -> str:
    """Undo UTF-8 that was read as cp1252; text that isn't such a case comes back unchanged."""
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text


def plain(name: pl.Expr) -> pl.Expr:
    """Lower case, no accents, apostrophes closed, other signs as spaces; empty becomes null.

    A question mark or replacement character inside a word stays, as a letter that was lost.
    """
    repaired = (
        pl.when(name.str.contains(r"[ÃÅÄÂ][\u0080-\u00BF\u0152-\u2122]"))
        .then(name.map_elements(_repaired, return_dtype=pl.String))
        .otherwise(name)
    )
    text = repaired.str.normalize("NFKD").str.replace_all(r"\p{M}", "").str.to_lowercase()
    text = text.str.replace_many(list(_LETTERS), list(_LETTERS.values()))
    text = text.str.replace_all("\ufffd", LOST, literal=True)
    text = text.str.replace_all(r"['’‘`´ʼ]", "").str.replace_all(r"[^\p{L}?]+", " ")
    text = text.str.replace_all(r"(^|\s)\?+(\s|$)", " ").str.strip_chars(" ")
    return pl.when(text.str.len_chars() > 0).then(text)


def sound_key(word: pl.Expr) -> pl.Expr:
    """Return a key that is the same for most spellings of one sounded name (one word)."""
    key = word
    for pattern, written in _SOUNDS[:-1]:
        key = key.str.replace_all(pattern, written)
    # Doubled consonants count once; polars' regex has no back reference.
    for letter in "bdfgjklmnprstvS":
        key = key.str.replace_all(f"{letter}{letter}+", letter)
    return key


def _words(name: pl.Expr) -> pl.Expr:
    drop = sorted(parts("title") | parts("placeholder"))
    words = name.str.split(" ").list.eval(
        pl.element().filter((pl.element() != "") & ~pl.element().is_in(drop))
    )
    return words.fill_null(pl.lit([], dtype=pl.List(pl.String)))


def _written_out(words: pl.Expr) -> pl.Expr:
    """Words of more than a letter; all where there is none: an initial is nobody's whole name."""
    long = words.list.eval(pl.element().filter(pl.element().str.len_chars() > 1))
    return pl.when(long.list.len() > 0).then(long).otherwise(words)


def _second(words: pl.Expr, first: pl.Expr) -> pl.Expr:
    """The first forename or initial beside the one that tells people apart most."""
    passed = sorted(word for word in parts("particle") | parts("shared") if len(word) > 1)
    # A list's expression can't read another column, so that one is laid at the list's head.
    others = pl.element().slice(1)
    kept = (others != pl.element().first()) & ~others.is_in(passed)
    return pl.when(first.is_not_null()).then(
        pl.concat_list(first, words).list.eval(others.filter(kept)).list.first()
    )


def _telling(words: pl.Expr) -> pl.Expr:
    """Words that tell people apart: no particles, no names shared by a whole community."""
    particles, shared = sorted(parts("particle")), sorted(parts("shared"))
    strict = words.list.eval(
        pl.element().filter(
            ~pl.element().is_in(particles)
            & ~pl.element().is_in(shared)
            & (pl.element().str.len_chars() > 1)
        )
    )
    loose = words.list.eval(pl.element().filter(~pl.element().is_in(particles)))
    return (
        pl.when(strict.list.len() > 0)
        .then(strict)
        .when(loose.list.len() > 0)
        .then(loose)
        .otherwise(words)
    )


# Surnames that end otherwise for women: Czech and Slovak, Bulgarian and Russian, Polish.
_STEMS = (
    (r"ova$", ""), (r"ova$", "ov"), (r"eva$", "ev"), (r"([scz])ka$", "${1}ki"),
    (r"([scz])ky$", "${1}ki"), (r"ina$", "in"), (r"skaya$", "ski"), (r"([^aeiou])na$", "${1}ny"),
)  # fmt: skip


def _stems(words: pl.DataFrame) -> pl.DataFrame:
    """Return the other forms of surnames by gender, as `word, kin`."""
    word = pl.col("word")
    forms = [word.str.replace(ending, stem) for ending, stem in _STEMS]
    return (
        words.select("word", pl.concat_list(forms).list.unique().alias("kin"))
        .explode("kin")
        .filter((pl.col("kin") != word) & (pl.col("kin").str.len_chars() >= 3))
    )


def _looked_up(frame: pl.DataFrame, words: str, kind: str) -> pl.Series:
    """Return for each row the sorted names its words may stand for, themselves included."""
    table = kin(kind)
    lookup = pl.DataFrame(
        {"word": list(table), "kin": list(table.values())},
        schema={"word": pl.String, "kin": pl.List(pl.String)},
    )
    long = frame.select("name_row", pl.col(words).alias("word")).explode("word").drop_nulls()
    known = lookup.explode("kin").join(long.select("word").unique(), on="word", how="semi")
    forms = [long.select("word", pl.col("word").alias("kin")).unique(), known]
    if kind == SURNAME:
        forms.append(_stems(long.select("word").unique()))
    found = (
        long.join(pl.concat(forms), on="word")
        .group_by("name_row")
        .agg(pl.col("kin").unique().sort())
    )
    joined = frame.select("name_row").join(found, on="name_row", how="left", maintain_order="left")
    return joined["kin"].fill_null(pl.Series([[]], dtype=pl.List(pl.String)))


def standardised(names: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with the forms of its names that linkage compares.

    Takes `forename`, `surname` (text) and `other_names` (list). Adds `fore`, `sur` (plain, written
    together), `fore_first`, `fore_words`, `fore_telling` and `sur_words` (words that tell people
    apart), `name_words` (all words), `fore_kin` (of telling words and other names),
    `fore_kin_all`, `sur_kin`, `fore_sound`, `sur_sound`, `name_key` (order of names ignored) and
    `block_words` (sound keys of all words).
    """
    empty = pl.lit([], dtype=pl.List(pl.String))
    frame = names.with_row_index("name_row").with_columns(
        plain(pl.col("forename")).alias("fore_text"),
        plain(pl.col("surname")).alias("sur_text"),
        plain(pl.col("other_names").list.join(" ", ignore_nulls=True)).alias("other_text"),
    )
    # One cell may hold the whole name.
    whole = pl.col("sur_text").is_null() & pl.col("fore_text").str.contains(" ", literal=True)
    frame = frame.with_columns(
        pl.when(whole)
        .then(pl.col("fore_text").str.extract(r"^(.*) \S+$"))
        .otherwise(pl.col("fore_text"))
        .alias("fore_text"),
        pl.when(whole)
        .then(pl.col("fore_text").str.extract(r" (\S+)$"))
        .otherwise(pl.col("sur_text"))
        .alias("sur_text"),
    ).with_columns(
        _words(pl.col("fore_text")).alias("fore_words"),
        _words(pl.col("sur_text")).alias("sur_all"),
        _words(pl.col("other_text")).alias("other_words"),
    )
    frame = frame.with_columns(
        pl.col("fore_words").list.join("").alias("fore"),
        _telling(pl.col("fore_words")).alias("fore_telling"),
        pl.col("sur_all").list.join("").alias("sur"),
        _telling(pl.col("sur_all")).alias("sur_words"),
        pl.concat_list(_written_out(pl.col("fore_words")), "other_words")
        .list.unique()
        .list.sort()
        .alias("fore_and_other"),
        pl.concat_list("fore_words", "sur_all").list.unique().list.sort().alias("name_words"),
    ).with_columns(
        pl.col("fore_telling").list.first().alias("fore_first"),
        _second(pl.col("fore_words"), pl.col("fore_telling").list.first()).alias("fore_second"),
        pl.concat_list("fore_telling", "other_words")
        .list.unique()
        .list.sort()
        .alias("telling_and_other"),
        *(pl.when(pl.col(name) != "").then(pl.col(name)).alias(name) for name in ("fore", "sur")),
    )
    sounds = pl.element().filter(pl.element().str.len_chars() > 0)
    return (
        frame.with_columns(
            _looked_up(frame, "telling_and_other", FORENAME).alias("fore_kin"),
            _looked_up(frame, "fore_and_other", FORENAME).alias("fore_kin_all"),
            _looked_up(frame, "sur_words", SURNAME).alias("sur_kin"),
            sound_key(pl.col("fore_first")).alias("fore_sound"),
            sound_key(pl.col("sur")).alias("sur_sound"),
            sound_key(pl.col("sur_words").list.last()).alias("sur_last_sound"),
            pl.concat_list("fore_telling", "sur_words")
            .list.eval(sound_key(sounds))
            .list.unique()
            .list.sort()
            .alias("block_words"),
        )
        .with_columns(
            pl.when(pl.col("fore_sound").is_not_null() & pl.col("sur_last_sound").is_not_null())
            .then(pl.concat_list("fore_sound", "sur_last_sound").list.sort().list.join("|"))
            .alias("name_key"),
            pl.col("fore_words").fill_null(empty),
        )
        .drop(
            "name_row",
            "fore_text",
            "sur_text",
            "other_text",
            "sur_all",
            "fore_and_other",
            "telling_and_other",
        )
    )


@lru_cache(maxsize=200_000)
def _alike(a: str, b: str) -> bool:
    """Whether one word may be a slip, a lost letter or a short form of the other."""
    if a == b or (LOST in a + b and _fits(a, b)):
        return True
    short, long = sorted((a, b), key=len)
    if len(short) == 1:
        return long.startswith(short)
    stem = re.sub(r"(?:ie|y|ey|i)$", "", short)
    if len(stem) >= 3 and long.startswith(stem):
        return True
    if _pet_name(a, b) or _pet_name(b, a):
        return True
    if jellyfish.damerau_levenshtein_distance(a, b) <= 1 and (
        len(long) >= 4 or sorted(a) == sorted(b)
    ):
        return True
    return jellyfish.jaro_winkler_similarity(a, b) >= 0.9


def _pet_name(pet: str, name: str) -> bool:
    """Whether one word is the other shortened and closed with an s, as Jodes for Jodie."""
    stem = re.sub(r"e?s$", "", pet)
    if stem == pet or not name.startswith(stem):
        return False
    return len(stem) >= 3 or (len(stem) == 2 and len(name) <= 3)


def _fits(a: str, b: str) -> bool:
    return len(a) == len(b) and all(x == y or LOST in (x, y) for x, y in zip(a, b, strict=True))


def slip(a: str, b: str) -> bool:
    """Whether two words differ by what a typing slip or a lost letter explains."""
    return _alike(a, b)
