"""The config classes of the Python package, by its published document: names, types and defaults."""

import dataclasses
import os
import typing

import beartype


def config(cls):
    """How the package declares every class."""
    return beartype.beartype(dataclasses.dataclass(frozen=True, slots=True)(cls))


@config
class ImagenetDataset:
    name: str = "ILSVRC/imagenet-1k"
    """Dataset on the Hugging Face hub."""
    split: str = "train"
    """Split to read."""


@config
class ImageFolderDataset:
    root: str = os.path.join(".", "data", "split")
    """Folder that holds the class folders."""


@config
class Ade20kDataset:
    root: str = os.path.join(".", "data", "ade20k")
    """Folder of the dataset."""
    split: typing.Literal["training", "validation"] = "training"
    """Split to read."""


Dataset = ImagenetDataset | ImageFolderDataset | Ade20kDataset


@config
class Activations:
    data: Dataset = dataclasses.field(default_factory=ImagenetDataset)
    """Images to run the ViT on."""
    dump_to: str = os.path.join(".", "shards")
    """Folder for the shards."""
    vit_family: typing.Literal["clip", "siglip", "dinov2"] = "clip"
    """Family of the ViT."""
    vit_ckpt: str = "ViT-L-14/openai"
    """Checkpoint of that family."""
    vit_batch_size: int = 1024
    """Images per forward pass."""
    n_workers: int = 8
    """Processes that decode images."""
    d_vit: int = 1024
    """Width of the activations."""
    vit_layers: list[int] = dataclasses.field(default_factory=lambda: [-2])
    """Layers to record."""
    n_patches_per_img: int = 256
    """Patches per image."""
    cls_token: bool = True
    """Whether the ViT has a CLS token."""
    n_patches_per_shard: int = 2_400_000
    """Activations per shard file."""
    seed: int = 42
    """Seed."""
    ssl: bool = True
    """Whether downloads verify certificates."""
    device: str = "cuda"
    """Device to run on."""
    n_hours: float = 24.0
    """Length of the Slurm job in hours."""
    slurm_acct: str = ""
    """Slurm account."""
    slurm_partition: str = ""
    """Slurm partition."""
    log_to: str = "./logs"
    """Folder for the Slurm job's output."""


@config
class DataLoad:
    shard_root: str = os.path.join(".", "shards")
    """Shard folder."""
    patches: typing.Literal["cls", "patches", "meanpool"] = "patches"
    """Which tokens of an image to use."""
    layer: int | typing.Literal["all", "meanpool"] = -2
    """Which recorded layer to use."""
    clamp: float = 1e5
    """Largest magnitude of an activation."""
    n_random_samples: int = 2**19
    """Activations sampled for mean and norm."""
    scale_mean: bool | str = True
    """Whether to subtract the mean, or a file of it."""
    scale_norm: bool | str = True
    """Whether to scale the norm, or a file of it."""


@config
class Relu:
    d_vit: int = 1024
    """Width of the activations."""
    exp_factor: int = 16
    """Latents per activation dimension."""
    n_reinit_samples: int = 1024 * 16 * 32
    """Activations whose mean b_dec starts from."""
    remove_parallel_grads: bool = True
    """Whether parallel gradients are removed."""
    normalize_w_dec: bool = True
    """Whether W_dec keeps unit norm."""
    seed: int = 0
    """Seed of the weights."""


@config
class JumpRelu:
    pass


@config
class Vanilla:
    sparsity_coeff: float = 4e-4
    """Weight of the sparsity term."""


@config
class Matryoshka:
    n_prefixes: int = 10
    """Random prefixes per step."""


@config
class Train:
    data: DataLoad = dataclasses.field(default_factory=DataLoad)
    """Data."""
    n_workers: int = 32
    """Loading processes."""
    n_patches: int = 100_000_000
    """Training examples."""
    sae: Relu | JumpRelu = dataclasses.field(default_factory=Relu)
    """The SAE."""
    objective: Vanilla | Matryoshka = dataclasses.field(default_factory=Vanilla)
    """The loss."""
    n_sparsity_warmup: int = 0
    """Warm-up steps of the sparsity coefficient."""
    lr: float = 0.0004
    """Learning rate."""
    n_lr_warmup: int = 500
    """Warm-up steps of the learning rate."""
    sae_batch_size: int = 1024 * 16
    """Examples per step."""
    track: bool = True
    """Whether metrics are tracked."""
    wandb_project: str = "saev"
    """Project of the tracker."""
    tag: str = ""
    """Tag of the run."""
    log_every: int = 25
    """Steps between entries."""
    ckpt_path: str = os.path.join(".", "checkpoints")
    """Folder for checkpoints."""
    device: typing.Literal["cuda", "cpu"] = "cuda"
    """Device."""
    seed: int = 42
    """Seed."""
    slurm_acct: str = ""
    """Slurm account."""
    slurm_partition: str = ""
    """Slurm partition."""
    n_hours: float = 24.0
    """Length of the Slurm job in hours."""
    log_to: str = os.path.join(".", "logs")
    """Folder for the Slurm job's output."""


@config
class Visuals:
    ckpt: str = os.path.join(".", "checkpoints", "sae.pt")
    """The SAE."""
    data: DataLoad = dataclasses.field(default_factory=DataLoad)
    """Data."""
    images: Dataset = dataclasses.field(default_factory=ImagenetDataset)
    """Images to show."""
    top_k: int = 128
    """Images per latent."""
    n_workers: int = 16
    """Loading processes."""
    topk_batch_size: int = 1024 * 16
    """Examples per top-k step."""
    sae_batch_size: int = 1024 * 16
    """Examples per forward pass."""
    epsilon: float = 1e-9
    """Added before each logarithm."""
    sort_by: typing.Literal["cls", "img", "patch"] = "patch"
    """What ranks the images."""
    device: str = "cuda"
    """Device."""
    dump_to: str = os.path.join(".", "data")
    """Folder for the results."""
    log_freq_range: tuple[float, float] = (-6.0, -2.0)
    """Range of log10 frequency."""
    log_value_range: tuple[float, float] = (-1.0, 1.0)
    """Range of log10 mean value."""
    include_latents: list[int] = dataclasses.field(default_factory=list)
    """Latents to show in any case."""
    n_distributions: int = 25
    """Latents with distributions."""
    percentile: int = 99
    """Percentile to estimate."""
    n_latents: int = 400
    """Most latents to show."""
    seed: int = 42
    """Seed."""
