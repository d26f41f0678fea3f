"""`python -m benchmarks`: measure, and write tables and plots."""

from pathlib import Path

import click

from benchmarks import fitting, in_process, over_grpc, results, streaming, texts

PARTS = ("in-process", "grpc", "fitting")
LONG_PARTS = ("streaming",)
"""Parts that take too long to be measured with the others."""


@click.command()
@click.option("--model", type=click.Path(path_type=Path), default=Path("models"), show_default=True)
@click.option("--data", type=click.Path(path_type=Path), default=Path("seeds"), show_default=True)
@click.option(
    "--texts", "texts_file", type=click.Path(path_type=Path), help="JSONL of texts; else they are made of --data."
)
@click.option("--out", type=click.Path(path_type=Path), default=Path("benchmarks/results"), show_default=True)
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(PARTS + LONG_PARTS),
    default=PARTS,
    help="Measure this part alone.",
)
@click.option("--articles", "sizes", multiple=True, type=int, help="How many articles `streaming` is measured on.")
@click.option(
    "--mlserver",
    type=click.Path(path_type=Path),
    help="An interpreter that has MLServer and this scikit-learn; MLServer is measured with it.",
)
@click.option("--quick", is_flag=True, help="A few rounds, to see that it works; the figures mean little.")
def main(
    model: Path,
    data: Path,
    texts_file: Path | None,
    out: Path,
    parts: tuple[str, ...],
    sizes: tuple[int, ...],
    mlserver: Path | None,
    quick: bool,
) -> None:
    """Measure Slugline beside what people would use otherwise, in one run on one machine."""
    if "streaming" in parts:
        for tables in streaming.run(quick=quick, sizes=sizes):
            results.write(out, "streaming", tables)
            results.plot_growth(out / "streaming.png", *streaming.curves(tables[0]))
            click.echo(tables[0].markdown())
    others = [part for part in parts if part in PARTS]
    if not others:
        return
    count = 64 if quick else 640
    chosen = texts.given(texts_file, count) if texts_file else texts.generated(data, count)
    for part in others:
        if part == "in-process":
            tables = in_process.run(model, data, chosen, quick=quick)
        elif part == "grpc":
            tables = over_grpc.run(model, chosen, quick=quick, mlserver=mlserver)
        else:
            tables = fitting.run(data, quick=quick)
        results.write(out, part, tables)
        results.plot_bars(out / f"{part}.png", tables[0])
        for table in tables:
            click.echo(table.markdown())


main()
