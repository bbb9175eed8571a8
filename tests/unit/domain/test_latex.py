"""LaTeX in a bibliography becomes letters; commands are left out and never run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.latex import plain


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"B\'alint Mih{\'a}ly", "Bálint Mihály"),
        (r"{\"O}ffner \& {\v{S}}imek \H{o}", "Öffner & Šimek ő"),
        (r"\'{\i} na\"{\i}ve \ss{}", "í naïve ß"),
        (r"\textit{Before I} was --- I", "Before I was — I"),
        (r"\c{c}a \L{}\'od\'z 45--52", "ça Łódź 45–52"),
        (r"Caf\'e~au  lait" + "\n x", "Café au lait x"),
        (r"``so'' 100\% \$5", "“so” 100% $5"),
        ("L'Enfant O'Neill-Smith 李 明", "L'Enfant O'Neill-Smith 李 明"),
        (r"\input{/etc/passwd}", "/etc/passwd"),
    ],
)
def test_plain_reads_accents_letters_and_dashes(written: str, read: str) -> None:
    assert plain(written) == read


@given(st.text(alphabet="\\{}'\"`~-^cvHi$%& ab\n", max_size=200))
def test_plain_never_raises_and_leaves_no_brace(text: str) -> None:
    found = plain(text)
    assert "\n" not in found
    assert len(found) <= 2 * len(text)
