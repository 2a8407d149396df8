"""The files of a dense model in the formats that Text Embeddings Inference (TEI) reads.

sentence-transformers 5.4 changed its file formats, which TEI up to 1.9.3 does not read (its router/src/lib.rs and
backends/src/lib.rs): it refuses to start unless `1_Pooling/config.json` has `pooling_mode_*` keys and
`sentence_bert_config.json` has `max_seq_length`, and it leaves out Dense modules unless `modules.json` names all
modules by their old class paths. The files are therefore rewritten in the old format, which newer releases read too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer

from ..artifacts.environment import JobError

_LEGACY_MODULES = {
    kind.__name__: f"sentence_transformers.models.{kind.__name__}" for kind in (Transformer, Pooling, Dense, Normalize)
}
"""What TEI's ModuleType knows."""

_POOLING_KEYS = {
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_max_tokens": "max",
    "pooling_mode_mean_sqrt_len_tokens": "mean_sqrt_len_tokens",
    "pooling_mode_weightedmean_tokens": "weightedmean",
    "pooling_mode_lasttoken": "lasttoken",
}

_SERVED_POOLING = ("cls", "mean", "lasttoken")
"""What TEI can compute."""


def make_readable_for_tei(model: SentenceTransformer, folder: Path) -> None:
    """Rewrites the files of a saved model. Raises JobError for a module or a pooling that TEI cannot serve."""
    _rewrite(folder / "modules.json", _legacy_modules)
    for module in json.loads((folder / "modules.json").read_bytes()):
        if module["type"] == _LEGACY_MODULES["Pooling"]:
            _rewrite(folder / module["path"] / "config.json", _legacy_pooling)
    limit = model.max_seq_length
    if limit is None:
        raise JobError("The model has no max_seq_length, which Text Embeddings Inference needs: set max_seq_length.")
    transformer = {"max_seq_length": limit, "do_lower_case": False}
    (folder / "sentence_bert_config.json").write_text(json.dumps(transformer, indent=2) + "\n", encoding="utf-8")
    if not (folder / "tokenizer.json").is_file():
        raise JobError("The model has no fast tokenizer (tokenizer.json), which Text Embeddings Inference needs.")


def _legacy_modules(modules: Any) -> Any:  # noqa: ANN401 (JSON)
    for module in modules:
        name = module["type"].rsplit(".", 1)[-1]
        if name not in _LEGACY_MODULES:
            raise JobError(
                f"Text Embeddings Inference cannot serve a model with a {name} module: choose another base model."
            )
        module["type"] = _LEGACY_MODULES[name]
    return modules


def _legacy_pooling(config: Any) -> Any:  # noqa: ANN401 (JSON)
    mode = config["pooling_mode"]
    if mode not in _SERVED_POOLING:
        raise JobError(
            f"Text Embeddings Inference cannot serve {mode} pooling: choose a base model with CLS or mean pooling."
        )
    flags = {key: mode == name for key, name in _POOLING_KEYS.items()}
    return {
        "word_embedding_dimension": config["embedding_dimension"],
        **flags,
        "include_prompt": config["include_prompt"],
    }


def _rewrite(path: Path, change: Any) -> None:  # noqa: ANN401 (a function of JSON)
    text = json.dumps(change(json.loads(path.read_bytes())), indent=2)
    path.write_text(text + "\n", encoding="utf-8")
