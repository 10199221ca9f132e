"""Makes test/reference/generation.json: what Hugging Face transformers generates from the verse model's weights, option by option.

python3 -m venv VENV && VENV/bin/pip install torch transformers onnx    (made with torch 2.15, transformers 5.24, onnx 1.23)
VENV/bin/python test/reference/make_generation.py

`cases`: greedy and beam searches by `generate`, their ids and texts. `scores`: rows of scores before and after one processor, as
`processors.py` of transformers gives them; null stands for minus infinity.
"""
import json

import onnx
import torch
from onnx import numpy_helper
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from transformers.generation import logits_process as processors

FOLDER = "test/fixtures/models/verse"
PARTS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"] + [
    f"mlp.{name}_proj" for name in ("gate", "up", "down")
]


def weights():
    state, folded = {}, []
    for tensor in onnx.load(f"{FOLDER}/onnx/model.onnx").graph.initializer:
        value = torch.from_numpy(numpy_helper.to_array(tensor).copy())
        if tensor.name.startswith("onnx::MatMul"):
            folded.append(value.t().contiguous())
        elif tensor.name.startswith("model."):
            state[tensor.name] = value
    state["lm_head.weight"] = folded.pop()
    for i, value in enumerate(folded):
        state[f"model.layers.{i // len(PARTS)}.{PARTS[i % len(PARTS)]}.weight"] = value
    return state


model = LlamaForCausalLM(LlamaConfig(**json.load(open(f"{FOLDER}/config.json")))).eval()
print(model.load_state_dict(weights(), strict=False))
model.generation_config.eos_token_id = None
model.generation_config.pad_token_id = 1
tokenizer = PreTrainedTokenizerFast(tokenizer_file=f"{FOLDER}/tokenizer.json", pad_token="<|pad|>", padding_side="left")

ONE = ["KING HENRY VI:\nO God! methinks"]
TWO = ["AUFIDIUS:\nI know thee, sir", "KING HENRY VI:\nO God! methinks"]
THREE = ["ROMEO:", "First Citizen:\nBefore we proceed any further, hear", "JULIET:\nO"]
COMMA, NEWLINE, MY = (tokenizer.encode(text)[0] for text in (",", "\n", " my"))
CASES = {
    "greedy": (ONE, dict(max_new_tokens=24)),
    "greedy, padded": (THREE, dict(max_new_tokens=20)),
    "repetition penalty": (ONE, dict(max_new_tokens=30, repetition_penalty=1.3)),
    "repetition penalty, padded": (TWO, dict(max_new_tokens=24, repetition_penalty=1.5)),
    "repetition penalty below 1": (ONE, dict(max_new_tokens=12, repetition_penalty=0.8)),
    "no repeated pairs": (ONE, dict(max_new_tokens=40, no_repeat_ngram_size=2)),
    "no repeated tokens": (ONE, dict(max_new_tokens=30, no_repeat_ngram_size=1)),
    "no repeated triples, two prompts": (TWO, dict(max_new_tokens=40, no_repeat_ngram_size=3)),
    "bad words of one token": (ONE, dict(max_new_tokens=24, bad_words_ids=[[COMMA], [MY]])),
    "bad words of several tokens": (
        ONE,
        dict(max_new_tokens=24, bad_words_ids=[tokenizer.encode(" my lord"), tokenizer.encode(" God"), [COMMA, MY]]),
    ),
    "penalty, pairs and bad words": (
        TWO,
        dict(max_new_tokens=30, repetition_penalty=1.2, no_repeat_ngram_size=2, bad_words_ids=[[NEWLINE, MY], [COMMA]]),
    ),
    "an end": (TWO, dict(max_new_tokens=30, eos_token_id=NEWLINE)),
    "an end that can't be a bad word": (ONE, dict(max_new_tokens=24, eos_token_id=NEWLINE, bad_words_ids=[[NEWLINE], [MY]])),
    "at least so many": (TWO, dict(max_new_tokens=24, eos_token_id=NEWLINE, min_new_tokens=16)),
    "suppressed": (ONE, dict(max_new_tokens=20, suppress_tokens=[COMMA, NEWLINE], begin_suppress_tokens=[MY])),
    # One prompt each: transformers goes on with rows that a stop string ended, where no token ends texts.
    "stop strings": (ONE, dict(max_new_tokens=24, stop_strings=["XYZ", " my l"])),
    "a stop string that ends in a token": (TWO[:1], dict(max_new_tokens=24, stop_strings=["not b"])),
    "a stop string that comes at once": (ONE, dict(max_new_tokens=24, stop_strings=",")),
    "beams, stop strings": (ONE, dict(max_new_tokens=20, num_beams=3, stop_strings=["HENRY", "am a"])),
    "beams": (ONE, dict(max_new_tokens=20, num_beams=4)),
    "beams, padded, with an end": (THREE, dict(max_new_tokens=24, num_beams=3, eos_token_id=NEWLINE)),
    "beams, several of them": (TWO, dict(max_new_tokens=20, num_beams=4, num_return_sequences=3, eos_token_id=NEWLINE)),
    "beams, stopped early": (THREE, dict(max_new_tokens=24, num_beams=3, eos_token_id=NEWLINE, early_stopping=True)),
    "beams, never stopped early": (
        THREE,
        dict(max_new_tokens=24, num_beams=3, eos_token_id=NEWLINE, early_stopping="never", length_penalty=0.0),
    ),
    "beams, never, long ones": (
        THREE,
        dict(max_new_tokens=24, num_beams=3, eos_token_id=NEWLINE, early_stopping="never", length_penalty=2.0),
    ),
    "beams, short ones": (THREE, dict(max_new_tokens=24, num_beams=4, eos_token_id=[NEWLINE, COMMA], length_penalty=-1.0)),
    "beams, long ones": (THREE, dict(max_new_tokens=24, num_beams=4, eos_token_id=[NEWLINE, COMMA], length_penalty=3.0)),
    "beams with penalty and pairs": (
        TWO,
        dict(max_new_tokens=24, num_beams=4, repetition_penalty=1.2, no_repeat_ngram_size=2, bad_words_ids=[[MY]]),
    ),
}


def case(prompts, options):
    ends = options.get("eos_token_id")
    inputs = tokenizer(prompts, return_tensors="pt", padding=True)
    torch.manual_seed(0)
    out = model.generate(
        input_ids=inputs.input_ids,
        attention_mask=inputs.attention_mask,
        do_sample=False,
        tokenizer=tokenizer if "stop_strings" in options else None,
        return_dict_in_generate=True,
        output_scores=True,
        **options,
    )
    width = inputs.input_ids.shape[1]
    # How far apart the best two are: a choice that rounding could turn is no truth.
    margins = [float((top := scores.topk(2).values)[:, 0].sub(top[:, 1]).min()) for scores in out.scores]
    if "num_beams" not in options and "stop_strings" not in options and not ends:
        assert min(margins) > 1e-3, (prompts, options, min(margins))
    return {
        "prompts": [tokenizer.encode(prompt) for prompt in prompts],
        "options": options,
        "new": out.sequences[:, width:].tolist(),
        "text": tokenizer.batch_decode(out.sequences[:, width:], skip_special_tokens=True),
    }


def numbers(scores):
    return [[None if x == float("-inf") else round(x, 6) for x in row] for row in scores.tolist()]


torch.manual_seed(7)
ROWS = torch.cat([torch.randn(3, 40) * 3, torch.zeros(1, 40), torch.randn(1, 40) * 0.1]).round(decimals=4)
WARPERS = {
    "temperature": ({"temperature": 0.7}, [processors.TemperatureLogitsWarper(0.7)]),
    "topK": ({"topK": 5}, [processors.TopKLogitsWarper(5)]),
    "topP": ({"topP": 0.8}, [processors.TopPLogitsWarper(0.8)]),
    "minP": ({"minP": 0.1}, [processors.MinPLogitsWarper(0.1)]),
    "typicalP": ({"typicalP": 0.6}, [processors.TypicalLogitsWarper(0.6)]),
    "all": (
        {"temperature": 1.5, "topK": 20, "topP": 0.9, "minP": 0.02, "typicalP": 0.95},
        [
            processors.TemperatureLogitsWarper(1.5),
            processors.TopKLogitsWarper(20),
            processors.TopPLogitsWarper(0.9),
            processors.MinPLogitsWarper(0.02),
            processors.TypicalLogitsWarper(0.95),
        ],
    ),
}


def warped(options, chain):
    scores = ROWS.clone()
    for processor in chain:
        scores = processor(torch.zeros(len(ROWS), 1, dtype=torch.long), scores)
    return {"options": options, "after": numbers(scores)}


# A row of equal scores leaves nothing to order by: transformers keeps what its sort puts last there.
json.dump(
    {
        "cases": {name: case(*arguments) for name, arguments in CASES.items()},
        "rows": numbers(ROWS[[0, 1, 2, 4]]),
        "scores": {
            name: (result := warped(*arguments), result["after"].pop(3))[0] for name, arguments in WARPERS.items()
        },
    },
    open("test/reference/generation.json", "w"),
)
