"""Makes test/fixtures/sae: autoencoders that SAELens itself made and saved, of each architecture, and their values on a state of chars.onnx (JSON).

PYTHON test/reference/make_sae.py, with a Python that has sae-lens (6.54).
"""
import json
from pathlib import Path

import torch
from sae_lens import GatedSAE, GatedSAEConfig, JumpReLUSAE, JumpReLUSAEConfig, SAE, StandardSAE, StandardSAEConfig, TopKSAE, TopKSAEConfig
from sae_lens.saes.sae import SAEMetadata

OUT = Path('test/fixtures/sae')
WIDTH, FEATURES = 128, 24
KINDS = {
    'standard': (StandardSAE, StandardSAEConfig, {}),
    'standard-layer-norm': (StandardSAE, StandardSAEConfig, {'normalize_activations': 'layer_norm', 'apply_b_dec_to_input': False}),
    'jumprelu': (JumpReLUSAE, JumpReLUSAEConfig, {}),
    'topk': (TopKSAE, TopKSAEConfig, {'k': 5}),
    'topk-rescaled': (TopKSAE, TopKSAEConfig, {'k': 5, 'rescale_acts_by_decoder_norm': True}),
    'gated': (GatedSAE, GatedSAEConfig, {}),
}

torch.manual_seed(8)
state = torch.randn(2, 5, WIDTH)
values = {'state': state.tolist()}
for name, (kind, config, options) in KINDS.items():
    sae = kind(config(d_in=WIDTH, d_sae=FEATURES, metadata=SAEMetadata(hook_name='blocks.1.hook_resid_post', model_name='chars'), **options))
    with torch.no_grad():
        for key, parameter in sae.named_parameters():
            scale = 0.3 if parameter.ndim == 1 else WIDTH ** -0.5
            parameter.copy_(torch.randn_like(parameter) * scale)
            if key == 'threshold':
                parameter.abs_()
        sae.save_model(OUT / name)
        # What a user of SAELens gets from the file.
        sae = SAE.load_from_disk(OUT / name)
        features = sae.encode(state)
        values[name] = {'features': features.tolist(), 'decoded': sae.decode(features).tolist()}
        assert torch.allclose(sae(state), sae.decode(sae.encode(state)))
rounded = lambda value: {key: rounded(one) for key, one in value.items()} if isinstance(value, dict) else [rounded(one) for one in value] if isinstance(value, list) else float(f'{value:.7g}')
(OUT / 'values.json').write_text(json.dumps(rounded(values)) + '\n')
