"""Exports every family by every exporter that takes it, then quantises and optimises the files as people do.

    python make.py OUT [FAMILY …]

Writes OUT/FAMILY/{reference.safetensors, EXPORTER/…onnx} and OUT/manifest.json, in which every combination has its file or the reason why there is none.
"""
import json
import os
import shutil
import subprocess
import sys
import traceback
import warnings
from pathlib import Path

os.environ |= {'HF_HUB_OFFLINE': '1', 'TRANSFORMERS_VERBOSITY': 'error', 'TOKENIZERS_PARALLELISM': 'false'}
warnings.filterwarnings('ignore')

import onnx
import torch

import reference
from families import FAMILIES, LIKE, VOCAB
from processed import PROCESSES

DECODERS = ('llama', 'qwen3', 'gemma3', 'phi4', 'mistral', 'gpt2', 'gpt-neox', 'bloom', 'opt', 'gpt-bigcode', 'falcon', 'falcon-grouped', 'falcon-alibi')
GENAI = ('llama', 'qwen3', 'gemma3', 'phi4', 'mistral')
TASKS = {name: 'text-generation-with-past' for name in DECODERS} | {
    'mamba': 'text-generation', 'bert': 'feature-extraction', 'modernbert': 'feature-extraction', 'vit': 'image-classification',
    'clip-text': 'feature-extraction', 't5': 'text2text-generation-with-past', 'whisper': 'automatic-speech-recognition-with-past',
}


def output_name(family):
    family = LIKE.get(family, family)
    return 'logits' if family in DECODERS or family in ('mamba', 'vit', 't5', 'whisper') else 'output'


def returning_one(family, model):
    """Makes the model return its first value alone, under the same module names; gives its inputs and the name of that value."""
    inputs = reference.inputs_of(family, model)
    if family != 'yolo':
        whole = model.forward
        no_cache = {'use_cache': False} if hasattr(model.config, 'use_cache') else {}
        names = list(inputs)
        scope = {'whole': lambda *values: reference.first(tuple(whole(**dict(zip(names, values)), **no_cache).values()))}
        exec(f"def forward({', '.join(names)}): return whole({', '.join(names)})", scope)
        model.forward = scope['forward']
        from optimum.exporters.onnx.model_patcher import eager_mask_without_vmap
        from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
        ALL_MASK_ATTENTION_FUNCTIONS.register('eager', eager_mask_without_vmap)
    return inputs


def classic(family, model, folder, _source):
    inputs = returning_one(family, model)
    axes = {name: {0: 'batch', 2: 'height', 3: 'width'} if family == 'yolo' else {0: 'batch', 1: f'{name}_length'} if value.dim() == 2 else {0: 'batch'}
            for name, value in inputs.items()}
    torch.onnx.export(model, tuple(inputs.values()), folder / 'model.onnx', input_names=list(inputs), output_names=[output_name(family)], dynamic_axes=axes,
                      opset_version=17, dynamo=False)
    return folder / 'model.onnx'


def dynamo(family, model, folder, _source):
    inputs = returning_one(family, model)
    dim = torch.export.Dim.DYNAMIC
    shapes = tuple({0: dim, 2: dim, 3: dim} if family == 'yolo' else {0: dim, 1: dim} if value.dim() == 2 else {0: dim} for value in inputs.values())
    torch.onnx.export(model, tuple(inputs.values()), folder / 'model.onnx', input_names=list(inputs), output_names=[output_name(family)], dynamo=True,
                      dynamic_shapes=shapes, verbose=False)
    return folder / 'model.onnx'


def optimum(family, _model, folder, source):
    family = LIKE.get(family, family)
    if family not in TASKS:
        raise NotImplementedError('optimum exports models of transformers only')
    from optimum.exporters.onnx import main_export
    main_export(str(source), folder, task=TASKS[family], do_validation=False, monolith=False, legacy=False)
    for name in ('model.onnx', 'decoder_model_merged.onnx', 'decoder_model.onnx'):
        if (folder / name).exists():
            return folder / name
    raise FileNotFoundError(', '.join(path.name for path in folder.iterdir()))


def genai(precision):
    def export(family, _model, folder, source):
        if family not in GENAI:
            raise NotImplementedError("genai's builder has no such architecture")
        python = os.environ.get('GENAI_PYTHON', sys.executable)
        command = [python, '-m', 'onnxruntime_genai.models.builder', '-i', str(source), '-o', str(folder), '-p', precision, '-e', 'cpu', '-c', str(folder / 'cache')]
        done = subprocess.run(command, capture_output=True, text=True)
        # The builder writes the graph first, and the tokenizer's files, which these models lack, after it.
        if not (folder / 'model.onnx').exists():
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        return folder / 'model.onnx'
    return export


EXPORTERS = {'classic': classic, 'dynamo': dynamo, 'optimum': optimum, 'genai-fp32': genai('fp32'), 'genai-fp16': genai('fp16'), 'genai-int4': genai('int4')}


def tokenizer():
    """A word for each id: the builder of onnxruntime-genai wants a tokenizer beside the weights."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({f'w{i}': i for i in range(VOCAB)}, unk_token='w0')))


def attempt(make, entry):
    """Fills in the file that `make` gives, or why it gives none."""
    try:
        path = make()
        if not onnx.load(str(path), load_external_data=False).graph.node:
            raise ValueError('the tool wrote a graph without nodes')
        entry['file'] = str(path)
    except Exception as error:
        lines = str(error).strip().splitlines() or ['']
        entry['reason'] = f'{type(error).__name__}: {lines[0]}'[:300]
        if os.environ.get('VERBOSE'):
            traceback.print_exc()


def main(out, names):
    out = Path(out).resolve()
    manifest = json.loads((out / 'manifest.json').read_text()) if (out / 'manifest.json').exists() else {}
    for family in names or [name for name in FAMILIES if name not in LIKE]:
        make, parts = FAMILIES[family]
        folder = out / family
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        model = make()
        entry = manifest[family] = {'places': reference.write(family, model, parts, folder / 'reference.safetensors'), 'files': {}}
        source = folder / 'source'
        if hasattr(model, 'save_pretrained'):
            model.save_pretrained(source)
            tokenizer().save_pretrained(source)
        for name, export in EXPORTERS.items():
            (folder / name).mkdir()
            attempt(lambda: export(family, make(), folder / name, source), entry['files'].setdefault(name, {}))
            made = entry['files'][name].get('file')
            print(family, name, made or entry['files'][name]['reason'], flush=True)
            for process, (takes, change) in PROCESSES.items() if made else ():
                if not takes(LIKE.get(family, family), name):
                    continue
                target = folder / f'{name}+{process}'
                target.mkdir()
                result = entry['files'].setdefault(f'{name}+{process}', {})
                attempt(lambda: change(family, Path(made), target, folder / 'reference.safetensors'), result)
                print(family, f'{name}+{process}', result.get('file') or result['reason'], flush=True)
        for made in entry['files'].values():
            if 'file' in made:
                made['file'] = os.path.relpath(made['file'], out)
        (out / 'manifest.json').write_text(json.dumps(manifest, indent=1))


if __name__ == '__main__':
    main(sys.argv[1], sys.argv[2:])
