import type { InputDescription, Preprocessing, SentWaveform } from '../../protocol/api.ts'
import { fitsSound } from '../../protocol/sound.ts'
import { npyOf } from './npy.ts'
import { coloursOf, pictureNumbers } from './picture.ts'
import { soundNumbers } from './sound-numbers.ts'

/** A file as it is sent. */
export interface ReadFile {
  readonly name: string
  readonly base64: string
  /** What was done to a picture or a sound. */
  readonly note?: string
  /** The waveform of a sound. */
  readonly waveform?: SentWaveform
}

/** The kinds of files that an input can be read from, as a file chooser takes them. */
export const acceptedBy = (input: InputDescription): string =>
  [
    '.npy',
    '.json',
    '.safetensors',
    ...(coloursOf(input) ? ['image/*'] : []),
    ...(fitsSound(input) ? ['audio/*'] : []),
  ].join(',')

/** Reads a file that the user chose. A picture or a sound becomes a .npy file of what the input takes. @throws Error that says what can be read */
export async function readFile(
  file: File,
  input: InputDescription,
  preprocessing: Preprocessing | undefined,
): Promise<ReadFile> {
  const isPicture = file.type.startsWith('image/')
  if (!isPicture && !/^(audio|video)\//.test(file.type)) return { name: file.name, base64: await base64Of(file) }
  if (isPicture ? !coloursOf(input) : !fitsSound(input))
    throw new Error(
      `${input.name} does not take ${isPicture ? 'pictures' : 'samples of sound'} as they are. Choose a .npy, .json or .safetensors file.`,
    )
  const numbers = await (isPicture ? pictureNumbers : soundNumbers)(file, input, preprocessing).catch(
    (error: Error) => {
      throw new Error(`The browser can’t decode ${file.name}: ${error.message}`)
    },
  )
  const bytes = npyOf(numbers.data, numbers.dims)
  const { note, waveform } = numbers
  const base64 = await base64Of(new Blob([bytes as BlobPart]))
  return { name: `${file.name}.npy`, base64, note, ...(waveform ? { waveform } : {}) }
}

function base64Of(file: Blob): Promise<string> {
  return new Promise((done, failed) => {
    const reader = new FileReader()
    reader.onload = () => done(String(reader.result).split(',')[1] ?? '')
    reader.onerror = () => failed(reader.error ?? new Error('The file can’t be read.'))
    reader.readAsDataURL(file)
  })
}
