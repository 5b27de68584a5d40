"""The plan that a new profile folder begins with."""
