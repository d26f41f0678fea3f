"""`slugline convert`."""

from pathlib import Path

import click

from slugline.cli import options
from slugline.formats.reading import Reading
from slugline.formats.registry import FORMATS


@click.command("convert")
@click.argument("source", type=click.Path(path_type=Path), metavar="INPUT")
@click.argument("output", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help="Format to write, where the suffix of OUTPUT does not tell.",
)
@options.rows
@click.option("--lossy", is_flag=True, help="Leave out what the format has no place for, and say what it was.")
@click.option("--force", is_flag=True, help="Replace OUTPUT where it exists.")
@options.as_json
def command(
    source: Path, output: Path, to: str | None, reading: Reading, lossy: bool, force: bool, as_json: bool
) -> None:
    """Write the articles of a file or folder in another format, labelled or not, all columns kept.

    The formats are jsonl, csv, tsv, parquet, arrow, arrow-stream, fasttext, doccano, label-studio, prodigy, spacy,
    spacy-json and hugging-face; text may be compressed with .gz or .zst. A fault of any row stops it, and so does
    anything that the format has no place for; nothing is written then.
    """
    from slugline.cli.terminal import counting_bar, note, print_json
    from slugline.formats.conversion import convert

    with counting_bar("Converting") as bar:
        task = bar.add_task("", total=None)
        done = convert(
            source, output, reading, to, lossy=lossy, force=force, read_on=lambda rows: bar.advance(task, rows)
        )
    if as_json:
        print_json({"documents": done.rows, "from": done.sources, "to": done.target, "lost": done.lost})
        return
    note(f"{done.rows} articles from {', '.join(done.sources)} to {output}, as {done.target}.")
    for what, rows in done.lost.items():
        note(f"Left out: {what}, of {rows} articles.")
