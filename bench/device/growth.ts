import { load } from 'onnsight'
import { privateDirty } from '../memory.ts'
import { nvidiaSmi } from './nvidia-smi.ts'
import { fixed, type Part } from './report.ts'

/** Measures the memory of the process and of the device over five hundred different interventions. */
export async function growth(provider: 'cuda' | 'cpu'): Promise<Part> {
  const rows: (string | number)[][] = []
  const model = await load('examples/models/chars.onnx', { provider })
  for (let i = 0; i <= 500; i++) {
    if (i % 100 === 0) rows.push([i, fixed(privateDirty(), 0), nvidiaSmi('memory.used') ?? '–'])
    await model.trace([[1, 2, 3]], m => {
      let h = m.transformer.h[i % 4].mlp.act.output
      for (let bit = 0; bit < 9; bit++) h = (i >> bit) & 1 ? h.tanh() : h.neg()
      m.transformer.h[i % 4].mlp.act.output = h
      return m.lm_head.output
    })
  }
  await model.release()
  return { head: ['interventions', 'private memory, MB', 'memory of the device, MB'], rows }
}
