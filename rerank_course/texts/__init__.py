"""Collections of texts, and judgements on them."""
