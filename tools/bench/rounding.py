"""How far 8 bits move the scores of each kind of text: the course's int8 engine against float32 in torch."""

import numpy as np
import pandas as pd
from tokenizers import Tokenizer

from rerank_course.engine.float_route import FloatRoute
from rerank_course.engine.int8_models import packaged_model
from rerank_course.models import load_reranker
from tools.bench.text_kinds import pairs_of_each_kind


def rounding() -> pd.DataFrame:
    """A row for each kind: tokens a pair, pairs that go through float32, error in logits."""
    tokenizer = Tokenizer.from_file(str(packaged_model().folder / "tokenizer.json"))
    tokenizer.enable_truncation(packaged_model().max_tokens, strategy="longest_first")
    route = FloatRoute(tokenizer.get_vocab())
    exact, engine = load_reranker(), load_reranker(backend="int8")
    rows = {}
    for kind, pairs in pairs_of_each_kind():
        ids = [encoding.ids for encoding in tokenizer.encode_batch(pairs)]
        error = engine.predict(pairs).astype(np.float64) - exact.predict(pairs, batch_size=16)
        rows[kind] = {
            "pairs": len(pairs),
            "tokens, mean": round(np.mean([len(tokens) for tokens in ids])),
            "in float32": f"{np.mean([route.goes_through_float(tokens) for tokens in ids]):.0%}",
            "root mean square": f"{np.sqrt(np.mean(error**2)):.3f}",
            "largest": f"{np.max(np.abs(error)):.2f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index")
