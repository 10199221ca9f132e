import { type FusedCase, int32, modelOf, off, random, run, writtenOut } from './test/onnx/expansions/fused.ts'
const size=16
const B=2,S=2,P=6,T=8
const fused: FusedCase = { opType:'GroupQueryAttention', attributes:{num_heads:{int:1},kv_num_heads:{int:1}}, inputs:[random([B,S,size],1),random([B,S,size],2),random([B,S,size],3),random([B,1,P,size],4),random([B,1,P,size],5),int32([B],[T-1,T-1]),int32([],[T])], outputs:['y','present_key','present_value']}
const m = modelOf(fused)
let a:any,b:any
try { a = await run(m, fused); } catch(e) { console.log('fused', String(e).slice(0,300)) }
try { b = await run(writtenOut(m), fused);  } catch(e) { console.log('plain', String(e).slice(0,300)) }
if (a&&b) for (const k of fused.outputs) console.log(k, a[k].dims, b[k].dims, off(b[k],a[k]))
