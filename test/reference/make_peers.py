"""Values of TransformerLens and nnterp inside a small GPT-2 and a small Llama, and the ONNX exports of the same models.

    python -m venv peers && peers/bin/pip install -r test/reference/requirements-peers.txt
    peers/bin/python test/reference/make_peers.py test/fixtures/peers

HookedTransformer is in transformer-lens 2; version 4 has another class for the same names.
"""

import sys
from pathlib import Path

import onnx
import torch
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights, convert_llama_weights
from nnterp import StandardizedTransformer

WIDTH, HEADS, LAYERS, VOCAB, CONTEXT = 32, 4, 2, 48, 24

SHARED = dict(
    n_layers=LAYERS, d_model=WIDTH, n_heads=HEADS, d_head=WIDTH // HEADS, n_ctx=CONTEXT, d_vocab=VOCAB, device="cpu",
    use_attn_result=True, default_prepend_bos=False,
)


def models():
    torch.manual_seed(0)
    gpt2 = GPT2LMHeadModel(GPT2Config(n_layer=LAYERS, n_head=HEADS, n_embd=WIDTH, vocab_size=VOCAB, n_positions=CONTEXT,
                                      bos_token_id=0, eos_token_id=0))
    llama = LlamaForCausalLM(LlamaConfig(num_hidden_layers=LAYERS, num_attention_heads=HEADS, num_key_value_heads=2,
                                         hidden_size=WIDTH, intermediate_size=48, vocab_size=VOCAB,
                                         max_position_embeddings=CONTEXT))
    yield "gpt2", gpt2, convert_gpt2_weights, HookedTransformerConfig(
        **SHARED, act_fn="gelu_new", d_mlp=4 * WIDTH, normalization_type="LN", original_architecture="GPT2LMHeadModel")
    yield "llama", llama, convert_llama_weights, HookedTransformerConfig(
        **SHARED, act_fn="silu", d_mlp=48, normalization_type="RMS", original_architecture="LlamaForCausalLM",
        positional_embedding_type="rotary", rotary_adjacent_pairs=False, rotary_dim=WIDTH // HEADS, gated_mlp=True,
        n_key_value_heads=2, final_rms=True, eps=1e-6)


def louder(model):
    """Norms and biases that are not 1 and 0, and patterns that are not flat."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.mul_(6) if weight.dim() > 1 else weight.add_(torch.randn_like(weight) * 0.2)
    return model.eval()


def lens_values(model, convert, cfg, ids):
    lens = HookedTransformer(cfg, move_to_device=False)
    lens.load_state_dict(convert(model, cfg), strict=False)
    lens.eval()
    with torch.no_grad():
        logits, cache = lens.run_with_cache(ids, return_type="logits")
        off = (logits - model(ids).logits).abs().max().item()
    assert off < 1e-3, f"TransformerLens computes another model: {off}"
    values = {name: value for name, value in cache.items()}
    return {**values, "logits": logits}


def standard_values(model, ids):
    standard = StandardizedTransformer(model, enable_attention_probs=True, check_renaming=False)
    values = {}
    with torch.no_grad(), standard.trace(ids):
        values["token_embeddings"] = standard.token_embeddings.save()
        for i in range(LAYERS):
            values[f"layers_input[{i}]"] = standard.layers_input[i].save()
            values[f"attentions_output[{i}]"] = standard.attentions_output[i].save()
            values[f"mlps_output[{i}]"] = standard.mlps_output[i].save()
            values[f"layers_output[{i}]"] = standard.layers_output[i].save()
        values["logits"] = standard.logits.save()
        values["next_token_probs"] = standard.next_token_probs.save()
    return values


def patterns(model, ids):
    """nnterp finds patterns in the source of each model's attention, for releases of transformers that it knows; these are their own."""
    model.set_attn_implementation("eager")
    with torch.no_grad():
        found = model(ids, output_attentions=True).attentions
    return {f"attention_probabilities[{i}]": pattern for i, pattern in enumerate(found)}


def export(model, ids, path):
    model.set_attn_implementation("sdpa")
    dynamic = torch.export.Dim.DYNAMIC
    torch.onnx.export(model, (), str(path), kwargs={"input_ids": ids, "use_cache": False}, input_names=["input_ids"],
                      output_names=["logits"], dynamo=True, external_data=False,
                      dynamic_shapes={"input_ids": {0: dynamic, 1: dynamic}, "use_cache": None})
    graph = onnx.load(path)
    for node in graph.graph.node:
        kept = [entry for entry in node.metadata_props if entry.key == "pkg.torch.onnx.name_scopes"]
        del node.metadata_props[:]
        node.metadata_props.extend(kept)
    for value in graph.graph.value_info:
        del value.metadata_props[:]
    onnx.save(graph, path)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    peers = list(models())
    ids = torch.randint(0, VOCAB, (2, 6), generator=torch.Generator().manual_seed(1))
    # nnsight gives every object a method `save` while it traces, and the exporter has one of its own.
    for name, model, _, _ in peers:
        export(louder(model), ids, folder / f"{name}.onnx")
    for name, model, convert, cfg in peers:
        lens = lens_values(model, convert, cfg, ids)
        standard = {**standard_values(model, ids), **patterns(model, ids)}
        tensors = {f"lens:{key}": value for key, value in lens.items()}
        tensors |= {f"standard:{key}": value for key, value in standard.items()}
        save_file({"input_ids": ids, **{key: value.detach().float().contiguous().clone() for key, value in tensors.items()}},
                  folder / f"{name}.safetensors")
        print(name, len(lens), "names of TransformerLens,", len(standard), "of nnterp")


main(Path(sys.argv[1]))
