"""The same studies in nnsight, TransformerLens and plain transformers, as `bench/peers/run.ts` asks for them: a line of JSON each, on stdin.

python -m venv peers && peers/bin/pip install -r bench/peers/requirements.txt
"""

import importlib.metadata
import json
import sys
import time
import warnings

import nnsight
import onnx
import torch
import transformers
from onnx import numpy_helper
from transformer_lens import HookedTransformer, HookedTransformerConfig, HookedTransformerKeyValueCache, patching
from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights
from transformers import GPT2Config, GPT2LMHeadModel

warnings.simplefilter("ignore")
LAYER_EDITED, LAYER_READ, EDITED = 5, 8, slice(0, 8)


def gpt2_of(path):
    """GPT-2 of transformers with the weights of the ONNX file, whose parameters have the same names and dims."""
    weights = {w.name: torch.from_numpy(numpy_helper.to_array(w).copy()) for w in onnx.load(path).graph.initializer}
    vocab, width = weights["transformer.wte.weight"].shape
    layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("transformer.h."))
    config = GPT2Config(n_layer=layers, n_embd=width, n_head=width // 64, vocab_size=vocab, tie_word_embeddings=False)
    model = GPT2LMHeadModel(config)
    found = {name: w for name, w in weights.items() if name.startswith("transformer.")}
    head = weights.get("lm_head.weight")
    if head is None:
        [head] = [w.T.contiguous() for name, w in weights.items() if not name.startswith("transformer.") and w.shape == (width, vocab)]
    missing, extra = model.load_state_dict({**found, "lm_head.weight": head}, strict=False)
    missing = [name for name in missing if not name.endswith((".attn.bias", ".attn.masked_bias"))]
    if missing or extra:
        raise SystemExit(f"{path} is no GPT-2 of transformers: it lacks {missing}, and has {extra}.")
    return model.eval()


def lens_of(model):
    config = model.config
    lens = HookedTransformer(HookedTransformerConfig(
        n_layers=config.n_layer, d_model=config.n_embd, n_heads=config.n_head, d_head=config.n_embd // config.n_head,
        n_ctx=config.n_positions, d_vocab=config.vocab_size, d_mlp=4 * config.n_embd, act_fn="gelu_new", device="cpu",
        normalization_type="LN", original_architecture="GPT2LMHeadModel", default_prepend_bos=False), move_to_device=False)
    lens.load_state_dict(convert_gpt2_weights(model, lens.cfg), strict=False)
    return lens.eval()


class NoTokenizer:
    """nnsight asks for a tokenizer, which a study of token ids does not use."""

    pad_token = eos_token = "<end>"
    pad_token_id = eos_token_id = 0
    padding_side = "left"


def stream(output):
    return output[0] if isinstance(output, tuple) else output


class Nnsight:
    def __init__(self, model):
        self.model = nnsight.LanguageModel(model, tokenizer=NoTokenizer())
        self.layers = model.config.n_layer

    def logit_lens(self, ids):
        model = self.model
        with model.trace(ids):
            found = []
            for layer in model.transformer.h:
                logits = model.lm_head(model.transformer.ln_f(stream(layer.output)))
                found.append(logits.softmax(-1).topk(5))
            found = nnsight.save(found)
        return [top.indices[0, -1, 0].item() for top in found]

    def patching(self, clean, corrupted, answer, other):
        model, length = self.model, clean.shape[1]
        with model.trace(clean):
            kept = nnsight.save([layer.input for layer in model.transformer.h])
        found = []
        for i in range(self.layers):
            # The patches of a layer are the rows of one batch, as nnsight's tutorials do it.
            rows = torch.arange(length)
            with model.trace(corrupted.expand(length, -1)):
                model.transformer.h[i].input[rows, rows] = kept[i][0]
                logits = model.lm_head.output[:, -1]
                found.append((logits[:, answer] - logits[:, other]).save())
        return torch.stack(found).tolist()

    def generate(self, ids, steps):
        model = self.model
        with model.generate(ids, max_new_tokens=steps, min_new_tokens=steps, do_sample=False) as tracer:
            kept = nnsight.save([])
            for _ in tracer.iter[0:steps]:
                stream(model.transformer.h[LAYER_EDITED].output)[:, -1, EDITED] = 0
                kept.append(stream(model.transformer.h[LAYER_READ].output)[:, -1])
            result = tracer.result.save()
        return result[0, ids.shape[1]:].tolist()


class TransformerLens:
    def __init__(self, model):
        self.model = lens_of(model)

    def logit_lens(self, ids):
        lens = self.model
        _, cache = lens.run_with_cache(ids, names_filter=lambda name: name.endswith("hook_resid_post"))
        found = [lens.unembed(lens.ln_final(cache["resid_post", i])).softmax(-1).topk(5) for i in range(lens.cfg.n_layers)]
        return [top.indices[0, -1, 0].item() for top in found]

    def patching(self, clean, corrupted, answer, other):
        lens = self.model
        _, cache = lens.run_with_cache(clean, names_filter=lambda name: name.endswith("hook_resid_pre"))
        metric = lambda logits: logits[0, -1, answer] - logits[0, -1, other]
        return patching.get_act_patch_resid_pre(lens, corrupted, cache, metric).tolist()

    def generate(self, ids, steps):
        lens, kept = self.model, []

        def edit(value, hook):
            value[:, -1, EDITED] = 0
            return value

        hooks = [
            (f"blocks.{LAYER_EDITED}.hook_resid_post", edit),
            (f"blocks.{LAYER_READ}.hook_resid_post", lambda value, hook: kept.append(value[:, -1])),
        ]
        # `generate` of TransformerLens asks for a tokenizer. This is its loop.
        cache = HookedTransformerKeyValueCache.init_cache(lens.cfg, lens.cfg.device, len(ids))
        found = []
        with lens.hooks(fwd_hooks=hooks):
            for _ in range(steps):
                logits = lens(ids, past_kv_cache=cache, attention_mask=torch.ones_like(ids))
                ids = logits[:, -1].argmax(-1, keepdim=True)
                found.append(ids.item())
        return found


def main(path, threads):
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    model = gpt2_of(path)
    tools = {"nnsight": Nnsight(model), "TransformerLens": TransformerLens(model)}
    lens_version = importlib.metadata.version("transformer-lens")
    versions = {"nnsight": nnsight.__version__, "transformer-lens": lens_version, "torch": torch.__version__, "transformers": transformers.__version__}
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        tool = tools[request["tool"]]
        given = {name: torch.tensor(value) if isinstance(value, list) else value for name, value in request["given"].items()}
        start, busy = time.perf_counter(), time.process_time()
        result = getattr(tool, request["study"])(**given)
        took = {"ms": (time.perf_counter() - start) * 1000, "processor": (time.process_time() - busy) * 1000}
        print(json.dumps({**took, "result": result}), flush=True)


main(sys.argv[1], int(sys.argv[2]))
