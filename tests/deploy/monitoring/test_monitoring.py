"""The alert rules and the dashboard speak of metrics that there are, in the language of Prometheus."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.families import FAMILIES

FOLDER = Path(__file__).parents[3] / "deploy" / "monitoring"
SUFFIXES = ("", "_bucket", "_count", "_sum")


def alert_expressions() -> list[str]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule["expr"] for rule in group["rules"]]


def dashboard_expressions() -> list[str]:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def label_names(expression: str, name: str) -> Iterator[str]:
    for selector in re.findall(name + r"\{([^}]*)\}", expression):
        yield from re.findall(r"(\w+)\s*[=!]", selector)


@pytest.mark.parametrize("expression", [*alert_expressions(), *dashboard_expressions()])
def test_expressions_name_metrics_and_labels_that_there_are(expression: str) -> None:
    known = {family.name + suffix: family for family in FAMILIES.values() for suffix in SUFFIXES}
    names = set(re.findall(r"\bslugline_\w+", expression))
    assert names or "up{" in expression
    for name in names:
        family = known[name]
        assert (name != family.name) == (family.kind == "histogram")
        assert set(label_names(expression, name)) <= {*family.labels, "instance", "job"}


def promtool(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    if not shutil.which("promtool"):
        pytest.skip("promtool is not here")
    done = subprocess.run(["promtool", *map(str, arguments)], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def test_the_alerts_go_off_when_they_should() -> None:
    assert "10 rules found" in promtool("check", "rules", "alerts.yaml").stdout
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yaml").stdout


def test_prometheus_understands_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    plain = [
        expression.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$topic", ".*")
        for expression in dashboard_expressions()
    ]
    rules: Any = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(plain)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}))
    promtool("check", "rules", file)


def test_every_metric_is_on_the_dashboard() -> None:
    text = " ".join(dashboard_expressions())
    assert [name for name in FAMILIES if name not in text] == []


def test_panels_lie_side_by_side() -> None:
    panels = json.loads((FOLDER / "dashboard.json").read_text())["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
