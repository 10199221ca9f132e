import { Option } from 'commander'

/** Where a command that writes a model puts its weights. */
export const weightsOption = (): Option =>
  new Option(
    '--weights <how>',
    'where to write the weights: as in the original, into the .onnx file, or into a file next to it',
  )
    .choices(['as-read', 'embedded', 'external'])
    .default('as-read')
