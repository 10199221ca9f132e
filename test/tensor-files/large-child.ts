import { readSafetensors } from 'onnsight'
import { readNpy } from '#dist/runtime/tensor-files/npy.js'

// Reads one large tensor of int8, and prints the elements at the given places.
const [path, ...places] = process.argv.slice(2)
const tensor = path.endsWith('.npy') ? await readNpy(path) : Object.values(await readSafetensors(path))[0]
console.log(JSON.stringify(places.map(place => (tensor.data as Int8Array)[Number(place)])))
