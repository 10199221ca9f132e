"""Writes slices.json: what NumPy reads and assigns, for slices of every kind. /usr/bin/python3 make_slices.py > slices.json

One case a line: [dims, slice, dims of the result, elements], and for an assignment two more: dims of the value, elements of the whole after it.
The tensor holds 0, 1, 2, …; the value -1, -2, …. A slice is a list of entries: a number, "a:b:c", "...", null, {"list": …}, {"mask": …}.

A single number beside an index list is taken first, as in PyTorch; NumPy counts it among the lists, which moves dims in x[0, :, [1, 2]].
"""
import itertools, json, random
import numpy as np

random.seed(4)
DIMS = [[5], [1], [0], [4, 3], [1, 6], [3, 0], [2, 3, 4], [1, 4, 5], [3, 2, 1, 4], [2, 2, 3, 2]]


def entry(item):
    """As NumPy has it."""
    if isinstance(item, str):
        if item == "...":
            return Ellipsis
        return slice(*[int(part) if part else None for part in item.split(":")])
    if isinstance(item, dict):
        return np.array(item["list"], dtype=np.int64) if "list" in item else np.array(item["mask"], dtype=bool)
    return item


def width(item):
    if item is None or item == "...":
        return 0
    return np.ndim(item["mask"]) if isinstance(item, dict) and "mask" in item else 1


def take(x, items):
    """Single numbers first, then all else by NumPy."""
    rest = x.ndim - sum(width(item) for item in items)
    axis, kept, numbers = 0, [], []
    for item in items:
        if isinstance(item, int) and not isinstance(item, bool):
            numbers.append((axis, item))
        else:
            kept.append(item)
        axis += rest if item == "..." else width(item)
    for at, number in reversed(numbers):
        x = np.take(x, number, axis=at)
    return x[tuple(entry(item) for item in kept)]


def numbers_and_lists(items):
    return any(isinstance(item, int) for item in items) and any(isinstance(item, dict) for item in items)


def tidy(array):
    return [int(value) for value in np.ravel(array)]


def case(dims, items, value_dims=None):
    x = np.arange(int(np.prod(dims)), dtype=np.int64).reshape(dims)
    part = take(x, items)
    if not numbers_and_lists(items):
        assert np.array_equal(part, x[tuple(entry(item) for item in items)])
    line = [dims, items, list(part.shape), tidy(part)]
    if value_dims is not None:
        value = -1 - np.arange(int(np.prod(value_dims)), dtype=np.int64).reshape(value_dims)
        result = x.copy()
        if numbers_and_lists(items):
            fitted = value.reshape(value.shape[max(0, value.ndim - part.ndim):])
            for place, new in zip(np.ravel(part), np.ravel(np.broadcast_to(fitted, part.shape))):
                result.flat[place] = new
        else:
            result[tuple(entry(item) for item in items)] = value
        line += [value_dims, tidy(result)]
    print(json.dumps(line, separators=(",", ":")))


def bound(size):
    return random.choice(["", "", str(random.randint(-size - 2, size + 2))])


def random_range(size):
    return f"{bound(size)}:{bound(size)}:{random.choice(['', '', '2', '3', '-1', '-1', '-2'])}"


def random_item(size, shape):
    kind = random.random()
    if size > 0 and kind < 0.25:
        return random.randint(-size, size - 1)
    if kind < 0.55:
        return random_range(size)
    if kind < 0.6:
        return None
    if kind < 0.7:
        return {"mask": [random.random() < 0.5 for _ in range(size)]}
    if size > 0 and shape is not None:
        own = [random.choice([dim, 1]) if random.random() < 0.3 else dim for dim in shape]
        return {"list": np.random.RandomState(random.randint(0, 9999)).randint(-size, size, own).tolist()}
    return ":"


def random_slice(dims):
    """Index lists broadcast to one shape; a mask has as many places as the lists, or it stands alone."""
    shape = random.choice([[2], [3], [1], [2, 2], [], [0]])
    items, axis = [], 0
    stop = random.randint(1, len(dims))
    while axis < stop:
        if random.random() < 0.08 and "..." not in items:
            items.append("...")
            continue
        item = random_item(dims[axis], shape)
        if isinstance(item, dict) and "list" in item and np.ndim(item["list"]) == 0:
            item = int(item["list"])
        items.append(item)
        axis += width(item)
    if random.random() < 0.25 and axis + 1 < len(dims) and not any(isinstance(item, dict) for item in items):
        items.append({"mask": (np.random.RandomState(axis).rand(*dims[axis:axis + 2]) < 0.5).tolist()})
    return items


def is_fine(dims, items):
    x = np.zeros(dims)
    try:
        part = take(x, items)
    except IndexError:
        return False
    # An ellipsis of no axes between two lists parts them in NumPy, and not in PyTorch.
    rest = x.ndim - sum(width(item) for item in items)
    many = sum(isinstance(item, dict) for item in items) > 1
    return part.size <= 120 and not (many and rest == 0 and "..." in items) and not (many and "..." in items and numbers_and_lists(items))


def value_dims(shape):
    dims = [random.choice([dim, dim, 1]) for dim in shape][random.choice([0, 0, 0, 1, 2]):]
    return [1] + dims if random.random() < 0.1 and len(dims) == len(shape) else dims


FIXED = [
    [":"], ["..."], ["...", None], [None, "..."], ["::-1"], ["-1:"], [":-1"], ["-100:100"], ["100:-100:-1"], ["-100::-1"], [":-100:-1"],
]
for dims, items in itertools.product(DIMS, FIXED):
    case(dims, items, [])
FIXED_3 = [
    [":", -1], ["...", -1], [0], [":", ":", "1:3"], ["...", "1:3"], [1, 2, 3], [":", None, 1], [":", [0, 2]], [[0, 1], ":", [1, 3]],
    [":", [0, 2], [1, 3]], [0, ":", [1, 2, -1]], [[[0, 1], [1, 0]], ":", 2], [":", [1, 1, 1]], [":", [0, 0, 2]], [[], ":"], [":", []],
]
for items in FIXED_3:
    wrapped = [{"list": item} if isinstance(item, list) else item for item in items]
    if is_fine([2, 3, 4], wrapped):
        for dims in ([], list(take(np.zeros([2, 3, 4]), wrapped).shape)):
            case([2, 3, 4], wrapped, dims)
count = 0
while count < 600:
    dims = random.choice(DIMS)
    items = random_slice(dims)
    if not is_fine(dims, items):
        continue
    try:
        case(dims, items, value_dims(take(np.zeros(dims), items).shape))
        count += 1
    except TypeError:  # NumPy takes no leading 1 for a mask
        continue
