"""Makes test/fixtures/whisper: a small Whisper with random weights, as Optimum exports it, and what transformers computes (reference.json).

PYTHON test/reference/make_whisper.py, with a Python that has exporters/requirements.txt.
"""
import json
import shutil
import tempfile
from pathlib import Path

import torch
import transformers as hf
from optimum.exporters.onnx import main_export

OUT = Path('test/fixtures/whisper')
BINS, FRAMES, VOCABULARY = 6, 24, 40
START, NO_TIMESTAMPS, END = 37, 38, 39

torch.manual_seed(4)
config = hf.WhisperConfig(vocab_size=VOCABULARY, d_model=16, encoder_layers=2, decoder_layers=2, encoder_attention_heads=2, decoder_attention_heads=2, encoder_ffn_dim=24,
                          decoder_ffn_dim=24, num_mel_bins=BINS, max_source_positions=FRAMES // 2, max_target_positions=32, pad_token_id=END, bos_token_id=START, eos_token_id=END,
                          decoder_start_token_id=START, suppress_tokens=None, begin_suppress_tokens=None, init_std=0.5)
config._attn_implementation = 'eager'
model = hf.WhisperForConditionalGeneration(config).eval()
# Without this the loudest token of the random head wins at every step.
model.generation_config = hf.GenerationConfig(
    decoder_start_token_id=START, bos_token_id=START, eos_token_id=END, pad_token_id=END, forced_decoder_ids=[[1, NO_TIMESTAMPS]], suppress_tokens=[3, 5],
    begin_suppress_tokens=[7, END], no_timestamps_token_id=NO_TIMESTAMPS, is_multilingual=False, return_timestamps=False, max_length=32)

features = torch.randn(2, BINS, FRAMES)
prompt = torch.tensor([[START, NO_TIMESTAMPS, 4, 9, 4, 11]])
with torch.no_grad():
    # Row by row: a batch in transformers is padded.
    ids = [model.generate(input_features=one[None], max_new_tokens=9, do_sample=False, num_beams=1)[0].tolist() for one in features]
    run = lambda: model(input_features=features[:1], decoder_input_ids=prompt, output_attentions=True, output_hidden_states=True, use_cache=False)
    plain = run()
    streams = plain.decoder_hidden_states
    norm, head = model.model.decoder.layer_norm, model.proj_out
    # The last of transformers' hidden states is normalised already.
    lens = [head(norm(state))[0, -1].softmax(-1).tolist() for state in streams[:-1]] + [plain.logits[0, -1].softmax(-1).tolist()]

    def without(module):
        hook = module.register_forward_hook(lambda *_: torch.zeros_like(streams[0]))
        logits = run().logits[0, -1].tolist()
        hook.remove()
        return logits

    mlps = [without(layer.fc2) for layer in model.model.decoder.layers]

with tempfile.TemporaryDirectory() as folder:
    source = Path(folder) / 'model'
    model.save_pretrained(source)
    hf.WhisperFeatureExtractor(feature_size=BINS, chunk_length=1, hop_length=160).save_pretrained(source)
    exported = Path(folder) / 'onnx'
    main_export(str(source), exported, task='automatic-speech-recognition-with-past', do_validation=False, monolith=False, legacy=False, nb_max_frames=FRAMES)
    shutil.rmtree(OUT, ignore_errors=True)
    (OUT / 'onnx').mkdir(parents=True)
    for name in ('encoder_model.onnx', 'decoder_model_merged.onnx'):
        shutil.copy(exported / name, OUT / 'onnx' / name)
    for name in ('config.json', 'generation_config.json'):
        shutil.copy(exported / name, OUT / name)

chars = [chr(ord('a') + i) if i < 26 else chr(ord('A') + i - 26) for i in range(VOCABULARY)]
(OUT / 'tokenizer.json').write_text(json.dumps({'chars': chars}) + '\n')
rounded = lambda value: [rounded(one) for one in value] if isinstance(value, list) else float(f'{value:.8g}')
(OUT / 'reference.json').write_text(json.dumps({
    'features': rounded(features.tolist()), 'ids': ids, 'prompt': prompt.tolist(), 'logits': rounded(plain.logits[0, -1].tolist()), 'lens': rounded(lens),
    'cross': rounded(plain.cross_attentions[1][0].tolist()), 'own': rounded(plain.decoder_attentions[1][0].tolist()), 'withoutMlp': rounded(mlps)}) + '\n')
print(ids)
