import { readFileSync, writeFileSync } from 'node:fs'
import { load, OnnsightError } from 'onnsight'

/* Loads a model's file with random damage, again and again. It runs in a child process, because onnxruntime might end it. */

const [, , source, target, seedText, countText] = process.argv
let state = Number(seedText)
/** Park and Miller's generator: the same damage for the same seed. */
const random = (below: number): number => {
  state = (state * 48271) % 2147483647
  return state % below
}

const whole = readFileSync(source)
const tally = { loaded: 0, refused: 0 }
for (let i = 0; i < Number(countText); i++) {
  let bytes = Buffer.from(whole)
  // The structure is in the first part of the file. Weights may have any bytes.
  const place = (): number => random(i % 2 === 0 ? 60_000 : bytes.length)
  for (let k = 0; k <= random(4); k++) {
    const kind = random(3)
    if (kind === 0) bytes[place()] = random(256)
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, place()), bytes.subarray(place())])
    else bytes = bytes.subarray(0, place() + 1)
  }
  writeFileSync(target, bytes)
  console.log(`case ${i}`)
  try {
    const model = await load(target)
    await model.release()
    tally.loaded++
  } catch (error) {
    if (!(error instanceof OnnsightError)) throw new Error(`case ${i}: not an OnnsightError`, { cause: error })
    tally.refused++
  }
}
console.log(JSON.stringify(tally))
