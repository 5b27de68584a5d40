"""The same scoring on Apache Spark, for a region or the nation (`linkage.engine: spark`).

The model is written once, in DuckDB's SQL; here its few functions get Spark's names. Parameters are
trained as ever by DuckDB, on the identities or a random part of them; Spark compares the pairs,
which is what grows. Needs `pip install "profile-pipeline[spark]"` and Java 17.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from profile_pipeline.errors import Problem, UserError

_FUNCTIONS = {
    "list_has_any": "arrays_overlap", "list_intersect": "array_intersect", "len": "size",
    "jaro_winkler_similarity": "jaro_winkler", "starts_with": "startswith",
}  # fmt: skip
SMALL = 200_000  # identities up to which a few partitions do


def in_spark(sql: str) -> str:
    """Return a condition of the model in Spark's SQL."""
    sql = re.sub(r"\(([^()]*)\)::int", r"cast((\1) as int)", sql)
    sql = re.sub(
        r"(\w+)\[(\d+):(\d+)\]",
        lambda found: f"substring({found[1]}, {found[2]}, {int(found[3]) - int(found[2]) + 1})",
        sql,
    )
    sql = re.sub(r"(\w+)\[(\d+)\]", r"substring(\1, \2, 1)", sql)
    return re.sub(
        r"\b(" + "|".join(_FUNCTIONS) + r")\(", lambda found: _FUNCTIONS[found[1]] + "(", sql
    )


def translated(settings: dict[str, Any]) -> dict[str, Any]:
    """Return Splink settings written for DuckDB as Spark reads them."""
    comparisons = [
        {
            **comparison,
            "comparison_levels": [
                {**level, "sql_condition": in_spark(level["sql_condition"])}
                for level in comparison["comparison_levels"]
            ],
        }
        for comparison in settings["comparisons"]
    ]
    blocks = [
        {name: value for name, value in rule.items() if name != "sql_dialect"}
        for rule in settings["blocking_rules_to_generate_predictions"]
    ]
    return settings | {
        "comparisons": comparisons,
        "blocking_rules_to_generate_predictions": blocks,
        "sql_dialect": "spark",
    }


@contextmanager
def session(identities: int) -> Iterator[Any]:
    """Give a Spark session: the site's own where there is one, else one on this machine.

    Working files hold names: they lie in a private folder that goes when the work is done. Raises
    UserError when pyspark or Java is missing.
    """
    try:
        from pyspark.errors import PySparkException, PySparkRuntimeError
        from pyspark.sql import SparkSession
        from splink.backends.spark import similarity_jar_location
    except ImportError as error:
        raise UserError(
            Problem(
                "profile.yaml",
                "asks for `linkage: {engine: spark}`, which is not installed.",
                'Run pip install "profile-pipeline[spark]", or take the line out.',
            )
        ) from error
    own = SparkSession.getActiveSession() is None
    with TemporaryDirectory(prefix="linkage-spark-") as folder:
        build = (
            SparkSession.builder.appName("linkage")
            .config("spark.jars", similarity_jar_location())
            .config("spark.local.dir", folder)
            .config("spark.sql.warehouse.dir", f"{folder}/warehouse")
            .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={folder}")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
        )
        if identities <= SMALL:
            build = build.config("spark.sql.shuffle.partitions", "8")
            build = build.config("spark.default.parallelism", "4")
        try:
            spark = build.getOrCreate()
        except (PySparkRuntimeError, PySparkException, OSError) as error:
            raise UserError(
                Problem(
                    "profile.yaml",
                    "asks for `linkage: {engine: spark}`, and Spark does not start.",
                    "Install Java 17 (`java -version` shows it), or take the line out.",
                )
            ) from error
        spark.sparkContext.setLogLevel("ERROR")
        spark.sparkContext.setCheckpointDir(f"{folder}/checkpoints")
        try:
            yield spark
        finally:
            if own:
                spark.stop()


def predicted(
    spark: Any,
    identities: pl.DataFrame,
    settings: dict[str, Any],
    lookups: dict[str, pl.DataFrame],
    from_weight: float,
) -> Any:
    """Return Splink's scored pairs as an Arrow table; `settings` as for DuckDB, trained."""
    from splink import Linker
    from splink.backends.spark import SparkAPI

    api = SparkAPI(  # type: ignore[no-untyped-call]
        spark_session=spark, break_lineage_method="persist"
    )
    table = api.register(_frame(spark, identities), dataset_display_name="identities")
    linker = Linker([table], translated(settings), log_level=None)
    for column, frame in lookups.items():
        lookup = api.register(_frame(spark, frame), dataset_display_name=f"frequency_{column}")
        linker.table_management.register_term_frequency_lookup(lookup, column)
    scored = linker.inference.predict(threshold_match_weight=from_weight)
    return scored.as_spark_dataframe().toArrow()


def _frame(spark: Any, frame: pl.DataFrame) -> Any:
    """Return a polars frame in Spark, nulls as nulls and every type told."""
    from pyspark.sql import types

    of = {
        pl.String: types.StringType(),
        pl.Boolean: types.BooleanType(),
        pl.Date: types.DateType(),
        pl.Float64: types.DoubleType(),
        pl.List(pl.String): types.ArrayType(types.StringType()),
    }
    schema = types.StructType(
        [types.StructField(name, of[dtype]) for name, dtype in frame.schema.items()]
    )
    return spark.createDataFrame(frame.to_arrow(), schema=schema)
