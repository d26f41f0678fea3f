from slugline.features import CHARACTERS, LEAD, WORDS, FeatureSettings, build_features, families

TEXTS = ["Envoys met while TROOPS shelled the port", "Troops left the port after envoys met"]


def test_the_lead_is_the_first_characters_of_the_text_alone() -> None:
    features = build_features(FeatureSettings(lead_chars=10, min_df=1)).fit(TEXTS)
    named = dict(families(features))
    assert list(named) == [WORDS, LEAD, CHARACTERS]
    assert set(named[LEAD].vocabulary_) == {"envoys", "met", "envoys met", "troops", "lef", "troops lef"}
    assert "port" in named[WORDS].vocabulary_
    assert "port" not in named[LEAD].vocabulary_


def test_families_that_are_not_asked_for_are_not_there() -> None:
    features = build_features(FeatureSettings(lead_chars=None, char_ngrams=None))
    assert [name for name, _ in families(features)] == [WORDS]
