"""The notebook of `examples` does what docs/notebooks.md says, in a kernel of Jupyter."""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from oracle.tests.selection import in_sixth
from properties.tests.html_pages import Page
from properties.tests.runs import CLONE


@in_sixth(1)
def test_a_mistake_is_shown_and_mended_in_the_kernel(tmp_path: Path) -> None:
    """Takes seconds: a kernel, in which two runs start."""
    notebook = nbformat.read(CLONE / "examples" / "notebook.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    shown = [each.data for each in outputs if each.output_type == "execute_result"]
    wrong, right = ("".join(Page(data["text/html"]).text) for data in shown[:2])
    assert "1. the biases of the cell are left out" in wrong
    assert "The smallest example, with rnn_cell_forward" in wrong
    assert "No mistake was found." in right
    assert "__main__  conforms" in shown[1]["text/plain"]
    assert shown[2]["text/plain"] == "True"
    assert {each.data["text/plain"] for each in outputs if each.output_type == "display_data"} == {""}
    assert len(outputs) == 5  # two of them have shown the progress
