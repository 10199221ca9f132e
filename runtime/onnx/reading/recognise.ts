import { NotOnnxError } from '../../errors/onnx.ts'
import { type ByteSource, readBytes } from '../files/byte-source.ts'

/** Recognises files that are often passed instead of a model. @throws NotOnnxError, which names the kind of file */
export async function recognise(source: ByteSource, path: string): Promise<void> {
  if (source.size === 0) throw new NotOnnxError(path, 'an empty file', 'download or export it again')
  const bytes = await source.read(0, 256)
  const text = String.fromCharCode(...bytes)
  if (text.startsWith('version https://git-lfs')) {
    throw new NotOnnxError(path, 'a Git LFS pointer, and the file itself was not fetched', 'run `git lfs pull`')
  }
  if (/^\s*<(!doctype|html|\?xml)/i.test(text))
    throw new NotOnnxError(path, 'a web page', 'check the address it was downloaded from')
  if (text.startsWith('GGUF')) throw new NotOnnxError(path, 'a GGUF file', 'export the model to ONNX')
  if (text.startsWith('PK\u0003\u0004'))
    throw new NotOnnxError(path, 'a zip archive (a PyTorch checkpoint?)', 'export it with torch.onnx.export')
  if (text.startsWith('\u0080\u0002') || text.startsWith('\u0080\u0004'))
    throw new NotOnnxError(path, 'a Python pickle', 'export it with torch.onnx.export')
  if (text.slice(4, 8) === 'TFL3') throw new NotOnnxError(path, 'a TensorFlow Lite model', 'convert it with tf2onnx')
  if (text.slice(4, 8) === 'ORTM')
    throw new NotOnnxError(path, "a model in onnxruntime's own .ort format", 'use the .onnx file it was made from')
  if (await isSafetensors(bytes, text, source))
    throw new NotOnnxError(path, 'a safetensors file', 'export the model to ONNX: weights alone can’t be run')
  if (/^\s*[{[]/.test(text)) throw new NotOnnxError(path, 'a JSON file')
  // A model's first byte is a control character: the tag of a field.
  if (!/[^\t\n\r\x20-\x7e\x80-\xff]/.test(text)) throw new NotOnnxError(path, 'a text file')
}

/** Whether the file begins with a JSON header and its length. The header's end is checked too, as an ONNX file may begin alike by chance. */
async function isSafetensors(bytes: Uint8Array, text: string, source: ByteSource): Promise<boolean> {
  if (!/^.{8}\{\s*("|\})/s.test(text)) return false
  const header = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true)
  if (header <= 1n || header > BigInt(source.size - 8)) return false
  // The header may end in spaces.
  const tail = Math.min(16, Number(header))
  const end = await readBytes(source, 8 + Number(header) - tail, tail)
  return /\} *$/.test(String.fromCharCode(...end))
}
