"""Which pairs the int8 engine leaves to the float32 graph: those with few different words.

Rounding moves each number a little. In ordinary text a token attends to many others, and the errors of many
average out. Where few different words are left, as in ("yes", "no"), in a list of numbers, in one word many
times or in a script that the model has no words for, they do not, and the attention may turn to another
token altogether. Over 2,800 pairs of many kinds the error of 8 bits (root mean square, in logits) was 0.7
with one word, 1.7 with two and three different ones, 0.1 with four and five and also with none, and 0.05 to
0.07 from six on, whatever the kind and the length. ``make bench`` measures what is left with this rule.
"""

from collections.abc import Mapping, Sequence

import numpy as np

FEWEST_WORDS = 8


class FloatRoute:
    """Tells from a pair's tokens which graph scores it.

    Args:
        vocabulary: the tokenizer's tokens and their ids.
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._is_word = np.zeros(max(vocabulary.values()) + 1, dtype=bool)
        for token, place in vocabulary.items():
            self._is_word[place] = is_word(token)

    def goes_through_float(self, ids: Sequence[int] | np.ndarray) -> bool:
        """Whether a pair of these token ids, special tokens included, holds too few different words."""
        different = np.unique(np.asarray(ids, dtype=np.int64))
        return int(self._is_word[different].sum()) < FEWEST_WORDS


def is_word(token: str) -> bool:
    """Whether a token is a word, or a part of one: two letters or more, without digits and signs.

    The marks that tokenizers put before a word or a part are not looked at. Single letters are not words: a
    model writes scripts that it was not trained on in these.
    """
    letters = token.removeprefix("##").lstrip("\u0120\u2581")
    return len(letters) > 1 and letters.isalpha()
