"""The plan of the invented borough, as written into its folder."""
