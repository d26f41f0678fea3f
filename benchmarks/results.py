"""What a benchmark found: tables in Markdown, all figures in JSON, and plots."""

import json
import platform
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "slugline",
    "scikit-learn",
    "numpy",
    "grpcio",
    "protobuf",
    "fasttext-wheel",
    "vowpalwabbit",
    "onnxruntime",
)


@dataclass
class Table:
    """One table: `columns` names the cells of each row; the first cell says what was measured."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str | float, ...]] = field(default_factory=list)
    note: str = ""

    def markdown(self) -> str:
        """The table in Markdown."""
        lines = [f"## {self.title}", "", "| " + " | ".join(self.columns) + " |", "|---" * len(self.columns) + "|"]
        lines += ["| " + " | ".join(map(_cell, row)) + " |" for row in self.rows]
        return "\n".join([*lines, "", self.note, ""] if self.note else [*lines, ""])


@dataclass(frozen=True)
class Lines:
    """Something over time: points (x, y) of each line, by its name."""

    title: str
    x: str
    y: str
    points: dict[str, list[tuple[float, float]]]


def write(folder: Path, name: str, tables: list[Table]) -> None:
    """Write `name`.md and .json into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = about()
    head = f"# {name}\n\n" + ", ".join(f"{key} {value}" for key, value in machine.items()) + "\n\n"
    (folder / f"{name}.md").write_text(head + "\n".join(table.markdown() for table in tables), encoding="utf-8")
    content = {"machine": machine, "tables": [asdict(table) for table in tables]}
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def about() -> dict[str, str]:
    """The machine, how much ran on it in the last quarter of an hour, the versions and the date."""
    import os

    found: dict[str, str] = {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": str(len(os.sched_getaffinity(0))),
        "processor": _processor(),
        "load average": f"{os.getloadavg()[2]:.0f}",
        "python": platform.python_version(),
    }
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _cell(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def plot_bars(path: Path, table: Table) -> None:
    """Draw the first column of figures of a table, on a logarithmic scale, into a .png file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.5 * len(table.rows) + 1.2), layout="constrained")
    axes: Any = figure.subplots()
    names, values = [str(row[0]) for row in table.rows][::-1], [float(row[1]) for row in table.rows][::-1]
    axes.barh(names, values, color="#3b6ea5")
    axes.bar_label(axes.containers[0], fmt="{:,.0f}", padding=3)
    axes.set_xscale("log")
    axes.set_xlabel(table.columns[1])
    axes.set_title(table.title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def plot_growth(path: Path, *plots: Lines) -> None:
    """Draw plots beside one another, both axes logarithmic, into a .png file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5 * len(plots), 4), layout="constrained")
    for axes, lines in zip(figure.subplots(ncols=len(plots), squeeze=False)[0], plots, strict=True):
        for name, points in lines.points.items():
            axes.loglog(*zip(*points, strict=True), marker="o", label=name)
        axes.set_xlabel(lines.x)
        axes.set_ylabel(lines.y)
        axes.set_title(lines.title, loc="left")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(path, dpi=110)


def plot_lines(path: Path, lines: Lines) -> None:
    """Draw lines into a .png file."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes: Any = figure.subplots()
    for name, points in lines.points.items():
        axes.plot(*zip(*points, strict=True), label=name)
    axes.set_xlabel(lines.x)
    axes.set_ylabel(lines.y)
    axes.set_ylim(bottom=0)
    axes.set_title(lines.title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
