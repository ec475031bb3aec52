"""Weights of SFCN as their authors publish them: read without running anything, and told apart."""

import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from bids_brainage.errors import ModelError
from bids_brainage.models.cards import InputSpec, ModelCard, names_hash
from bids_brainage.models.sfcn import MODALITY, NETWORKS, SHAPE, Sfcn, SfcnConfig, SfcnNetwork
from bids_brainage.models.user_weights import WeightsFile, identify, joined_hash

logger = logging.getLogger(__name__)
NAME = "sfcn"
SCALING = "mean"
# Ages of the people that the published network was trained on.
TRAINED = (44.0, 80.0)
LIMIT = 0.25
LARGEST = 100_000_000  # bytes; the published files have about 12 MB
HINT = "give the state dict as its authors published it (.p, .pt or .safetensors)"
_BLOCK = re.compile(r"feature_extractor\.conv_(\d)\.([01])\.(.+)")
_PARTS = {"0": "conv", "1": "norm"}
_HEAD = "classifier.conv_6."


def load_sfcn(files: Sequence[Path]) -> tuple[Sfcn, ModelCard]:
    """Load the network for age, and that for sex where its file is given, too.

    Returns
    -------
        The module in evaluation mode, and a card that names the files.

    Raises
    ------
    ModelError
        If a file is no such state dict, or there is not one for age and at most one for sex.
    """
    found: dict[str, tuple[SfcnNetwork, WeightsFile]] = {}
    for path in files:
        network, one = load_network(path)
        if one.tells in found:
            raise ModelError(
                f"two files of weights that tell {one.tells}: {found[one.tells][1].file} and "
                f"{one.file}",
                place="--weights",
                hint="give one for age and, if sex is to be told, one for sex",
            )
        found[one.tells] = network, one
    if "age" not in found:
        raise ModelError(
            "no weights that tell age",
            place="--weights",
            hint="give the file for age; that for sex may stand beside it",
        )
    module = Sfcn(SfcnConfig(tells_sex="sex" in found))
    module.age = found["age"][0]
    if "sex" in found:
        module.sex = found["sex"][0]
    return module.eval(), make_card([found[tells][1] for tells in NETWORKS if tells in found])


def load_network(path: Path, shown: Path | None = None) -> tuple[SfcnNetwork, WeightsFile]:
    """Load one network, for age or for sex.

    Parameters
    ----------
    shown
        Name to tell the user in place of the file's.

    Raises
    ------
    ModelError
        If the file is no such state dict.
    """
    state = read_state(path, shown or path)
    tells = what_it_tells(state, shown or path)
    network = SfcnNetwork(*NETWORKS[tells])
    _fill(network, state, shown or path)
    return network, replace(identify(path, tells), file=(shown or path).name)


def read_state(path: Path, place: Path) -> dict[str, Tensor]:
    """Read a state dict; nothing in the file is executed.

    Parameters
    ----------
    place
        Named in errors.

    Returns
    -------
        Names as published, without the ``module.`` of networks trained in parallel.

    Raises
    ------
    ModelError
        If it is missing, too large, or holds anything but named tensors.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise ModelError("no such file of weights", place=place, hint=HINT) from error
    if size > LARGEST:
        raise ModelError(f"{size} bytes are too many for weights of SFCN", place=place, hint=HINT)
    try:
        content = _content(path)
    except Exception as error:  # of many kinds, as the file may be anything
        reason = str(error).partition("\n")[0][:200] or type(error).__name__
        if "weights_only" in str(error):  # torch advises to read it without
            reason = "no file of torch, or it holds more than tensors; nothing was executed"
        raise ModelError(f"cannot be read as weights: {reason}", place=place, hint=HINT) from error
    if not isinstance(content, Mapping) or not content:
        raise ModelError(
            f"holds {type(content).__name__}, not named tensors", place=place, hint=HINT
        )
    wrong = [str(k) for k, v in content.items() if not (isinstance(k, str) and _plain(v))]
    if wrong:
        raise ModelError(f"{wrong[0]!r} is no tensor of numbers", place=place, hint=HINT)
    found = {name.removeprefix("module."): value for name, value in content.items()}
    if len(found) < len(content):
        raise ModelError("holds tensors both with and without 'module.' before their name",
                         place=place, hint=HINT)  # fmt: skip
    return found


def _content(path: Path) -> Any:
    if path.suffix == ".safetensors":
        return load_file(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.load(path, map_location="cpu", weights_only=True)


def what_it_tells(state: Mapping[str, Tensor], place: Path) -> str:
    """Whether weights tell ``age`` or ``sex``, by the classes of their last layer.

    Raises
    ------
    ModelError
        If they tell neither.
    """
    head = state.get(f"{_HEAD}weight")
    classes = len(head) if head is not None and head.ndim else 0
    for tells, (_, known) in NETWORKS.items():
        if classes == known:
            return tells
    raise ModelError(
        f"{_HEAD}weight has {classes} classes, those for age have 40 and those for sex 2"
        if classes else f"no {_HEAD}weight among the {len(state)} tensors, such as "
        f"{next(iter(state))}",
        place=place, hint=HINT,
    )  # fmt: skip


def make_card(files: Sequence[WeightsFile]) -> ModelCard:
    """Card of the user's weights; its hash is that of all files."""
    for one in files:
        if not one.published:
            logger.warning(
                "%s: git blob %s, SHA-256 %s; it is not among the published files that are known, "
                "so compare it with the one its authors show",
                one.file, one.blob, one.sha256,
            )  # fmt: skip
    return ModelCard(
        name=NAME,
        version=files[0].blob[:12],
        family=NAME,
        description="age, and sex where its weights are given, from a linearly registered T1w",
        inputs={MODALITY: InputSpec((), names_hash(()), shape=SHAPE, zooms=1.0, scaling=SCALING)},
        training=(),
        metrics={},
        bias_correction={},
        age_range={MODALITY: TRAINED},
        sha256=joined_hash([one.sha256 for one in files]),
        config=SfcnConfig(len(files) > 1).as_dict() | {"weights": [asdict(one) for one in files]},
        recipe={},
        seed=0,
        command="",
        versions={},
        use="as the authors of the weights allow",
        out_of_range_limit=LIMIT,
        references=("Peng et al. (2021), 10.1016/j.media.2020.101871",),
        experimental=True,
        default=False,
        caveat="the weights are the user's",
    )


def _plain(value: Any) -> bool:
    if not isinstance(value, Tensor) or value.layout is not torch.strided or value.is_meta:
        return False
    return value.dtype in (
        torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.int64,
    )  # fmt: skip


def _fill(network: SfcnNetwork, state: Mapping[str, Tensor], path: Path) -> None:
    """Put the published names' values into a network.

    Raises
    ------
    ModelError
        If a name is missing or unknown, or a value has another shape or is not finite.
    """
    wanted = network.state_dict()
    own = {_own_name(name): name for name in state}
    # Networks saved before counters existed lack them; they do nothing here.
    missing = [name for name in wanted if name not in own and not name.endswith("tracked")]
    unknown = [theirs for name, theirs in own.items() if name not in wanted]
    if missing or unknown:
        what = [f"{len(missing)} missing, such as {missing[0]}"] if missing else []
        what += [f"{len(unknown)} unknown, such as {unknown[0]}"] if unknown else []
        raise ModelError(f"the tensors are not those of SFCN: {'; '.join(what)}", place=path,
                         hint=HINT)  # fmt: skip
    for name, theirs in own.items():
        value = state[theirs]
        if value.shape != wanted[name].shape:
            raise ModelError(
                f"{theirs} has shape {tuple(value.shape)}, not {tuple(wanted[name].shape)}",
                place=path, hint=HINT,
            )  # fmt: skip
        if not value.isfinite().all():
            raise ModelError(f"{theirs} holds values that are not finite", place=path, hint=HINT)
        wanted[name] = value.to(wanted[name].dtype)
    network.load_state_dict(wanted)


def _own_name(name: str) -> str:
    """Name in our network of a tensor of the published one; unknown ones stay as they are."""
    if match := _BLOCK.fullmatch(name):
        block, part, rest = match.groups()
        return f"blocks.{block}.{_PARTS[part]}.{rest}"
    return f"head.{name.removeprefix(_HEAD)}" if name.startswith(_HEAD) else name
