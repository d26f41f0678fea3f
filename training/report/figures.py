"""The pictures of the report, as SVG text without any outside reference."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from sklearn.metrics import precision_recall_curve

from slugline.scoring import Scores
from training.evaluation import CALIBRATION_BINS
from training.report.analysis import CurvePoint
from training.splits import Labels

COLOURS = ("#c2410c", "#1d4ed8", "#047857", "#7c3aed", "#b45309", "#0e7490", "#be185d", "#4d7c0f", "#57534e", "#1e293b")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "slugline",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e7e5e4",
    "axes.edgecolor": "#78716c",
    "axes.labelcolor": "#44403c",
    "xtick.color": "#57534e",
    "ytick.color": "#57534e",
    "legend.frameon": False,
}


def precision_recall(topics: Sequence[str], scores: Scores, thresholds: NDArray[np.float64], labels: Labels) -> str:
    """Precision over recall of each topic, with a dot where its threshold stands."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(6.4, 4.6)
        for j, topic in enumerate(topics):
            precision, recall, cuts = precision_recall_curve(labels[:, j], scores[:, j])
            axes.plot(recall, precision, color=_colour(j), linewidth=1.8, label=topic)
            at = min(int(np.searchsorted(cuts, thresholds[j])), len(cuts) - 1)
            axes.plot(recall[at], precision[at], "o", color=_colour(j), markersize=7, markeredgecolor="white")
        _share_axes(axes, "recall", "precision")
        axes.set_ylim(0, 1.02)
        axes.legend(loc="lower left")
        return _svg(figure)


def reliability(topics: Sequence[str], scores: Scores, labels: Labels) -> str:
    """How often articles of a score have the topic, over the score; below, how many articles have which score."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(6.4, 5.2), layout="constrained")
        curve, histogram = figure.subplots(2, 1, height_ratios=[3, 1], sharex=True)
        curve.plot([0, 1], [0, 1], color="#a8a29e", linewidth=1, linestyle="--")
        edges = np.linspace(0, 1, CALIBRATION_BINS + 1)
        for j, topic in enumerate(topics):
            bins = np.minimum(CALIBRATION_BINS - 1, (scores[:, j] * CALIBRATION_BINS).astype(int))
            counts = np.bincount(bins, minlength=CALIBRATION_BINS)
            filled = counts > 0
            said = np.bincount(bins, weights=scores[:, j], minlength=CALIBRATION_BINS)[filled] / counts[filled]
            seen = np.bincount(bins, weights=labels[:, j], minlength=CALIBRATION_BINS)[filled] / counts[filled]
            curve.plot(said, seen, "o-", color=_colour(j), linewidth=1.6, markersize=4.5, label=topic)
            histogram.hist(scores[:, j], bins=list(edges), histtype="step", color=_colour(j), linewidth=1.4)
        _share_axes(curve, "", "share that has the topic")
        curve.legend(loc="upper left")
        histogram.set_yscale("log")
        histogram.set_xlabel("score")
        histogram.set_ylabel("articles")
        return _svg(figure)


def confusion_matrix(topics: Sequence[str], shares: NDArray[np.float64]) -> str:
    """The shares of `analysis.confusion` as a coloured table."""
    with mpl.rc_context(_STYLE | {"axes.grid": False}):
        names = [*topics, "no topic"]
        size = 2.2 + 0.75 * len(names)
        figure, axes = _figure(size + 1.2, size)
        edges = np.arange(len(names) + 1) - 0.5
        axes.pcolormesh(edges, edges, shares, cmap="Blues", vmin=0, vmax=1, edgecolor="white", linewidth=2)
        axes.invert_yaxis()
        axes.set_aspect("equal")
        for (row, column), share in np.ndenumerate(shares):
            colour = "white" if share > 0.6 else "#1c1917"
            axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour)
        axes.set_xticks(range(len(names)), names, rotation=30, ha="right")
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("was given")
        axes.set_ylabel("has")
        return _svg(figure)


def learning(points: Sequence[CurvePoint]) -> str:
    """Mean average precision over the number of articles learned from."""
    with mpl.rc_context(_STYLE):
        figure, axes = _figure(6.4, 3.8)
        articles = [point.articles for point in points]
        values = [point.mean_average_precision for point in points]
        axes.plot(articles, values, "o-", color=COLOURS[1], linewidth=1.8)
        for x, y in zip(articles, values, strict=True):
            axes.annotate(f"{y:.3f}", (x, y), textcoords="offset points", xytext=(0, 8), ha="center")
        axes.set_xscale("log", base=2)
        axes.set_xticks(articles, [f"{x:,}" for x in articles])
        axes.minorticks_off()
        axes.margins(y=0.25)
        axes.set_xlabel("articles learned from")
        axes.set_ylabel("mean average precision")
        return _svg(figure)


def term_bars(supporting: Sequence[tuple[str, float]], opposing: Sequence[tuple[str, float]], colour: int) -> str:
    """The strongest terms of one topic as bars: for it to the right, against it to the left."""
    terms = [*supporting, *reversed(opposing)]
    with mpl.rc_context(_STYLE | {"axes.grid": False}):
        figure, axes = _figure(4.4, 0.5 + 0.21 * max(1, len(terms)))
        places = np.arange(len(terms))[::-1]
        colours = [_colour(colour) if value > 0 else "#a8a29e" for _, value in terms]
        axes.barh(places, [value for _, value in terms], color=colours, height=0.72)
        axes.set_yticks(places, [term for term, _ in terms])
        axes.axvline(0, color="#78716c", linewidth=0.8)
        axes.set_xlabel("weight, log-odds")
        return _svg(figure)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()


def _share_axes(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def _colour(number: int) -> str:
    return COLOURS[number % len(COLOURS)]


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", transparent=True, metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
    )
    text = buffer.getvalue()
    return text[text.index("<svg") :]
