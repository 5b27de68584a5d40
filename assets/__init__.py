"""Dagster assets, one module a step of the method; thin, each calls one function of the method."""
