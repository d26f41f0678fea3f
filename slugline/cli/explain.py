"""`slugline explain`."""

import sys
from pathlib import Path

import click

from slugline.cli import options
from slugline.cli.model_place import ModelPlace


@click.command("explain")
@click.argument("text", required=False)
@options.model_place
@options.trusted_keys
@click.option("--terms", default=8, show_default=True, type=click.IntRange(1), help="Terms to show for and against.")
@options.as_json
def command(text: str | None, model: ModelPlace, trusted_keys: Path | None, terms: int, as_json: bool) -> None:
    """Show the terms of TEXT, or of standard input, that spoke for and against each topic.

    Contributions are in log-odds; with the bias they sum to the raw score, and the score is its sigmoid.
    """
    from slugline import store
    from slugline.cli.terminal import note, print_json, print_table
    from slugline.documents import DEFAULT_MAX_TEXT_CHARS, Document, check_document

    document = Document(sys.stdin.read() if text is None else text)
    check_document(document, max_text_chars=DEFAULT_MAX_TEXT_CHARS, needs_id=False)
    loaded = store.load(model.find(trusted_keys), trusted_keys=trusted_keys)
    content = document.content()
    scores, explanations = loaded.scores([content])[0], loaded.explain(content)
    if as_json:
        print_json(
            {
                name: {
                    "score": float(score),
                    "raw_score": explanation.raw_score,
                    "bias": explanation.bias,
                    "contributions": explanation.contributions,
                }
                for name, score, explanation in zip(loaded.topics, scores, explanations, strict=True)
            }
        )
        return
    for name, score, threshold, explanation in zip(loaded.topics, scores, loaded.thresholds, explanations, strict=True):
        rows = [(term, f"{value:+.3f}") for term, value in explanation.strongest(terms)]
        rows += [("all other terms", f"{explanation.others(terms):+.3f}"), ("bias", f"{explanation.bias:+.3f}")]
        rows.append(("raw score", f"{explanation.raw_score:+.3f}"))
        verdict = "assigned" if score >= threshold else "not assigned"
        title = f"{name}: score {score:.3f}, {verdict} (from {threshold:.3f})"
        print_table(("term", "contribution"), rows, title)
    note(f"Model {loaded.manifest.name} {loaded.version}.")
