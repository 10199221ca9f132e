import { useState } from 'preact/hooks'
import type { InputDescription, ModelDescription } from '../../protocol/api.ts'
import { type Field, takesText } from '../../protocol/form.ts'
import { takesSound } from '../../protocol/sound.ts'
import { showShape } from '../parts/shapes.ts'
import { Waveform } from '../parts/waveform.tsx'
import { coloursOf } from './picture.ts'
import { acceptedBy, readFile } from './read-file.ts'

interface FieldsProps {
  readonly model: ModelDescription
  readonly inputs: readonly InputDescription[]
  readonly fields: Readonly<Record<string, Field>>
  readonly onChange: (name: string, field: Field) => void
}

const titles: Readonly<Record<Field['kind'], string>> = {
  random: 'random',
  zeros: 'zeros',
  ones: 'ones',
  positions: '0, 1, 2 …',
  text: 'text',
  json: 'JSON',
  file: 'file',
}

/** A row for each input, with its dtype and dims, where the user chooses its value. */
export function Fields({ model, inputs, fields, onChange }: FieldsProps) {
  return (
    <div class="fields">
      {inputs.map(input => (
        <InputField
          key={input.name}
          input={input}
          field={fields[input.name]}
          onField={field => onChange(input.name, field)}
          model={model}
        />
      ))}
    </div>
  )
}

interface InputFieldProps {
  readonly input: InputDescription
  readonly field: Field
  readonly onField: (field: Field) => void
  readonly model: ModelDescription
}

/** What a file of an input can be, besides numbers. */
const mediaOf = (input: InputDescription): string | undefined =>
  coloursOf(input) ? 'picture' : takesSound(input) ? 'sound' : undefined

/** The value of one input. A file can also be dropped on it. */
function InputField({ input, field, onField, model }: InputFieldProps) {
  const { name, fillings } = input
  const [problem, setProblem] = useState<string>()
  const kinds: Field['kind'][] = [...(takesText(model, input) ? ['text' as const] : []), ...fillings, 'json', 'file']
  const media = mediaOf(input)
  const read = (file: File | undefined): void => {
    if (!file) return
    readFile(file, input, model.preprocessing).then(
      value => {
        setProblem(undefined)
        onField({ ...field, kind: 'file', file: value })
      },
      (error: Error) => setProblem(error.message),
    )
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the file chooser does the same by keyboard
    <div
      class="field"
      onDragOver={event => event.preventDefault()}
      onDrop={event => {
        event.preventDefault()
        read(event.dataTransfer?.files[0])
      }}
    >
      <span class="field-name">{name}</span>
      <span class="field-shape">{showShape(input)}</span>
      <select
        aria-label={`Value of ${name}`}
        value={field.kind}
        onChange={event => onField({ ...field, kind: event.currentTarget.value as Field['kind'] })}
      >
        {kinds.map(kind => (
          <option key={kind} value={kind}>
            {kind === 'file' && media ? `${media} or file` : titles[kind]}
          </option>
        ))}
      </select>
      {(field.kind === 'json' || field.kind === 'text') && (
        <input
          class="code grows"
          type="text"
          aria-label={`${field.kind === 'json' ? 'JSON' : 'Text'} of ${name}`}
          placeholder={field.kind === 'json' ? '[[0.5, 1], [2, 3]]' : ''}
          value={field.json}
          onInput={event => onField({ ...field, json: event.currentTarget.value })}
        />
      )}
      {field.kind === 'file' && (
        <input
          type="file"
          aria-label={`File of ${name}`}
          accept={acceptedBy(input)}
          onChange={event => read(event.currentTarget.files?.[0])}
        />
      )}
      {media && field.kind !== 'file' && field.kind !== 'json' && <span class="hint">or drop a {media} here</span>}
      {field.kind === 'file' && field.file && (
        <span class="hint">
          {field.file.name.replace(/\.npy$/, '')}
          {field.file.note ? `: ${field.file.note}` : ''}
        </span>
      )}
      {field.kind === 'file' && field.file?.waveform && <Waveform waveform={field.file.waveform} name={name} />}
      {problem && (
        <span class="hint" role="alert">
          {problem}
        </span>
      )}
    </div>
  )
}
