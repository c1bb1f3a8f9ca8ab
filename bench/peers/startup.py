"""The command line of the Python package: tyro over its config classes. Work is imported inside the commands."""

import typing

import tyro

from startup_config import Activations, Train, Visuals


def activations(cfg: typing.Annotated[Activations, tyro.conf.arg(name="")]):
    """Record the activations of a vision transformer."""


def train(cfg: typing.Annotated[Train, tyro.conf.arg(name="")], sweep: str | None = None):
    """Train SAEs."""


def visuals(cfg: typing.Annotated[Visuals, tyro.conf.arg(name="")]):
    """Show what latents respond to."""


if __name__ == "__main__":
    tyro.extras.subcommand_cli_from_dict({"activations": activations, "train": train, "visuals": visuals})
