"""A hands-on course on cross-encoder reranking: its front door.

The names that lessons use, each from the module that holds it (``__init__.pyi`` says which). They are loaded
when they are first used, so ``import rerank_course`` costs next to nothing and imports neither torch nor
numpy.
"""

from rerank_course.engine.telemetry import switch_off

__version__ = "0.2.0"

switch_off()

try:
    import lazy_loader

    __getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
except Exception as error:  # a package that is missing or broken: the doctor, which is in here, has to say so
    _why = error

    def __getattr__(name: str) -> object:
        """Modules of the package are still found, the commands among them; any other name says why not."""
        from importlib.util import find_spec

        if name.startswith("_") or find_spec(f"{__name__}.{name}"):
            raise AttributeError(name)
        said = f"{type(_why).__name__}: {_why}"
        raise ImportError(
            f"{__name__}.{name} cannot be loaded: {said}. To see what to do: python -m {__name__} doctor"
        ) from _why
