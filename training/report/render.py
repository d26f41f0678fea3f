"""From a trained model to `report.html` and the model card `README.md`."""

from collections.abc import Sequence
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from slugline import __version__
from slugline.corpus import LabelledDocument
from training.data_card import DataCard
from training.plan import TrainingPlan
from training.report import analysis, figures
from training.train import Fitted, Trained

REPORT_FILE = "report.html"
CARD_FILE = "README.md"

_templates = Environment(
    loader=PackageLoader("training.report"),
    autoescape=select_autoescape(["html.jinja"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(
    name: str, fitted: Fitted, documents: Sequence[LabelledDocument], card: DataCard, plan: TrainingPlan
) -> dict[str, bytes]:
    """The report and the card of a model that will be published as `name`, by file name.

    `documents` are the articles that `fitted.scores` are of.
    """
    facts = _facts(name, fitted, card, plan)
    report = _templates.get_template("report.html.jinja").render(facts | _pictures(fitted, documents))
    card_text = _templates.get_template("card.md.jinja").render(facts)
    return {REPORT_FILE: report.encode(), CARD_FILE: card_text.encode()}


def _facts(name: str, fitted: Fitted, card: DataCard, plan: TrainingPlan) -> dict[str, Any]:
    manifest = fitted.model.manifest
    thresholds = fitted.model.thresholds
    intervals = analysis.bootstrap_intervals(fitted.scores, thresholds, fitted.labels, plan.recipe.seed)
    return {
        "name": name,
        "manifest": manifest,
        "slugline_version": __version__,
        "topics": list(zip(manifest.topics, intervals, strict=True)),
        "split": plan.split if isinstance(fitted, Trained) else "held-out",
        "measured": len(fitted.labels),
        "recipe": fitted.recipe,
        "data": card,
    }


def _pictures(fitted: Fitted, documents: Sequence[LabelledDocument]) -> dict[str, Any]:
    model, scores, labels, thresholds = fitted.model, fitted.scores, fitted.labels, fitted.model.thresholds
    terms = analysis.strongest_terms(fitted.pipeline)
    return {
        "precision_recall": figures.precision_recall(model.topics, scores, thresholds, labels),
        "reliability": figures.reliability(model.topics, scores, labels),
        "confusion": figures.confusion_matrix(model.topics, analysis.confusion(scores, thresholds, labels)),
        "learning": figures.learning(analysis.learning_curve(fitted)) if isinstance(fitted, Trained) else "",
        "terms": [
            (topic, figures.term_bars(supporting, opposing, number))
            for number, (topic, (supporting, opposing)) in enumerate(zip(model.topics, terms, strict=True))
        ],
        "errors": analysis.worst_errors(model, documents, fitted),
    }
