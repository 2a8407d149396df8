"""The model artifact: a sentence-transformers folder with what serves it.

A dense model is served by Text Embeddings Inference (TEI), a sparse encoder, whose answers need names instead of
numbers for its dimensions, by the handler that both have in `code/`.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from ..models.retrieval_model import RetrievalModel

_INFERENCE_HANDLER = Path(__file__).parents[2] / "inference.py"
_INFERENCE_REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "inference.txt"


def write_serving_artifact(model: RetrievalModel, folder: Path) -> None:
    """Saves a model with the SageMaker handler `code/inference.py`.

    Raises:
        JobError: when the model cannot be served.
    """
    model.save(folder)
    code = folder / "code"
    code.mkdir(exist_ok=True)
    shutil.copyfile(_INFERENCE_HANDLER, code / "inference.py")
    shutil.copyfile(_INFERENCE_REQUIREMENTS, code / "requirements.txt")
