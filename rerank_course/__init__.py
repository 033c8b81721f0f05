"""Helpers of the reranking course: one module, one idea.

Import from the modules (``from rerank_course.rerank import rerank_documents``), so that importing the
package costs nothing and each lesson shows where its tools come from.
"""

__version__ = "0.1.0"
