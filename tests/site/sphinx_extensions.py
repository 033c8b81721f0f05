"""The website's Sphinx extensions as modules, for tests. They stand in docs/site/, which is no package."""

import importlib.util
from types import ModuleType

from tests.support import ROOT


def extension(name: str) -> ModuleType:
    found = importlib.util.spec_from_file_location(name, ROOT / "docs" / "site" / f"{name}.py")
    assert found and found.loader
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module
