"""The contracts of import-linter can fail: each refuses an import that breaks it."""

from __future__ import annotations

import sys
from copy import deepcopy
from pathlib import Path

import grimp
import pytest
from importlinter.api import read_configuration
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract
from importlinter.contracts.independence import IndependenceContract
from importlinter.contracts.layers import LayersContract
from importlinter.contracts.protected import ProtectedContract

ROOT = Path(__file__).parents[2]

TYPES = {
    "acyclic_siblings": AcyclicSiblingsContract,
    "forbidden": ForbiddenContract,
    "independence": IndependenceContract,
    "layers": LayersContract,
    "protected": ProtectedContract,
}

SESSION = read_configuration(str(ROOT / "pyproject.toml"))
CONTRACTS = {each["name"]: each for each in SESSION["contracts_options"]}
LIBRARIES = {name: each["protected_modules"] for name, each in CONTRACTS.items() if each["type"] == "protected"}

PLANTED = {
    "The runtime is layered": ("octo.core.message", "octo.engine.flow"),
    "Only the composition root knows the plug-ins": ("octo.engine.build", "octo.blocks.set"),
    "Each noun knows only the nouns below it": ("octo.core.message", "octo.core.block"),
    "Connectors are strangers to one another": ("octo.connectors.cron.schedule", "octo.connectors.http.routes"),
    "No files import in a circle": ("octo.trace.record", "octo.trace.writer"),
    "The platform is layered": ("octo_platform.storage.database", "octo_platform.deploy.desired"),
    "The platform sees flows only as data": ("octo_platform.deploy.desired", "octo.engine.flow"),
    "The runtime does not know the platform": ("octo.cli", "octo_platform"),
    **{name: ("octo.measure", modules[0]) for name, modules in LIBRARIES.items()},
}
"""By contract, an import that it must refuse."""

ANYWHERE = {"orjson": "every layer may write JSON"}
"""Libraries that any module may import, with the reason."""


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("octo", "octo_platform", include_external_packages=True, cache_dir=None)


def is_kept(name: str, graph: grimp.ImportGraph) -> bool:
    options = {key: value for key, value in CONTRACTS[name].items() if key not in ("name", "type")}
    contract = TYPES[CONTRACTS[name]["type"]](name, SESSION["session_options"], options)
    return contract.check(graph, verbose=False).kept


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_contract_refuses_what_it_is_there_for(name: str, graph: grimp.ImportGraph):
    """The contract holds, and one wrong import breaks it: so a renamed module cannot make it meaningless."""
    importer, imported = PLANTED[name]
    wrong = deepcopy(graph)
    wrong.add_import(importer=importer, imported=imported)

    assert is_kept(name, graph)
    assert not is_kept(name, wrong)


def test_a_new_noun_gets_its_layer(graph: grimp.ImportGraph):
    """A file in `octo/core` that no layer names is refused."""
    more = deepcopy(graph)
    more.add_module("octo.core.stray")

    assert not is_kept("Each noun knows only the nouns below it", more)


def test_every_library_has_a_home(graph: grimp.ImportGraph):
    """Every library that is imported has a home, or is listed as having none."""
    ours = [module for module in graph.modules if module.partition(".")[0] in ("octo", "octo_platform")]
    imported = {each for module in ours for each in graph.find_modules_directly_imported_by(module)}
    libraries = imported - set(ours) - set(sys.stdlib_module_names)

    assert libraries - {each for modules in LIBRARIES.values() for each in modules} == ANYWHERE.keys()
