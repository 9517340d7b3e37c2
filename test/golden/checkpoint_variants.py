"""Which odd checkpoints transformers loads as the plain one: `python test/golden/checkpoint_variants.py` (torch 2.13, transformers 5.24).

Writes checkpoint_variants_golden.json: per variant of tiny_qwen2_untied and tiny_llama3 (tied) whether the logits equal the plain checkpoint's.
The test makes the same variants.
"""
import json
import shutil
import struct
import tempfile
from pathlib import Path

import torch
import transformers
from transformers import AutoModelForCausalLM

HERE = Path(__file__).parent
INDEX = "model.safetensors.index.json"
SHARD = "model-0000{}-of-00002.safetensors"


def read(path: Path) -> tuple[dict, bytes]:
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def write(path: Path, header: dict, body: bytes) -> None:
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + body)


def with_tensors(header: dict, body: bytes, extra: dict) -> tuple[dict, bytes]:
    out = dict(header)
    for name, (dtype, shape, raw) in extra.items():
        out[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(body), len(body) + len(raw)]}
        body += raw
    return out, body


def renamed(header: dict, name_of) -> dict:
    return {name_of(name) if name != "__metadata__" else name: entry for name, entry in header.items()}


def bare(name: str) -> str:
    return name.removeprefix("model.")


def sharded(folder: Path, header: dict, body: bytes, change) -> None:
    names = sorted(name for name in header if name != "__metadata__")
    weight_map = {}
    for shard, part in enumerate((names[::2], names[1::2]), 1):
        taken = {name: (header[name]["dtype"], header[name]["shape"], body[slice(*header[name]["data_offsets"])]) for name in part}
        write(folder / SHARD.format(shard), *with_tensors({}, b"", taken))
        weight_map |= {name: SHARD.format(shard) for name in part}
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": change(weight_map)}))
    (folder / "model.safetensors").unlink()


def single(change):
    def make(folder: Path) -> None:
        path = folder / "model.safetensors"
        write(path, *change(*read(path)))

    return make


def in_shards(change):
    return lambda folder: sharded(folder, *read(folder / "model.safetensors"), change)


FIRST = SHARD.format(1)
NEWER = {"a": ("F8_E8M0", [4], b"1234"), "b": ("F4", [2, 2], b"12"), "c": ("C64", [1], b"12345678"), "d": ("F6_E2M3", [4], b"123"),
         "e": ("F8_E4M3", [2], b"12"), "f": ("F8_E5M2FNUZ", [2], b"12")}  # fmt: skip
VARIANTS = {
    "names without model.": single(lambda header, body: (renamed(header, bare), body)),
    "some names without model.": single(lambda header, body: (renamed(header, lambda name: bare(name) if "layers.0" in name else name), body)),
    "metadata null": single(lambda header, body: ({**header, "__metadata__": None}, body)),
    "no metadata": single(lambda header, body: ({k: v for k, v in header.items() if k != "__metadata__"}, body)),
    "unused tensors of newer dtypes": single(lambda header, body: with_tensors(header, body, NEWER)),
    "an index with stale entries": in_shards(
        lambda names: {**names, "model.layers.0.self_attn.rotary_emb.inv_freq": FIRST, "model.gone.weight": FIRST}
    ),
    "an index that names a tied head": in_shards(lambda names: {**names, "lm_head.weight": names.get("lm_head.weight", FIRST)}),
    "an index that names another shard": in_shards(lambda names: {**names, "model.norm.weight": SHARD.format(1), "model.layers.0.mlp.up_proj.weight": SHARD.format(2)}),
    "an index that names too few": in_shards(lambda names: {name: file for name, file in names.items() if "layers.1" not in name}),
}


def logits(folder: Path) -> torch.Tensor:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    with torch.no_grad():
        return model(torch.tensor([[1, 5, 3, 9, 2]])).logits


out = {"source": f"transformers {transformers.__version__}", "equal": {}}
for base in ("tiny_qwen2_untied", "tiny_llama3"):
    plain = logits(HERE / base)
    for name, make in VARIANTS.items():
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary) / base
            shutil.copytree(HERE / base, folder)
            make(folder)
            try:
                out["equal"][f"{base}: {name}"] = bool(torch.equal(logits(folder), plain))
            except Exception as error:  # noqa: BLE001
                print(name, error)
                out["equal"][f"{base}: {name}"] = False
(HERE / "checkpoint_variants_golden.json").write_text(json.dumps(out, indent=1) + "\n")
