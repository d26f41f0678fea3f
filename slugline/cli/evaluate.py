"""`slugline evaluate`."""

from pathlib import Path

import click

from slugline.cli import options
from slugline.cli.model_place import ModelPlace
from slugline.formats.reading import Reading


@click.command("evaluate")
@options.data_paths
@options.labelled_rows
@options.model_place
@options.trusted_keys
@options.as_json
def command(
    data: tuple[Path, ...], reading: Reading, model: ModelPlace, trusted_keys: Path | None, as_json: bool
) -> None:
    """Measure a model on labelled articles: precision, recall, F1, average precision and support of each topic."""
    from slugline import store
    from slugline.cli.terminal import note, print_json, print_table
    from slugline.corpus import read_corpus
    from training.evaluation import evaluate
    from training.splits import label_matrix

    if not data:
        raise click.UsageError("name the labelled articles with --data")
    loaded = store.load(model.find(trusted_keys), trusted_keys=trusted_keys)
    corpus = read_corpus(data, loaded.topics, reading)
    if corpus.left_out:
        note(f"{corpus.left_out} articles that nobody has labelled were left out.")
    labels = label_matrix(corpus.labels(), loaded.topics)
    evaluation = evaluate(loaded.scores(corpus.contents()), loaded.thresholds, labels)
    means = evaluation.means
    if as_json:
        by_name = dict(zip(loaded.topics, evaluation.topics, strict=True))
        print_json({"model_version": loaded.version, "documents": len(corpus), "topics": by_name, "means": means})
        return
    rows = [
        (name, f"{m.precision:.3f}", f"{m.recall:.3f}", f"{m.f1:.3f}", f"{m.average_precision:.3f}", str(m.support))
        for name, m in zip(loaded.topics, evaluation.topics, strict=True)
    ]
    rows.append(
        ("macro mean", f"{means.macro_precision:.3f}", f"{means.macro_recall:.3f}", f"{means.macro_f1:.3f}")
        + (f"{means.mean_average_precision:.3f}", "")
    )
    rows.append(
        ("micro mean", f"{means.micro_precision:.3f}", f"{means.micro_recall:.3f}", f"{means.micro_f1:.3f}", "", "")
    )
    print_table(
        ("topic", "precision", "recall", "F1", "average precision", "support"),
        rows,
        title=f"{loaded.manifest.name} {loaded.version} on {len(corpus)} articles; "
        f"calibration error {means.expected_calibration_error:.3f}",
    )
