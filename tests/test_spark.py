"""The ten lines for Spark in docs/archives.md, run as they stand there."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slugline.model import Model
from tests.corpora import labelled_rows

ROOT = Path(__file__).parent.parent
START = """
from pyspark.sql import SparkSession
# Patient, for a machine that many share.
patience = {"spark.network.timeout": "900s", "spark.executor.heartbeatInterval": "300s", "spark.ui.enabled": "false"}
spark = SparkSession.builder.master("local[1]").config(map=patience).getOrCreate()
print("Spark", spark.version, "Java", spark._jvm.java.lang.System.getProperty("java.version"))
"""


@pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="needs pyspark and a Java runtime",
)
def test_spark_adds_what_the_model_says(models: Path, model: Model, tmp_path: Path) -> None:
    rows = labelled_rows(60)
    source = tmp_path / "archive" / "part.parquet"
    source.parent.mkdir()
    pq.write_table(pa.table({"nr": range(len(rows)), "text": [str(row["text"]) for row in rows]}), source)
    found = re.search(r"```python\n(.*?)```", (ROOT / "docs" / "archives.md").read_text(), re.DOTALL)
    assert found
    lines = found[1]
    for place, mine in (("models", models), ("archive", source.parent), ("tagged", tmp_path / "tagged")):
        lines = lines.replace(f"/mnt/{place}", str(mine))
    environment = os.environ | {"PYSPARK_PYTHON": sys.executable, "PYSPARK_DRIVER_PYTHON": sys.executable}
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-c", START + lines], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    tagged = pa.concat_tables(pq.read_table(path) for path in (tmp_path / "tagged").glob("*.parquet")).sort_by("nr")
    assert tagged.column_names == ["nr", "text", "topics", "model_version"]
    scores = model.scores([str(row["text"]) for row in rows])
    assert tagged["topics"].to_pylist() == [list(model.assigned(row)) for row in scores]
    assert set(tagged["model_version"].to_pylist()) == {model.version}
