import { type FusedCase, modelOf, off, random, run, writtenOut } from './test/onnx/expansions/fused.ts'
for (const form of ['packed','kv']) {
const fused: FusedCase = { opType:'MultiHeadAttention', attributes:{num_heads:{int:2}}, inputs: form==='packed'?[random([1,3,2,3,4],1)]:[random([1,3,8],1),random([1,5,2,2,4],2)], outputs:['y']}
const m = modelOf(fused)
try { const a = await run(m, fused); const b = await run(writtenOut(m), fused); console.log(form, off(b.y,a.y), a.y.dims,b.y.dims) } catch(e) { console.log(form, String(e).slice(0,300)) }
}
