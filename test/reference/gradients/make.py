"""Makes test/fixtures/gradients/operators/*.json: gradients of single operators by PyTorch's autograd in float64.

python3 test/reference/gradients/make.py    (torch 2.15)
"""
import elementwise
import products
import reductions
import shapes
import selection
import normalisation
import convolution
import losses
import quantised
import recurrent
import one_hot

for family in (elementwise, products, reductions, shapes, selection, normalisation, convolution, losses, quantised, recurrent, one_hot):
    family.make()
