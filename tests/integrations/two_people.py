"""Two preprocessed people of one session each, for other engines to run the App on."""

import sys
from pathlib import Path

from bids_brainage.models.store import load_model
from tests.people import Person, network_series, write_dataset


def write_two_people(root: Path) -> Path:
    """Write a dataset as other engines want it: with sessions, and a file in each."""
    typical = dict(load_model("mavae")[1].inputs["morphometry"].typical)
    larger = {name: 1.03 * value for name, value in typical.items()}
    people = [
        Person("01", "1", age="30", sex="F", measures=typical, series=network_series(1)),
        Person("02", "1", age="41", sex="M", measures=larger),
    ]
    write_dataset(root, people)
    for person in people:
        anat = root / person.folder / "anat"
        anat.mkdir()
        (anat / f"{person.stem}_T1w.json").write_text("{}\n")
    return root


if __name__ == "__main__":
    write_two_people(Path(sys.argv[1]))
