"""A hands-on course on cross-encoder reranking: its front door.

The names that lessons use, each from the module that holds it (``__init__.pyi`` says which). They are loaded
when they are first used, so ``import rerank_course`` costs next to nothing and imports neither torch nor
numpy.
"""

import lazy_loader

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
