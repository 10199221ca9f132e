import { rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Program } from '../engine/blocks/program.ts'
import { type SavedPacked, savedPacked } from '../engine/sessions/packed-weights.ts'
import type { WeightPacking } from '../engine/sessions/provider.ts'
import { freeBytes } from '../onnx/files/free-bytes.ts'
import type { PackedWeight, Packing } from '../onnx/weights-on-disk/write-sidecar.ts'

/**
 * Packs a model's weights block by block, so that temporary files are small. Sessions of several blocks and of edited ones have the same
 * operators, and so the same packed weights.
 */
export function packBlocks(program: Program, { packer, save }: WeightPacking): Packing {
  return {
    packer,
    async *pack(temporary) {
      for (const block of program.blocks) {
        const bytes = program.externalBytes(block)
        if (bytes === 0) continue
        const [path, weightsPath] = [temporary(), temporary()]
        try {
          if (await isSaved(save(program.partModel(block), path, weightsPath), path, bytes))
            yield withTensors(program, await savedPacked(path, weightsPath))
        } finally {
          for (const file of [path, weightsPath]) await rm(file, { force: true })
        }
      }
    },
  }
}

/** Returns false if onnxruntime can't save a block: then its sessions pack its weights as they do without a file. @throws an error with the code ENOSPC if the disk is full */
async function isSaved(saving: Promise<void>, path: string, bytes: number): Promise<boolean> {
  try {
    await saving
    return true
  } catch (cause) {
    const free = await freeBytes(dirname(path))
    if (free !== undefined && free < bytes)
      throw Object.assign(new Error('The disk is full.', { cause }), { code: 'ENOSPC' })
    return false
  }
}

const withTensors = (program: Program, saved: readonly SavedPacked[]): PackedWeight[] =>
  saved.flatMap(({ name, key, parts }) => {
    const tensor = program.weights.get(name)
    return tensor ? [{ tensor, key, parts }] : []
  })
