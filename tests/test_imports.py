"""The import graph of the package. The order of its subpackages is a contract of import-linter (`make lint`)."""

import grimp
import networkx as nx


def test_no_modules_import_each_other_in_a_circle():
    """Holds for imports within functions and for those of types, too."""
    graph = grimp.build_graph("fixlip_widgets")
    imports = nx.DiGraph(
        (importer, imported)
        for importer in graph.modules
        for imported in graph.find_modules_directly_imported_by(importer)
    )
    assert imports.number_of_edges() > 500
    assert [circle for circle in nx.strongly_connected_components(imports) if len(circle) > 1] == []
