"""Models as files: a zip of plain arrays and one JSON text. Nothing in it can run."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from basketry.exceptions import SchemaError
from basketry.files import whole_file
from basketry.models.learners import LEARNERS
from basketry.models.prepare import Prepare
from basketry.models.scorers import SCORERS

if TYPE_CHECKING:
    from basketry.models.propensity import PropensityModel

FORMAT = "basketry model 1"
_MOST = 1 << 30
_LISTS = {"columns_": str, "names_out_": str, "source_": int, "kind_": int, "level_": str, "log_": bool}
_STAMP = (1980, 1, 1, 0, 0, 0)


def save(model: PropensityModel, path: Path, card: dict[str, Any]) -> None:
    """Write a model; the same model gives the same bytes.

    Parameters
    ----------
    model
        A fitted model.
    path
        The file.
    card
        What is to be known of it.
    """
    prepare = model.prepare_
    classes = model.classes_.tolist()
    text = {
        "format": FORMAT,
        "learner": model.learner,
        "kind": model.scorer_.kind,
        "classes": classes,
        "named": hasattr(prepare, "feature_names_in_"),
        "prepare": {name: list(getattr(prepare, name)) for name in _LISTS},
        "numbers": {
            name: getattr(model, f"{name}_")
            for name in ("slope", "offset", "shift", "base_rate", "n_rows", "penalty")
        },
        "card": card,
    }
    arrays = model.scorer_.arrays | {"prepare mean": prepare.mean_, "prepare scale": prepare.scale_}
    with whole_file(path) as unfinished, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as file:
        written = json.dumps(text, indent=1, ensure_ascii=False, default=str)
        file.writestr(zipfile.ZipInfo("model.json", _STAMP), written)
        for name, array in sorted(arrays.items()):
            held = BytesIO()
            np.save(held, array, allow_pickle=False)
            file.writestr(zipfile.ZipInfo(f"{name}.npy", _STAMP), held.getvalue())


def load(model: PropensityModel, path: Path) -> PropensityModel:
    """Fill a new model from a file.

    Parameters
    ----------
    model
        The new model.
    path
        The file.
    """
    try:
        text, arrays = _read(path)
        if text["format"] != FORMAT or text["learner"] not in LEARNERS:
            raise SchemaError(
                f"{path}: not a model of this version ({text['format']!r}): fit and save it again."
            )
        prepare = Prepare()
        for name, kind in _LISTS.items():
            setattr(prepare, name, [_typed(kind, value) for value in text["prepare"][name]])
        prepare.mean_, prepare.scale_ = arrays.pop("prepare mean"), arrays.pop("prepare scale")
        width, wide = len(prepare.names_out_), len(prepare.columns_)
        lengths = {len(getattr(prepare, name)) for name in _LISTS if name != "columns_"}
        if lengths != {width} or prepare.mean_.shape != (width,) or prepare.scale_.shape != (width,):
            raise SchemaError(f"{path}: its columns do not hold together: fit and save it again.")
        if not all(0 <= at < wide for at in prepare.source_) or not (prepare.scale_ > 0).all():
            raise SchemaError(f"{path}: its columns do not hold together: fit and save it again.")
        prepare.n_features_in_ = model.n_features_in_ = wide
        if text["named"]:
            names = np.array(prepare.columns_, dtype=object)
            prepare.feature_names_in_ = model.feature_names_in_ = names
        scorer = SCORERS[text["kind"]](arrays)
        scorer.check(width)
        model.prepare_, model.scorer_, model.learner = prepare, scorer, text["learner"]
        model.classes_ = np.array(text["classes"])
        for name in ("slope", "offset", "shift", "base_rate"):
            setattr(model, f"{name}_", float(text["numbers"][name]))
        model.n_rows_, model.penalty_ = int(text["numbers"]["n_rows"]), text["numbers"]["penalty"]
        model.card_ = dict(text["card"])
    except SchemaError:
        raise
    except (KeyError, TypeError, ValueError, EOFError, IndexError, zipfile.BadZipFile) as error:
        raise SchemaError(f"{path}: not a saved model, or a damaged one: fit and save it again.") from error
    return model


def _read(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with zipfile.ZipFile(path) as file:
        if sum(one.file_size for one in file.infolist()) > _MOST:
            raise SchemaError(f"{path}: more than {_MOST:,} bytes when unpacked, which no model needs.")
        text = json.loads(file.read("model.json"))
        arrays = {
            name.removesuffix(".npy"): np.load(BytesIO(file.read(name)), allow_pickle=False)
            for name in file.namelist()
            if name.endswith(".npy")
        }
    for name, array in arrays.items():
        if array.dtype not in (np.float64, np.int64):
            raise SchemaError(f"{path}: {name!r} holds {array.dtype}, and only numbers are taken.")
    return text, arrays


def _typed(kind: type, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value
