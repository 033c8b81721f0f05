"""A hands-on course on cross-encoder reranking: its front door.

The names that lessons use, each from the module that holds it (``__init__.pyi`` says which). They are loaded
when they are first used, so ``import rerank_course`` costs next to nothing and imports neither torch nor
numpy.
"""

__version__ = "0.2.0"

try:
    import lazy_loader

    __getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
except Exception as error:  # a package that is missing or broken: the doctor, which is in here, has to say so
    from rerank_course.learner.packages import closed_door

    __getattr__ = closed_door(error)
