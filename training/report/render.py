"""From a trained model to `report.html` and the model card `README.md`."""

from collections import Counter
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from slugline import __version__
from slugline.corpus import Corpus
from slugline.model import Model
from training.plan import TrainingPlan
from training.report import analysis, figures
from training.train import Trained

REPORT_FILE = "report.html"
CARD_FILE = "README.md"

_LENGTHS = ((0, 30), (30, 75), (75, 150), (150, 300), (300, 10**9))
_templates = Environment(
    loader=PackageLoader("training.report"),
    autoescape=select_autoescape(["html.jinja"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(name: str, trained: Trained, corpus: Corpus, plan: TrainingPlan) -> dict[str, bytes]:
    """The report and the card of a model that will be published as `name`, by file name."""
    model = trained.model
    facts = _facts(name, model, trained, corpus, plan)
    report = _templates.get_template("report.html.jinja").render(facts | _pictures(model, trained, corpus))
    card = _templates.get_template("card.md.jinja").render(facts)
    return {REPORT_FILE: report.encode(), CARD_FILE: card.encode()}


def _facts(name: str, model: Model, trained: Trained, corpus: Corpus, plan: TrainingPlan) -> dict[str, Any]:
    manifest = model.manifest
    intervals = analysis.bootstrap_intervals(trained.scores, model.thresholds, trained.labels, plan.recipe.seed)
    return {
        "name": name,
        "manifest": manifest,
        "slugline_version": __version__,
        "topics": list(zip(manifest.topics, intervals, strict=True)),
        "split": plan.split,
        "recipe": trained.recipe,
        "data": _data_card(corpus),
    }


def _pictures(model: Model, trained: Trained, corpus: Corpus) -> dict[str, Any]:
    scores, labels, thresholds = trained.scores, trained.labels, model.thresholds
    terms = analysis.strongest_terms(trained.pipeline)
    return {
        "precision_recall": figures.precision_recall(model.topics, scores, thresholds, labels),
        "reliability": figures.reliability(model.topics, scores, labels),
        "confusion": figures.confusion_matrix(model.topics, analysis.confusion(scores, thresholds, labels)),
        "learning": figures.learning(analysis.learning_curve(trained)),
        "terms": [
            (topic, figures.term_bars(supporting, opposing, number))
            for number, (topic, (supporting, opposing)) in enumerate(zip(model.topics, terms, strict=True))
        ],
        "errors": analysis.worst_errors(model, corpus, trained),
    }


def _data_card(corpus: Corpus) -> dict[str, Any]:
    words = [len(content.split()) for content in corpus.contents()]
    combinations = Counter(" + ".join(sorted(topics)) or "no topic" for topics in corpus.labels())
    years = sorted(labelled.published[:4] for labelled in corpus.documents if labelled.published)
    lengths = [
        (f"{low} to {high - 1}" if high < 10**9 else f"{low} and more", sum(low <= count < high for count in words))
        for low, high in _LENGTHS
    ]
    return {
        "articles": len(corpus),
        "words": sum(words),
        "files": len({labelled.path for labelled in corpus.documents}),
        "combinations": combinations.most_common(),
        "lengths": lengths,
        "titled": sum(bool(labelled.document.title) for labelled in corpus.documents),
        "years": f"{years[0]} to {years[-1]}" if years else "not given",
    }
