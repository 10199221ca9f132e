"""Writes test/fixtures/npy: what numpy itself makes of arrays, and their elements as JSON.

The files lens.npz, lens-compressed.npz and params.pt hold the same small tuned lens; the last one needs PyTorch.
"""
import json
import os

import numpy as np

folder = os.path.join(os.path.dirname(__file__), '..', 'fixtures', 'npy')
os.makedirs(folder, exist_ok=True)
expected = {}


def save(name, array, **options):
    with open(os.path.join(folder, name + '.npy'), 'wb') as file:
        np.lib.format.write_array(file, array, **options)
    values = array.tolist()
    if array.dtype.kind == 'f':
        values = json.loads(json.dumps(values).replace('NaN', '"NaN"').replace('-Infinity', '"-Infinity"').replace(' Infinity', ' "Infinity"'))
    if array.dtype.kind in 'iu':
        values = json.loads(json.dumps(values), parse_int=lambda digits: int(digits) if abs(int(digits)) < 2**53 else digits)
    expected[name] = {'dims': list(array.shape), 'data': values}


for name in ['float64', 'float32', 'float16']:
    save(name, np.array([[0.5, -1.25, 3], [np.nan, np.inf, -np.inf]], dtype=name))
for name in ['int64', 'int32', 'int16', 'int8', 'uint64', 'uint32', 'uint16', 'uint8']:
    limits = np.iinfo(name)
    save(name, np.array([[0, 1, 2], [limits.min, limits.max, 7]], dtype=name))
save('bool', np.array([True, False, True]))
save('scalar', np.array(2.5, dtype='float32'))
save('empty', np.zeros((0, 3), dtype='int64'))
save('texts', np.array([['a', 'grün'], ['\U0001f600', '']]))
save('fortran', np.asfortranarray(np.arange(24, dtype='float32').reshape(2, 3, 4)))
save('fortran-int64', np.asfortranarray(np.arange(6).reshape(3, 2)))
save('big-endian', np.arange(6, dtype='>f4').reshape(2, 3))
save('big-endian-int64', np.array([1, -2, 2**40], dtype='>i8'))
save('version-2', np.arange(3, dtype='int32'), version=(2, 0))
save('version-3', np.arange(3, dtype='int32'), version=(3, 0))

with open(os.path.join(folder, 'expected.json'), 'w') as file:
    json.dump(expected, file, indent=1)

with open(os.path.join(folder, 'object.npy'), 'wb') as file:
    np.lib.format.write_array(file, np.array([{'a': 1}, None], dtype=object), allow_pickle=True)
with open(os.path.join(folder, 'record.npy'), 'wb') as file:
    np.lib.format.write_array(file, np.zeros(2, dtype=[('a', '<f4'), ('b', '<i8')]))
with open(os.path.join(folder, 'complex.npy'), 'wb') as file:
    np.lib.format.write_array(file, np.zeros(2, dtype='complex64'))
with open(os.path.join(folder, 'dates.npy'), 'wb') as file:
    np.lib.format.write_array(file, np.zeros(2, dtype='datetime64[s]'))

lens = {}
for i in range(2):
    lens[f'{i}.weight'] = np.array([[1, 2, 0], [0, -1, 3], [0.5, 0, 1]], dtype='float32') * (i + 1)
    lens[f'{i}.bias'] = np.array([0.25, -1, 4], dtype='float32')
np.savez(os.path.join(folder, 'lens.npz'), **lens)
np.savez_compressed(os.path.join(folder, 'lens-compressed.npz'), **lens)
try:
    import torch
except ImportError:
    print('PyTorch is not installed: params.pt stays as it is.')
else:
    tensors = {name: torch.from_numpy(array) for name, array in lens.items()}
    torch.save(tensors, os.path.join(folder, 'params.pt'))
    torch.save(tensors, os.path.join(folder, 'params-old.pt'), _use_new_zipfile_serialization=False)
