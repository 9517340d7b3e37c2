"""Three steps of supervised fine-tuning, GRPO and DPO by TRL's own trainers: losses, gradient norms, metrics, and the adapter after them.

Usage: python test/golden/updates.py          (trl 1.16, torch 2.13 CPU, transformers 5.23, peft 0.21, f32, one thread)

SFTTrainer, GRPOTrainer and DPOTrainer run their whole `train()` on `tiny_qwen2` with LoRA and torch's AdamW at eps 1e-6; only the order of
the data is set from outside. Runs that are `continued` hand the trainer what PeftModel.from_pretrained reads from a folder, as one does to go on with
an adapter: TRL then holds it to a frozen copy of itself named "ref", the others to the base with the adapter off. Writes updates_golden.json and
updates.safetensors.
"""

import json
import os
import tempfile

from updates_inputs import GROUP, HERE, LORA, bare, base_model, load_start, make_sequences, of_last_turn, own, prompt_length, tokenizer  # before trl: it takes this folder off the path

import torch
import trl
from datasets import Dataset
from peft import PeftModel, get_peft_model, get_peft_model_state_dict
from safetensors.torch import save_file
from torch.utils.data import SequentialSampler
from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

# Hone's orders, seed 5: the pairs of each step, what rejection sampling keeps, and the attempts of both updates of each of GRPO's batches.
PAIRS = [[3, 5, 1, 2], [8, 10, 6, 7], [9, 0, 11, 4]]
KEPT = [21, 16, 17, 9, 13, 1, 14, 12, 2, 6, 5, 22, 8, 18, 4, 20, 0, 10]
PARTS = [[[1, 5, 6, 0], [2, 7, 4, 3]], [[4, 2, 3, 6], [5, 1, 7, 0]], [[2, 0, 7, 3], [5, 4, 1, 6]]]
SHARED = dict(
    output_dir=tempfile.mkdtemp(), logging_steps=1, save_strategy="no", report_to=[], use_cpu=True, bf16=False, optim="adamw_torch", adam_epsilon=1e-6,
    gradient_checkpointing=False, remove_unused_columns=False, disable_tqdm=True, seed=5,
)
SKIP = {"epoch", "step", "step_time", "train_runtime", "train_loss", "total_flos", "num_input_tokens_seen"}


class InOrder:
    def _get_train_sampler(self, dataset=None):
        return SequentialSampler(self.train_dataset)


class InOrderSFT(InOrder, SFTTrainer):
    pass


class InOrderDPO(InOrder, DPOTrainer):
    pass


def handed(continued):
    """What a trainer is given: the base and the shape of a new adapter, or an adapter to go on with."""
    if not continued:
        return dict(model=base_model(), peft_config=LORA)
    with tempfile.TemporaryDirectory() as folder:
        model = get_peft_model(base_model(), LORA)
        load_start(model)
        model.save_pretrained(folder)
        return dict(model=PeftModel.from_pretrained(base_model(), folder, is_trainable=True))


def trained(trainer, continued=False):
    """Logs of every update, and the adapter."""
    if continued:
        # Held to a copy where there is a reference at all.
        assert ("ref" in trainer.model.peft_config) == (getattr(trainer, "beta", 0) > 0)
    else:
        load_start(trainer.model)
    trainer.train()
    logs = [{k: v for k, v in entry.items() if k not in SKIP and isinstance(v, (int, float))} for entry in trainer.state.log_history if "loss" in entry]
    return logs, {bare(k): v.contiguous().clone() for k, v in get_peft_model_state_dict(trainer.model).items()}


def sft(sequences, settings, micros=2, mask=own, continued=False, **options):
    """Three updates of six sequences, in so many micro-batches."""
    args = SFTConfig(per_device_train_batch_size=6 // micros, gradient_accumulation_steps=micros, max_steps=3, completion_only_loss=True, shuffle_dataset=False, **settings, **options, **SHARED)
    data = Dataset.from_list([{"input_ids": s["ids"], "completion_mask": mask(s)} for s in sequences])
    return trained(InOrderSFT(args=args, train_dataset=data, processing_class=tokenizer(), **handed(continued)), continued)


def grpo(sequences, settings, parts=1, continued=False):
    """Three batches of two groups, each gone over twice; or once, in so many parts with an update each."""
    calls = []
    orders = iter(PARTS)
    shuffle = trl.trainer.grpo_trainer.shuffle_sequence_dict

    def in_order(batch):
        places = torch.tensor(sum(next(orders), []))
        return {k: v[places] if isinstance(v, torch.Tensor) and v.ndim > 0 else [v[p] for p in places] if isinstance(v, list) else v for k, v in batch.items()}

    def rollout(prompts, trainer):
        batch = sequences[8 * len(calls) : 8 * len(calls) + 8]
        calls.append(len(prompts))
        starts = [prompt_length(s) for s in batch]
        return {
            "prompt_ids": [s["ids"][:n] for s, n in zip(batch, starts)], "completion_ids": [s["ids"][n:] for s, n in zip(batch, starts)],
            "logprobs": [[0.0] * (len(s["ids"]) - n) for s, n in zip(batch, starts)], "env_mask": [own(s)[n:] for s, n in zip(batch, starts)],
            "outcome": [s["rewards"][-1] for s in batch],
        }

    def outcomes(completions, outcome, **_):
        return outcome

    cut = dict(per_device_train_batch_size=8 // parts, steps_per_generation=parts, num_iterations=2 // parts)
    args = GRPOConfig(num_generations=GROUP, gradient_accumulation_steps=1, max_steps=6, **cut, **settings, **SHARED)
    data = Dataset.from_list([{"prompt": f"t{i + 2}"} for i in range(6)])
    trainer = GRPOTrainer(reward_funcs=outcomes, args=args, train_dataset=data, processing_class=tokenizer(), rollout_func=rollout, **handed(continued))
    if parts > 1:
        trl.trainer.grpo_trainer.shuffle_sequence_dict = in_order
    logs, weights = trained(trainer, continued)
    trl.trainer.grpo_trainer.shuffle_sequence_dict = shuffle
    assert calls == [8, 8, 8]
    return logs, weights


class MaskedPreference(DataCollatorForPreference):
    """TRL's collator, which takes every token after the prompt for the answer: replies of tools are masked afterwards."""

    def torch_call(self, examples):
        output = super().torch_call(examples)
        for row, mask in enumerate([e["chosen_mask"] for e in examples] + [e["rejected_mask"] for e in examples]):
            output["completion_mask"][row, : len(mask)] *= torch.tensor(mask)
        return output


def dpo(sequences, settings, micros=2, continued=False):
    """Three updates of four pairs, in so many micro-batches; pair p is trajectories 2p and 2p + 1."""
    args = DPOConfig(per_device_train_batch_size=4 // micros, gradient_accumulation_steps=micros, max_steps=3, max_length=None, **settings, **SHARED)
    rows = []
    for pair in sum(PAIRS, []):
        chosen, rejected = sequences[2 * pair], sequences[2 * pair + 1]
        start = prompt_length(chosen)
        assert chosen["ids"][:start] == rejected["ids"][:start]
        rows.append({"prompt": "t2", "chosen": "t2", "rejected": "t2", "chosen_mask": own(chosen), "rejected_mask": own(rejected)})
        rows[-1] |= {"prompt_ids": chosen["ids"][:start], "chosen_ids": chosen["ids"][start:], "rejected_ids": rejected["ids"][start:]}
    data = Dataset.from_list(rows)
    DPOTrainer._prepare_dataset = lambda self, dataset, *a, **k: dataset
    trainer = InOrderDPO(args=args, train_dataset=data, processing_class=tokenizer(), data_collator=MaskedPreference(pad_token_id=0), **handed(continued))
    return trained(trainer, continued)


def main():
    sequences = make_sequences()
    clipped = dict(learning_rate=2e-3, max_grad_norm=1.0, weight_decay=0.01)
    runs = {
        "sft": (sft, sequences[:18], dict(lr_scheduler_type="cosine", warmup_steps=1, **clipped), {}),
        "sft, packed": (sft, sequences[:18], dict(learning_rate=2e-3, max_grad_norm=0.0, weight_decay=0.0, lr_scheduler_type="linear", warmup_steps=1), dict(micros=1, padding_free=True, max_length=None)),
        "sft, last turn": (sft, sequences[:18], dict(lr_scheduler_type="constant", warmup_steps=0, **clipped), dict(mask=of_last_turn)),
        "rft": (sft, [sequences[i] for i in KEPT], dict(lr_scheduler_type="constant", warmup_steps=0, **clipped), {}),
        "grpo": (grpo, sequences, dict(loss_type="dapo", epsilon_high=0.28, beta=0.02, lr_scheduler_type="linear", **clipped), {}),
        "grpo, dr_grpo": (grpo, sequences, dict(loss_type="dr_grpo", scale_rewards="none", max_completion_length=16, beta=0.0, lr_scheduler_type="constant", **clipped), {}),
        "grpo, in parts": (grpo, sequences, dict(loss_type="dapo", beta=0.0, lr_scheduler_type="linear", **clipped), dict(parts=2)),
        "dpo": (dpo, sequences, dict(beta=0.3, lr_scheduler_type="linear", **clipped), {}),
        "dpo, ipo": (dpo, sequences, dict(beta=0.3, loss_type="ipo", lr_scheduler_type="cosine", **clipped), {}),
        "dpo, whole": (dpo, sequences, dict(beta=0.3, lr_scheduler_type="linear", **clipped), dict(micros=1)),
        "sft, continued": (sft, sequences[:18], dict(lr_scheduler_type="cosine", warmup_steps=1, **clipped), dict(continued=True)),
        "grpo, continued": (grpo, sequences, dict(loss_type="grpo", beta=0.2, lr_scheduler_type="linear", **clipped), dict(continued=True)),
        "dpo, continued": (dpo, sequences, dict(beta=0.3, lr_scheduler_type="linear", **clipped), dict(continued=True)),
    }
    golden, weights = {"source": f"trl {trl.__version__}", "sequences": sequences, "pairs": PAIRS, "kept": KEPT, "parts": PARTS, "runs": {}}, {}
    for name, (run, data, settings, options) in runs.items():
        logs, adapter = run(data, settings, **options)
        golden["runs"][name] = {"settings": settings, "logs": logs}
        weights |= {f"{name}.{k}": v for k, v in adapter.items()}
        print(name, [(entry["loss"], entry["grad_norm"]) for entry in logs], sorted(logs[0]))
    save_file(weights, os.path.join(HERE, "updates.safetensors"), {"format": "pt"})
    with open(os.path.join(HERE, "updates_golden.json"), "w") as f:
        json.dump(golden, f, separators=(",", ":"))
        f.write("\n")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
