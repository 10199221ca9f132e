"""A small OPT with a key/value cache, exported by optimum, and PyTorch's values inside it. OPT's MLP has batch and token in one axis.

    python -m venv exporters && exporters/bin/pip install -r exporters/requirements.txt
    exporters/bin/python test/reference/make_opt.py test/fixtures/exported/opt
"""
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / 'exporters'))
import families

families.VOCAB, families.WIDTH, families.HEADS, families.LAYERS, families.INNER, families.CONTEXT = 32, 16, 2, 2, 24, 16

import onnx

import heads
import make

heads.STEPS, heads.HEAD = 3, 1


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        temporary = Path(name)
        families.FAMILIES['opt'][0]().save_pretrained(temporary / 'source')
        make.tokenizer().save_pretrained(temporary / 'source')
        graph = onnx.load(make.optimum('opt', None, temporary / 'optimum', temporary / 'source'))
    del graph.graph.value_info[:]
    onnx.save(graph, folder / 'model.onnx')
    print(heads.write('opt', families.FAMILIES['opt'][0](), folder / 'reference.safetensors', kinds=('full',), edits=(None, 'mlp')), 'tensors')


main(Path(sys.argv[1]))
