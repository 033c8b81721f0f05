"""Texts to search: the course's judged corpora, your own documents, and your own judgements on them."""
