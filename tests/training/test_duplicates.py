from training.duplicates import near_duplicates, story_groups

STORY = "Gunmen ambushed a convoy near the northern town of Kidal on Tuesday and killed four soldiers before dawn"
REWRITE = STORY.replace("four soldiers", "at least five soldiers") + " the army said"
OTHER = "The finance minister told parliament that the budget would be balanced within the next three years"


def test_rewrites_of_one_story_are_found_with_their_containment() -> None:
    pairs = near_duplicates([STORY, OTHER, REWRITE, STORY])
    assert [(i, j) for i, j, _ in pairs] == [(0, 2), (0, 3), (2, 3)]
    assert pairs[1][2] == 1.0
    assert 0.5 <= pairs[0][2] < 1.0


def test_stories_share_a_group_through_a_chain() -> None:
    groups = story_groups([STORY, OTHER, REWRITE])
    assert groups[0] == groups[2] != groups[1]


def test_texts_too_short_for_a_shingle_stand_alone() -> None:
    assert len(set(story_groups(["one", "one", "two words"]).tolist())) == 3
