import type { InputDescription } from '../../protocol/api.ts'
import type { Field } from '../../protocol/form.ts'
import { showShape } from '../parts/shapes.ts'
import { readFile } from './read-file.ts'

interface FieldsProps {
  readonly inputs: readonly InputDescription[]
  readonly fields: Readonly<Record<string, Field>>
  readonly onChange: (name: string, field: Field) => void
}

const titles: Readonly<Record<Field['kind'], string>> = {
  random: 'random',
  zeros: 'zeros',
  ones: 'ones',
  positions: '0, 1, 2 …',
  json: 'JSON',
  file: 'file',
}

/** A row for each input, with its dtype and dims, where the user chooses its value. */
export function Fields({ inputs, fields, onChange }: FieldsProps) {
  return (
    <div class="fields">
      {inputs.map(input => {
        const { name, fillings } = input
        const field = fields[name]
        const kinds: Field['kind'][] = [...fillings, 'json', 'file']
        return (
          <div class="field" key={name}>
            <span class="field-name">{name}</span>
            <span class="field-shape">{showShape(input)}</span>
            <select
              aria-label={`Value of ${name}`}
              value={field.kind}
              onChange={event => onChange(name, { ...field, kind: event.currentTarget.value as Field['kind'] })}
            >
              {kinds.map(kind => (
                <option key={kind} value={kind}>
                  {titles[kind]}
                </option>
              ))}
            </select>
            {field.kind === 'json' && (
              <input
                class="code"
                type="text"
                aria-label={`JSON of ${name}`}
                placeholder="[[0.5, 1], [2, 3]]"
                value={field.json}
                onInput={event => onChange(name, { ...field, json: event.currentTarget.value })}
              />
            )}
            {field.kind === 'file' && (
              <input
                type="file"
                aria-label={`File of ${name}`}
                accept=".npy,.json,.safetensors"
                onChange={async event => {
                  const [file] = event.currentTarget.files ?? []
                  if (file) onChange(name, { ...field, file: await readFile(file) })
                }}
              />
            )}
          </div>
        )
      })}
    </div>
  )
}
