"""What the name of a base model means: the built-in one, a checkpoint folder, or one of the hub's.

The one place that decides it; loading, cache, fingerprint, checks and exports ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainables.base_models.file_faults import read_object
from trainables.contract.configuration import BUILT_IN_MODELS, EMBEDDED, EMBEDDED_CAUSAL
from trainables.contract.errors import NO_DOWNLOAD
from trainables.contract.json_values import kind
from trainables.runtime.local_paths import is_file, is_folder, local_path

EMBEDDED_FOLDER = Path(__file__).parents[1] / "embedded" / "base"
EMBEDDED_CAUSAL_FOLDER = Path(__file__).parents[1] / "embedded" / "base_causal"
SET_A_FOLDER = "--set base_model=FOLDER"
"""The option of a sweep that says where a base model lies."""
GIVE_A_FOLDER = f"give a checkpoint folder with `{SET_A_FOLDER}`"
GIVE_A_CHECKPOINT = "give a folder as `save_pretrained` writes it for model and tokenizer"
ADAPTER = "adapter_config.json"
ADAPTED = (
    "has an adapter beside its weights, which transformers would put on it: move"
    " adapter_config.json out of the folder, or merge the adapter (`merge_and_unload`)"
)
"""Why a base model that has an `ADAPTER` cannot be used; goes on from its name."""
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
_PLACES = "weight_map"


@dataclass(frozen=True)
class Location:
    """Where the files of a base model lie.

    Attributes:
        name: As the user gave it.
        folder: The checkpoint folder, absolute, whether it is there or not; None on the hub.
        revision: Git revision on the hub; None elsewhere, where there are none.
    """

    name: str
    folder: Path | None
    revision: str | None

    @property
    def is_embedded(self) -> bool:
        """Whether it is a built-in base model."""
        return self.name in BUILT_IN_MODELS

    @property
    def is_on_hub(self) -> bool:
        """Whether the name is an identifier of the hub."""
        return self.folder is None

    @property
    def source(self) -> str:
        """What `from_pretrained` takes for it."""
        return self.name if self.folder is None else str(self.folder)

    @property
    def obstacle(self) -> str | None:
        """Why there is no folder where there must be one, with the remedy; None if all is well."""
        if self.folder is None or is_folder(self.folder):
            return None
        if self.is_embedded:
            return f"The built-in base model is not in {self.folder}: install the package again."
        return (
            f'The base model "{self.name}" is not a folder: {GIVE_A_FOLDER}; or an identifier of'
            f" the Hugging Face hub; or {NO_DOWNLOAD}."
        )

    def file(self, name: str) -> Path | None:
        """Returns where a file of the checkpoint lies on this machine, None if it does not."""
        if self.folder is None:
            # Half a second to import, for which who reads results has no use.
            from trainables.runtime.hub import cached_file

            return cached_file(self.name, name, self.revision)
        path = self.folder / name
        return path if is_file(path) else None

    @property
    def has_weights(self) -> bool:
        """Whether there are weights, or an index of them."""
        return any(self.file(file) is not None for file in (WEIGHTS, WEIGHTS_INDEX))

    def weights(self) -> tuple[str, ...]:
        """Returns the names of the files that hold the weights, whether they are there or not.

        Returns:
            `WEIGHTS`, or the files that an index names, sorted; nothing where neither is here.

        Raises:
            ValueError: The index cannot be read; the message goes on from the model's name.
        """
        if self.file(WEIGHTS) is not None:
            return (WEIGHTS,)
        index = self.file(WEIGHTS_INDEX)
        if index is None:
            return ()
        try:
            places = read_object(index, GIVE_A_CHECKPOINT).get(_PLACES)
        except ValueError as error:
            raise ValueError(f"has a {WEIGHTS_INDEX} that cannot be read: {error}") from error
        if not isinstance(places, dict) or not places:
            raise ValueError(
                f'has a {WEIGHTS_INDEX} without "{_PLACES}", an object that names the file of each'
                f" weight: {GIVE_A_CHECKPOINT}"
            )
        for weight, shard in places.items():
            if not isinstance(shard, str) or not shard:
                raise ValueError(
                    f'has a {WEIGHTS_INDEX} in which "{_PLACES}" gives {kind(shard)} for {weight},'
                    f" not the name of a file: {GIVE_A_CHECKPOINT}"
                )
        return tuple(sorted(set(places.values())))


def stored_name(name: str) -> str:
    """Returns the name under which a base model is put on record: good in every folder.

    Args:
        name: As the user gave it.

    Returns:
        The absolute path of a folder; what is built in or on the hub keeps its name.
    """
    location = locate(name)
    return name if location.is_embedded or location.folder is None else str(location.folder)


def locate(name: str, revision: str | None = None) -> Location:
    """Returns where a base model lies.

    Args:
        name: That of a built-in one, a checkpoint folder, or an identifier of the hub. What lies on
            this machine goes before the hub.
        revision: Git revision on the hub; of no use for the other two.
    """
    built_in = {EMBEDDED: EMBEDDED_FOLDER, EMBEDDED_CAUSAL: EMBEDDED_CAUSAL_FOLDER}
    folder = built_in.get(name) or local_path(name)
    if folder is None:
        return Location(name, None, revision)
    return Location(name, folder.absolute(), None)
