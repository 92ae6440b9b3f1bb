"""The example data that come with the package: beside a checkout, or where a wheel puts them."""

import sysconfig
from pathlib import Path

from rgnn_hal.macro.errors import ConfigurationError


def bundled(name: str) -> Path:
    """The path of one file of `examples/data`.

    Raises:
        ConfigurationError: this installation has none.
    """
    folders = (
        Path(__file__).parents[1] / "examples" / "data",
        Path(sysconfig.get_path("data")) / "share" / "rgnn_hal" / "data",
    )
    for folder in folders:
        if (folder / name).is_file():
            return folder / name
    raise ConfigurationError(
        f"the example data {name} are neither in {folders[0]} nor in {folders[1]}; "
        "reinstall rgnn-hal, or work from a clone"
    )
