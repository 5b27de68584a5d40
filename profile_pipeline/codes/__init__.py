"""Code lists and spellings as data files an analyst can extend, and the lookups that read them."""
