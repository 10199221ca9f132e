"""What PyTorch has in the heads of the decoders of `families.py`, at a prompt and in each step with a filled cache, and what edits of them do.

    python heads.py OUT [FAMILY …]      OUT is the folder of make.py; writes OUT/FAMILY/heads.safetensors
"""
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

from families import FAMILIES, HEADS, LAYERS, VOCAB, WIDTH

STEPS, TOKENS, PADDED = 5, 7, 2
SIZE = WIDTH // HEADS
# The layer and the heads that are edited.
LAYER, HEAD = 1, 2


def interleaved(x):
    """[batch, token, head, (query, key, value), width]: the parts of a head lie beside one another."""
    return x.unflatten(-1, (HEADS, 3, SIZE)).unbind(-2)


def queries_first(x):
    """All queries, then one key and one value for all heads."""
    heads = x.unflatten(-1, (HEADS + 2, SIZE))
    return heads[..., :HEADS, :], heads[..., HEADS : HEADS + 1, :], heads[..., HEADS + 1 :, :]


DENSE = ('mlp.dense_h_to_4h', 'mlp.dense_4h_to_h')
# For each family: the linear layers before the heads with what they are split into, the one after the heads; the layer's norms, before attention
# and before the MLP; the first and the last linear layer of the MLP.
PLACES = {
    'bloom': ('query_key_value', interleaved, 'dense', ('input_layernorm', 'post_attention_layernorm'), DENSE),
    'gpt-neox': ('query_key_value', interleaved, 'dense', ('input_layernorm', 'post_attention_layernorm'), DENSE),
    'falcon': ('query_key_value', queries_first, 'dense', ('input_layernorm', 'input_layernorm'), DENSE),
    'falcon-alibi': ('query_key_value', interleaved, 'dense', ('input_layernorm', 'post_attention_layernorm'), DENSE),
    'gpt-bigcode': ('c_attn', queries_first, 'c_proj', ('ln_1', 'ln_2'), ('mlp.c_fc', 'mlp.c_proj')),
    'opt': (('q_proj', 'k_proj', 'v_proj'), lambda x: x.unflatten(-1, (HEADS, SIZE)), 'out_proj', ('self_attn_layer_norm', 'final_layer_norm'),
            ('fc1', 'fc2')),
}


def set_head(x, head):
    """The input of the layer after the heads, with a head's mix at 0."""
    x = x.clone()
    x.unflatten(-1, (HEADS, SIZE))[..., head, :] = 0
    return x


def values_of(family, model, inputs, edit=None):
    """Values of each step of a greedy generation, under names such as `step.0.layer.1.pattern`, its logits and ids."""
    before, split, after, norms, mlp = PLACES[family]
    parts = FAMILIES[family][1]
    values, state = {}, {'step': -1, 'softmax': 0}

    def by_token(x):
        # OPT's MLP has batch and token in one axis.
        return x if x.dim() == 3 else x.unflatten(0, (len(inputs['input_ids']), -1))

    def keep(layer, part, value):
        values[f'step.{state["step"]}.layer.{layer}.{part}'] = value.detach().clone()

    def doubled_key(x):
        x = x.clone()
        split(x)[1].mul_(2)
        return x

    def of_before(layer, part):
        def hook(_module, _args, out):
            if edit == 'k' and layer == LAYER:
                out = out * 2 if part == 'k' else doubled_key(out) if part is None else out
            for name, value in [(part, split(out))] if part else zip('qkv', split(out)):
                keep(layer, name, value)
            return out
        return hook

    def of_after(layer):
        def hook(module, args):
            x = set_head(args[0], HEAD) if edit == 'z' and layer == LAYER else args[0]
            z = x.unflatten(-1, (HEADS, SIZE))
            keep(layer, 'z', z)
            weight = module.weight if isinstance(module, torch.nn.Linear) else module.weight.T
            keep(layer, 'result', torch.einsum('bthd,whd->bthw', z, weight.unflatten(-1, (HEADS, SIZE))))
            return (x,)
        return hook

    def of_output(layer, part):
        def hook(_module, _args, out):
            value = out[0] if isinstance(out, tuple) else out
            if edit == 'mlp' and layer == LAYER and part == 'hook_mlp_out':
                value = value.clone()
                by_token(value)[:, -1, :8] = 0
                out = value
            keep(layer, part, by_token(value))
            return out
        return hook

    def of_norm(layer, part):
        def hook(module, args, out):
            keep(layer, f'{part}.hook_scale', by_token((args[0].var(-1, unbiased=False, keepdim=True) + module.eps).sqrt()))
            keep(layer, f'{part}.hook_normalized', by_token(out))
        return hook

    def started(_module, _args):
        state['step'] += 1
        state['softmax'] = 0

    softmax = torch.nn.functional.softmax

    def watched(x, *args, **kwargs):
        pattern = softmax(x, *args, **kwargs)
        if x.dim() == 4:
            if edit == 'pattern' and state['softmax'] == LAYER:
                pattern = pattern.clone()
                pattern[:, HEAD, :, -1] = 0
            keep(state['softmax'], 'pattern', pattern)
            state['softmax'] += 1
        return pattern

    hooks = [model.get_submodule(parts['layer'].format(i=0)).register_forward_pre_hook(started)]
    for i in range(LAYERS):
        layer, module = [model.get_submodule(parts[part].format(i=i)) for part in ('layer', 'attn')]
        names = [(name, name[0]) for name in before] if isinstance(before, tuple) else [(before, None)]
        hooks += [getattr(module, name).register_forward_hook(of_before(i, part)) for name, part in names]
        hooks.append(getattr(module, after).register_forward_pre_hook(of_after(i)))
        hooks.append(layer.register_forward_pre_hook(lambda _module, args, i=i: keep(i, 'hook_resid_pre', args[0])))
        first, last = [layer.get_submodule(path) for path in mlp]
        hooks.append(last.register_forward_pre_hook(lambda _module, args, i=i: keep(i, 'mlp.hook_post', by_token(args[0]))))
        places = {'hook_attn_out': getattr(module, after), 'mlp.hook_pre': first, 'hook_mlp_out': last, 'hook_resid_post': layer}
        hooks += [place.register_forward_hook(of_output(i, part)) for part, place in places.items()]
        hooks += [layer.get_submodule(path).register_forward_hook(of_norm(i, part)) for part, path in zip(('ln1', 'ln2'), norms)]
    torch.nn.functional.softmax = watched
    try:
        with torch.no_grad():
            found = model.generate(**inputs, max_new_tokens=STEPS, min_new_tokens=STEPS, do_sample=False, use_cache=True, output_logits=True,
                                   return_dict_in_generate=True)
    finally:
        torch.nn.functional.softmax = softmax
        for hook in hooks:
            hook.remove()
    assert state['softmax'] in (0, LAYERS) and state['step'] == STEPS - 1, f'{family}: {state}'
    return {**values, **{f'step.{i}.logits': logits for i, logits in enumerate(found.logits)}, 'ids': found.sequences}


EDITS = (None, 'z', 'k', 'pattern', 'mlp')


def write(family, model, path, kinds=('full', 'padded'), edits=EDITS):
    ids = torch.randint(3, VOCAB, (2, TOKENS), generator=torch.Generator().manual_seed(5))
    mask = torch.ones_like(ids)
    mask[1, :PADDED] = 0
    inputs = {
        'full': {'input_ids': ids, 'attention_mask': torch.ones_like(ids)},
        'padded': {'input_ids': torch.where(mask == 1, ids, 1), 'attention_mask': mask},
    }
    tensors = {}
    for kind in kinds:
        tensors |= {f'{kind}.{name}': value for name, value in inputs[kind].items()}
        for edit in edits:
            values = values_of(family, model, inputs[kind], edit)
            kept = {name: value for name, value in values.items() if edit is None or 'layer' not in name}
            tensors |= {f'{kind}.{edit or "plain"}.{name}': value for name, value in kept.items()}
    save_file({name: value.contiguous().clone() for name, value in tensors.items()}, path)
    return len(tensors)


def main(out, names):
    for family in names or PLACES:
        folder = Path(out) / family
        if family == 'falcon-alibi':
            # In transformers 4.57, its eager attention gives other values than PyTorch's fused one, which is exported and has no pattern to compare.
            model = AutoModelForCausalLM.from_pretrained(folder / 'source', attn_implementation='sdpa').eval()
            written = write(family, model, folder / 'heads.safetensors', edits=[edit for edit in EDITS if edit != 'pattern'])
        else:
            written = write(family, FAMILIES[family][0](), folder / 'heads.safetensors')
        print(family, written, flush=True)


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:])
