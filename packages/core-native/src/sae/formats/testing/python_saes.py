"""
Reads and writes SAEs with SAELens, sparsify and dictionary_learning themselves, for python-packages.test.ts.

    python_saes.py FOLDER

FOLDER/x.safetensors holds `x` [rows, 6], FOLDER/jobs.json a list of {"package", "dir"}: checkpoints that saev wrote. Each
is loaded by its package, which encodes x into dir.out.safetensors (`f` [rows, 18] and `x_hat` [rows, 6]) and saves it again
into dir.again. SAEs made there go to FOLDER/made/PACKAGE/NAME, what they make of x into NAME.out.safetensors beside it.
"""

import importlib.util
import json
import pathlib
import sys
import types

import torch
from safetensors.torch import load_file, save_file

import sae_lens
import sparsify

# The package's own classes; its __init__, which asks for libraries that run language models, is passed over.
_SPEC = importlib.util.find_spec("dictionary_learning")
_PACKAGE = types.ModuleType("dictionary_learning")
_PACKAGE.__path__ = list(_SPEC.submodule_search_locations)
sys.modules["dictionary_learning"] = _PACKAGE

from dictionary_learning import dictionary  # noqa: E402
from dictionary_learning.trainers import batch_top_k, matryoshka_batch_top_k, top_k  # noqa: E402

torch.set_num_threads(1)
D_VIT, D_SAE, K = 6, 18, 4
CLASSES = {
    name: value
    for module in (dictionary, top_k, batch_top_k, matryoshka_batch_top_k)
    for name, value in vars(module).items()
}


def note(x, sae, folder, encode=None):
    with torch.no_grad():
        f = encode(sae, x) if encode else sae.encode(x)
        x_hat = sae.decode(f) if encode is None else f @ sae.W_dec + sae.b_dec
        out = {"f": f.to_dense().contiguous(), "x_hat": x_hat.contiguous()}
    save_file(out, f"{folder}.out.safetensors")


def filled(sae, spread=1.0):
    """Its parameters random, but for a threshold, which is above 0."""
    with torch.no_grad():
        for name, p in sae.named_parameters():
            p.copy_(torch.randn_like(p) * spread)
            if "threshold" in name:
                p.abs_().mul_(0.3)
    return sae


class SAELens:
    def load(folder):
        return sae_lens.SAE.load_from_disk(folder)

    note = staticmethod(note)

    def save(sae, folder):
        sae.save_model(folder)

    def make(x, root):
        for centred in (True, False):
            common = dict(d_in=D_VIT, d_sae=D_SAE, apply_b_dec_to_input=centred)
            saes = {
                "standard": sae_lens.StandardSAE(sae_lens.StandardSAEConfig(**common)),
                "jumprelu": sae_lens.JumpReLUSAE(sae_lens.JumpReLUSAEConfig(**common)),
                "gated": sae_lens.GatedSAE(sae_lens.GatedSAEConfig(**common)),
                "topk": sae_lens.TopKSAE(sae_lens.TopKSAEConfig(k=K, **common)),
                "topk-rescaled": sae_lens.TopKSAE(
                    sae_lens.TopKSAEConfig(k=K, rescale_acts_by_decoder_norm=True, **common)
                ),
                # Its factor must be folded in, which is how SAELens hands on a trained SAE.
                "folded": sae_lens.StandardSAE(
                    sae_lens.StandardSAEConfig(normalize_activations="expected_average_only_in", **common)
                ),
            }
            for name, sae in saes.items():
                filled(sae)
                if name == "folded":
                    sae.fold_activation_norm_scaling_factor(1.7)
                folder = root / f"{name}-{'centred' if centred else 'raw'}"
                note(x, sae, folder)
                sae.save_model(folder)
        # Kinds of training, saved for inference: as jumprelu.
        trained = dict(d_in=D_VIT, d_sae=D_SAE, k=K, decoder_init_norm=None, rescale_acts_by_decoder_norm=False)
        for name, sae in {
            "batchtopk": sae_lens.BatchTopKTrainingSAE(sae_lens.BatchTopKTrainingSAEConfig(**trained)),
            "matryoshka": sae_lens.MatryoshkaBatchTopKTrainingSAE(
                sae_lens.MatryoshkaBatchTopKTrainingSAEConfig(matryoshka_widths=[3, 9, 18], **trained)
            ),
        }.items():
            filled(sae).topk_threshold.fill_(0.8)
            sae.save_inference_model(root / name)
            note(x, sae_lens.SAE.load_from_disk(root / name), root / name)


class Sparsify:
    def load(folder):
        return sparsify.SparseCoder.load_from_disk(folder)

    def note(x, sae, folder):
        def encode(sae, x):
            out = sae.encode(x)
            return torch.zeros(x.shape[0], D_SAE).scatter_(1, out.top_indices, out.top_acts)

        note(x, sae, folder, encode)

    def save(sae, folder):
        sae.save_to_disk(folder)

    def make(x, root):
        for name, more in {"topk": {}, "unit-decoder": {"normalize_decoder": True}}.items():
            cfg = {"num_latents": D_SAE, "k": K, "normalize_decoder": False, **more}
            sae = filled(sparsify.SparseCoder(D_VIT, sparsify.SparseCoderConfig(**cfg)))
            if more:
                sae.set_decoder_norm_to_unit_norm()
            Sparsify.note(x, sae, root / name)
            sae.save_to_disk(root / name)


class DictionaryLearning:
    note = staticmethod(note)

    def load(folder):
        trainer = json.loads(pathlib.Path(folder, "config.json").read_text())["trainer"]
        more = {"k": trainer["k"]} if "k" in trainer else {}
        sae = CLASSES[trainer["dict_class"]].from_pretrained(folder + "/ae.pt", **more)
        sae.written = {key: trainer[key] for key in ("k", "group_sizes") if key in trainer}
        return sae

    def save(sae, folder):
        folder = pathlib.Path(folder)
        folder.mkdir()
        torch.save(sae.state_dict(), folder / "ae.pt")
        trainer = {"dict_class": type(sae).__name__, "activation_dim": D_VIT, "dict_size": D_SAE, **sae.written}
        (folder / "config.json").write_text(json.dumps({"trainer": trainer, "buffer": {}}))

    def make(x, root):
        for name, sae, threshold in (
            # Decoder rows of any norm: loading it divides by them.
            ("autoencoder", CLASSES["AutoEncoder"](D_VIT, D_SAE), None),
            ("autoencoder-new", CLASSES["AutoEncoderNew"](D_VIT, D_SAE), None),
            ("gated", CLASSES["GatedAutoEncoder"](D_VIT, D_SAE), None),
            ("topk", CLASSES["AutoEncoderTopK"](D_VIT, D_SAE, K), None),
            ("batchtopk", CLASSES["BatchTopKSAE"](D_VIT, D_SAE, K), 0.8),
            ("batchtopk-new", CLASSES["BatchTopKSAE"](D_VIT, D_SAE, K), None),
            ("matryoshka", CLASSES["MatryoshkaBatchTopKSAE"](D_VIT, D_SAE, K, [3, 6, 9]), 0.8),
            ("matryoshka-new", CLASSES["MatryoshkaBatchTopKSAE"](D_VIT, D_SAE, K, [3, 6, 9]), None),
            ("jumprelu", CLASSES["JumpReluAutoEncoder"](D_VIT, D_SAE), None),
        ):
            filled(sae)
            if threshold is not None:
                sae.threshold.fill_(threshold)
            sae.written = {"k": K} if "topk" in name or "matryoshka" in name else {}
            DictionaryLearning.save(sae, root / name)
            note(x, DictionaryLearning.load(str(root / name)), root / name)


PACKAGES = {"saelens": SAELens, "sparsify": Sparsify, "dictionary-learning": DictionaryLearning}


def main(root):
    torch.manual_seed(0)
    x = load_file(root / "x.safetensors")["x"]
    for job in json.loads((root / "jobs.json").read_text()):
        package, folder = PACKAGES[job["package"]], job["dir"]
        sae = package.load(folder)
        package.note(x, sae, folder)
        package.save(sae, folder + ".again")
    for name, package in PACKAGES.items():
        made = root / "made" / name
        made.mkdir(parents=True)
        package.make(x, made)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
