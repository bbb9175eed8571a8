"""Whatever a members' part holds and wherever it stands: others get none of it, in no part of their message."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.composing.refusals import SyntaxRefused
from tests.support.composing import assert_well_formed, merger, parsed, reader

HIDDEN = st.sampled_from(
    [
        "RIDDLE words",
        "## RIDDLE",
        "- RIDDLE\n- RIDDLE two",
        "1. RIDDLE",
        "> RIDDLE",
        "| a | b |\n|---|---|\n| RIDDLE | x |",
        "Term RIDDLE\n: RIDDLE meaning",
        "`RIDDLE` **RIDDLE** ~~RIDDLE~~",
        "[RIDDLE](https://x.example.org/RIDDLE)",
        "![RIDDLE](https://x.example.org/RIDDLE.png)",
        "![RIDDLE](RIDDLE.png)",
        "note[^r{n}]",
        "note^[RIDDLE inline]",
        "    RIDDLE code",
        "```\nRIDDLE\n```",
        "Enough RIDDLE words to make the first long paragraph of a letter, and more of them.",
    ]
)
SHOWN = st.sampled_from(
    ["Words.", "## Head", "- a\n- b", "| c | d |\n|---|---|\n| 1 | 2 |", "note[^s]", "Term\n: meaning", "> quoted"]
)
BLOCKS = st.lists(st.tuples(st.booleans(), HIDDEN, SHOWN, st.booleans()), min_size=1, max_size=6)


def letter(blocks: list[tuple[bool, str, str, bool]]) -> str:
    body: list[str] = []
    notes = ["[^s]: Shown note"]
    for number, (hides, hidden, shown, loose) in enumerate(blocks):
        if not hides:
            body.append(shown)
            continue
        gap = "\n\n" if loose else "\n"
        body.append(f"{{% if person.member %}}{gap}{hidden.replace('{n}', str(number))}{gap}{{% endif %}}")
        notes.append(f"[^r{number}]: RIDDLE note\n\n    RIDDLE more, and again[^s]")
    return "\n\n".join([*body, *notes]) + "\n"


@settings(max_examples=120, deadline=None)
@given(BLOCKS)
def test_members_parts_never_reach_others(blocks: list[tuple[bool, str, str, bool]]) -> None:
    composer = merger(letter(blocks), folder=FOLDER)
    for member in (True, False):
        composed = composer.compose(reader(member=member))
        assert_well_formed(composed.data)
        found = "".join(
            str(piece.get_content()) + str(piece.get_filename())
            for piece in parsed(composed.data).walk()
            if not piece.is_multipart()
        )
        assert ("RIDDLE" in found) == (member and any(hides for hides, *_ in blocks))


@settings(max_examples=120, deadline=None)
@given(HIDDEN, SHOWN, st.sampled_from([" ", "\n", "\n\n"]), st.sampled_from([" ", "\n", "\n\n"]))
def test_condition_glued_to_other_words_hides_or_is_refused(hidden: str, shown: str, before: str, after: str) -> None:
    inner = f"{{% if person.member %}}{hidden.replace('{n}', '1')}{{% endif %}}"
    body = f"{shown}{before}{inner}{after}{shown}\n\n[^s]: x\n[^r1]: RIDDLE\n"
    try:
        composer = merger(body, folder=FOLDER)
    except SyntaxRefused:
        return
    assert "RIDDLE" not in composer.text(reader())
    assert "RIDDLE" not in composer.html(reader())
    assert b"RIDDLE" not in composer.compose(reader()).data


FOLDER = Path(__file__).parent.parent.parent / "corpus" / "composing"
