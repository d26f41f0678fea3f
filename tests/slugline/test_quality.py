import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugline.quality import QualityWarning, warnings_of

FEW, OTHER = QualityWarning.FEW_KNOWN_WORDS, QualityWarning.OTHER_LANGUAGE


@pytest.mark.parametrize(
    ("words", "known", "warnings"),
    [
        (0, 0, (FEW,)),
        (2, 2, (FEW,)),
        (3, 3, ()),
        (7, 3, ()),
        (8, 4, (OTHER,)),
        (8, 5, ()),
        (100, 59, (OTHER,)),
        (100, 60, ()),
        (20, 2, (FEW, OTHER)),
    ],
)
def test_texts_that_can_hardly_be_read_are_doubtful(
    words: int, known: int, warnings: tuple[QualityWarning, ...]
) -> None:
    assert warnings_of(words, known, 0.6) == warnings


@given(words=st.integers(3, 1000), share=st.floats(0, 1))
def test_a_text_all_of_whose_words_are_known_is_not_doubtful(words: int, share: float) -> None:
    assert warnings_of(words, words, share) == ()
