"""What `rerank-course evaluate` has to say: one page to look at, and the same numbers for machines."""
