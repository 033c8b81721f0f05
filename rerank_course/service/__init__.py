"""The stand-in for the hosted reranker."""
