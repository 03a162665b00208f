import { describe, it } from 'node:test';
import { activations, paddings } from '@atoll/tflite/enums';
import type { Graph } from '../graph/graph.js';
import { canonicalArithmetic } from './canonical-arithmetic.js';
import { assertPrints, assertSameFunction } from './compare-for-tests.js';
import { Net } from './net-for-tests.js';

function spellings(): Graph {
  const net = new Net(3);
  const x = net.input('x', [1, 4, 4, 2]);
  const product = net.mul('product', net.floats('two', [2]), x);
  const sum = net.add('sum', net.floats('three', [3]), product);
  const difference = net.sub('difference', sum, net.floats('four', [4]));
  const quotient = net.div('quotient', difference, net.floats('eights', [8, -8]));
  const rest = net.sub('rest', net.floats('one', [1]), quotient);
  const pooled = net.op('pooled', 'MAX_POOL_2D', [rest], {
    type: 'Pool2DOptions',
    padding: paddings.VALID,
    strideW: 4,
    strideH: 4,
    filterWidth: 4,
    filterHeight: 4,
    activation: activations.RELU6,
  });
  const flat = net.op('flat', 'SQUEEZE', [pooled], { type: 'SqueezeOptions', squeezeDims: [1, 2] });
  const deep = net.op('deep', 'EXPAND_DIMS', [flat, net.builder.ints('axis', [], [-1])], {
    type: 'ExpandDimsOptions',
  });
  return net.graph(deep);
}

describe('canonicalArithmetic', () => {
  it('spells arithmetic with constants, reshapes and odd fusions in one way', () => {
    assertPrints(
      canonicalArithmetic(spellings()),
      `
          graph net (x:float32[1,4,4,2])
            product:float32[1,4,4,2] = MUL(x, two:float32[1])
            sum:float32[1,4,4,2] = ADD(product, three:float32[1]) {potScaleInt16=true}
            difference:float32[1,4,4,2] = ADD(sum, four/inverse:float32[1]) {potScaleInt16=true}
            quotient:float32[1,4,4,2] = MUL(difference, eights/inverse:float32[2])
            quotient/negative:float32[1,4,4,2] = MUL(quotient, quotient/minus_one:float32[1])
            rest:float32[1,4,4,2] = ADD(quotient/negative, one:float32[1]) {potScaleInt16=true}
            pooled/linear:float32[1,1,1,2] = MAX_POOL_2D(rest) {filterHeight=4 filterWidth=4 padding=1 strideH=4 strideW=4}
            pooled:float32[1,1,1,2] = RELU6(pooled/linear)
            flat:float32[1,2] = RESHAPE(pooled, flat/shape:int32[2]) {newShape=1,2}
            deep:float32[1,2,1] = RESHAPE(flat, deep/shape:int32[3]) {newShape=1,2,1}
            return deep
      `,
    );
  });

  it('leaves the function as it was', () => assertSameFunction(spellings(), canonicalArithmetic(spellings()), 1e-6));

  it('spells a negative and a square as products, which int8 has', async () => {
    const net = new Net();
    const x = net.input('x', [1, 2]);
    const negative = net.op('negative', 'NEG', [x], { type: 'NegOptions' });
    const graph = net.graph(net.op('out', 'SQUARE', [negative], { type: 'SquareOptions' }));
    assertPrints(
      canonicalArithmetic(graph),
      `
          graph net (x:float32[1,2])
            negative:float32[1,2] = MUL(x, x/minus_one:float32[1])
            out:float32[1,2] = MUL(negative, negative)
            return out
      `,
    );
    await assertSameFunction(graph, canonicalArithmetic(graph), 1e-6);
  });

  it('leaves a division by 0 to whoever runs it', () => {
    const net = new Net();
    const x = net.input('x', [1, 2]);
    assertPrints(
      canonicalArithmetic(net.graph(net.div('out', x, net.floats('zero', [0])))),
      `
          graph net (x:float32[1,2])
            out:float32[1,2] = DIV(x, zero:float32[1])
            return out
      `,
    );
  });

  it('takes the activation out of an addend, which may go into a layer', () => {
    const net = new Net();
    const x = net.input('x', [1, 2]);
    const options = { type: 'AddOptions', activation: activations.RELU, potScaleInt16: false } as const;
    assertPrints(
      canonicalArithmetic(net.graph(net.op('out', 'ADD', [x, net.floats('one', [1])], options))),
      `
          graph net (x:float32[1,2])
            out/linear:float32[1,2] = ADD(x, one:float32[1])
            out:float32[1,2] = RELU(out/linear)
            return out
      `,
    );
  });
});
