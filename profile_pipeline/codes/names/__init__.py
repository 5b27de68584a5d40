"""Names as data: nicknames, spellings of one name in several languages, parts that tell little."""
