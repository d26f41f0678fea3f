"""From a fitted pipeline to compiled tables that are known to score as it does."""

from collections.abc import Sequence

import numpy as np
from sklearn.pipeline import Pipeline

from slugline.compiled.scorer import CompiledScorer
from slugline.compiled.tables import Tables, tables_of
from slugline.errors import ScorersDiffer
from slugline.manifest import Probe
from slugline.scoring import PipelineScorer
from slugline.store import AGREEMENT

SAMPLE = 200
"""How many training articles the two scorers must agree on."""

PROBES = (
    "Envoys met in the capital while troops shelled the border; a bomb went off at the station.",
    "The harvest was good, the match ended level, and shares closed two per cent higher.",
    "MINISTERS SIGNED THE TREATY -- MILITANTS CLAIMED THE ATTACK -- THE ARMY WITHDREW",
    "İstanbul'da görüşmeler sürdü; Straße gesperrt; Ἀθῆναι ΣΟΦΟΣ; Войска отошли; 部队撤离; هدنة؛ 🚀🚀",
    "?",
)
"""Texts whose scores a published model carries with it, to be compared wherever it is loaded."""


def compiled(pipeline: Pipeline, contents: Sequence[str]) -> tuple[Tables, list[Probe]]:
    """The tables of a pipeline, and the scores of the probes.

    Raises:
        ScorersDiffer: the tables score a sample of `contents`, or a probe, differently from the pipeline.
    """
    tables = tables_of(pipeline)
    step = max(1, len(contents) // SAMPLE)
    sample = [*PROBES, *contents[::step]]
    expected = PipelineScorer(pipeline).scores(sample)
    difference = np.abs(CompiledScorer(tables).scores(sample) - expected).max(axis=1)
    worst = int(difference.argmax())
    if not difference[worst] <= AGREEMENT:
        raise ScorersDiffer(sample[worst], float(difference[worst]))
    return tables, [Probe(text, row.tolist()) for text, row in zip(PROBES, expected, strict=False)]
