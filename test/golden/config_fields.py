"""Field names of other programs' configurations, read from their packages' source: `python test/golden/config_fields.py`.

Downloads the wheels named below (pip download --no-deps) and reads dataclass fields from the syntax tree, so that neither torch nor the
packages themselves are installed. Needs PyYAML. Writes trl_fields.json and verl_fields.json beside this file.
"""
import ast
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import yaml

HERE = Path(__file__).parent
TRL, TRL_CLASSIC, TRANSFORMERS, PEFT, VERL = "trl==1.16.0", "trl==0.11.4", "transformers==5.23.0", "peft==0.21.2", "verl==0.9.1"


def source(requirement: str, folder: Path) -> Path:
    """The unpacked wheel."""
    target = folder / requirement
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", str(target), requirement]
    subprocess.run(command, check=True)
    with zipfile.ZipFile(next(target.glob("*.whl"))) as wheel:
        wheel.extractall(target)
    return target


def fields(*places: tuple[Path, str]) -> list[str]:
    """Annotated names of the classes: a dataclass and those it inherits from, each with its file."""
    names: list[str] = []
    for path, wanted in places:
        tree = ast.parse(path.read_text())
        body = next(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == wanted)
        names += [node.target.id for node in body if isinstance(node, ast.AnnAssign)]
    return sorted({name for name in names if not name.startswith("_")})


def value_head_arguments(path: Path) -> list[str]:
    """`supported_args` of AutoModelForCausalLMWithValueHead, and the argument of from_pretrained it takes from PreTrainedModelWrapper."""
    tree = ast.parse(path.read_text())
    body = next(n.body for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name == "AutoModelForCausalLMWithValueHead")
    tuples = [n.value for n in body if isinstance(n, ast.Assign) and getattr(n.targets[0], "id", "") == "supported_args"]
    wrapper = ast.parse((path.parent / "modeling_base.py").read_text())
    method = next(n for n in ast.walk(wrapper) if isinstance(n, ast.FunctionDef) and n.name == "from_pretrained")
    arguments = [argument.arg for argument in method.args.args if argument.arg == "pretrained_model_name_or_path"]
    return sorted(arguments + [element.value for element in tuples[0].elts])


def dotted(value: object, prefix: str = "") -> list[str]:
    """Names of the leaves of a nested configuration; a list, null or an empty mapping is a leaf."""
    if not isinstance(value, dict) or not value:
        return [prefix]
    return [name for key, inner in value.items() for name in dotted(inner, f"{prefix}.{key}" if prefix else str(key))]


def write(name: str, content: dict) -> None:
    (HERE / name).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")


with tempfile.TemporaryDirectory() as temporary:
    folder = Path(temporary)
    trl = source(TRL, folder) / "trl/trainer"
    training_arguments = (source(TRANSFORMERS, folder) / "transformers/training_args.py", "TrainingArguments")
    base = (trl / "base_config.py", "_BaseConfig")
    classic = source(TRL_CLASSIC, folder) / "trl"
    peft = source(PEFT, folder) / "peft"
    lora = [(peft / "tuners/lora/config.py", "LoraConfig"), (peft / "config.py", "PeftConfig"), (peft / "config.py", "PeftConfigMixin")]
    write(
        "trl_fields.json",
        {
            "versions": [TRL, TRL_CLASSIC, TRANSFORMERS, PEFT],
            TRL: {
                "SFTConfig": fields((trl / "sft_config.py", "SFTConfig"), base, training_arguments),
                "DPOConfig": fields((trl / "dpo_config.py", "DPOConfig"), base, training_arguments),
                "GRPOConfig": fields((trl / "grpo_config.py", "GRPOConfig"), base, training_arguments),
                "ModelConfig": fields((trl / "model_config.py", "ModelConfig")),
            },
            TRL_CLASSIC: {
                "PPOConfig": fields((classic / "trainer/ppo_config.py", "PPOConfig")),
                "LoraConfig": fields(*lora),
                "AutoModelForCausalLMWithValueHead": value_head_arguments(classic / "models/modeling_value_head.py"),
            },
        },
    )
    # The whole configuration of verl.trainer.main_ppo, as verl's own script flattens its defaults list.
    ppo = yaml.safe_load((source(VERL, folder) / "verl/trainer/config/_generated_ppo_trainer.yaml").read_text())
    names = [name for name in dotted(ppo) if not name.endswith("_target_")]
    write("verl_fields.json", {"versions": [VERL], VERL: sorted(names)})
