"""`python -m benchmarks`: measure, and write tables and plots."""

from pathlib import Path

import click

from benchmarks import fitting, in_process, over_grpc, results, texts

PARTS = ("in-process", "grpc", "fitting")


@click.command()
@click.option("--model", type=click.Path(path_type=Path), default=Path("models"), show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=Path("seeds"), show_default=True)
@click.option(
    "--texts", "texts_file", type=click.Path(path_type=Path), help="JSONL of texts; else they are made of --data."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("benchmarks/results"), show_default=True)
@click.option(
    "--part", "parts", multiple=True, type=click.Choice(PARTS), default=PARTS, help="Measure this part alone."
)
@click.option("--quick", is_flag=True, help="A few rounds, to see that it works; the figures mean little.")
def main(model: Path, data: Path, texts_file: Path | None, out: Path, parts: tuple[str, ...], quick: bool) -> None:
    """Measure Slugline beside what people would use otherwise, in one run on one machine."""
    count = 64 if quick else 640
    chosen = texts.given(texts_file, count) if texts_file else texts.generated(data, count)
    for part in parts:
        if part == "in-process":
            tables = in_process.run(model, data, chosen, quick=quick)
        elif part == "grpc":
            tables = over_grpc.run(model, chosen, quick=quick)
        else:
            tables = fitting.run(data, quick=quick)
        results.write(out, part, tables)
        results.plot_bars(out / f"{part}.png", tables[0])
        for table in tables:
            click.echo(table.markdown())


main()
