"""Makes test/fixtures/kinds/*.onnx: a T5 and a Whisper of transformers in small, each with its encoder and its decoder in one file, with random weights.

python test/reference/make_kinds.py    (the packages of requirements-peers.txt: torch 2.15, transformers 5.24)
"""
import os

os.environ |= {'HF_HUB_OFFLINE': '1', 'TRANSFORMERS_VERBOSITY': 'error'}

import onnx
import torch
import transformers as hf

VOCABULARY, WIDTH, HEADS, LAYERS = 40, 16, 2, 2
FOLDER = 'test/fixtures/kinds'
SMALL = dict(vocab_size=VOCABULARY, d_model=WIDTH, pad_token_id=0, eos_token_id=1, decoder_start_token_id=0)
ids, start = torch.arange(3, 10).repeat(2, 1), torch.arange(4, 9).repeat(2, 1)

MODELS = {
    't5': (hf.T5ForConditionalGeneration(hf.T5Config(**SMALL, d_kv=8, d_ff=32, num_layers=LAYERS, num_heads=HEADS)),
           {'input_ids': ids, 'attention_mask': torch.ones_like(ids), 'decoder_input_ids': start}, False),
    'whisper': (hf.WhisperForConditionalGeneration(hf.WhisperConfig(
        **SMALL, encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=HEADS, decoder_attention_heads=HEADS, encoder_ffn_dim=32,
        decoder_ffn_dim=32, max_source_positions=300, max_target_positions=32, num_mel_bins=8)),
        {'input_features': torch.randn(2, 8, 600), 'decoder_input_ids': start}, True),
}

os.makedirs(FOLDER, exist_ok=True)
for name, (model, inputs, dynamo) in MODELS.items():
    torch.manual_seed(7)
    model = model.eval()
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_(0, 0.4) if weight.dim() > 1 else weight.normal_(1 if 'norm' in name else 0.5, 0.1)
    whole, names = model.forward, list(inputs)
    scope = {'whole': lambda *values: whole(**dict(zip(names, values)), use_cache=False).logits}
    exec(f"def forward({', '.join(names)}): return whole({', '.join(names)})", scope)
    model.forward = scope['forward']
    dim = torch.export.Dim.DYNAMIC
    open_dims = [[0, 1] if value.dim() == 2 else [0] for value in inputs.values()]
    form = (dict(dynamic_shapes=tuple({axis: dim for axis in axes} for axes in open_dims), verbose=False, external_data=False) if dynamo else
            dict(dynamic_axes={name: {axis: ('batch', f'{name}_length')[axis] for axis in axes} for name, axes in zip(names, open_dims)}, opset_version=17))
    torch.onnx.export(model, tuple(inputs.values()), f'{FOLDER}/{name}.onnx', input_names=names, output_names=['logits'], dynamo=dynamo, **form)
    # The lines of PyTorch's code that made each node are half of the file.
    file = onnx.load(f'{FOLDER}/{name}.onnx')
    for node in file.graph.node:
        for entry in [one for one in node.metadata_props if one.key in ('pkg.torch.onnx.stack_trace', 'pkg.torch.onnx.fx_node')]:
            node.metadata_props.remove(entry)
    onnx.save(file, f'{FOLDER}/{name}.onnx')
