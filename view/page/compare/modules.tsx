import type { ComparedModels, SentDifference } from '../../protocol/api.ts'
import { signedBackground } from '../parts/colours.ts'
import { Scrolling } from '../parts/scrolling.tsx'
import { percentOf, three } from './shares.ts'

interface ModuleNumbersProps {
  readonly result: ComparedModels
  readonly onModule: (path: string) => void
}

/** Every module in running order: the error that arrives, the error made here, and both together. */
export function ModuleNumbers({ result: { modules, blame }, onModule }: ModuleNumbersProps) {
  const shares = new Map<string, number>()
  for (const { module, share } of blame) shares.set(module, (shares.get(module) ?? 0) + share)
  const largest = (of: (one: (typeof modules)[number]) => SentDifference | null): number =>
    Math.max(...modules.map(one => of(one)?.relative ?? 0).filter(Number.isFinite), 0)
  const most = {
    arriving: largest(one => one.arriving),
    made: largest(one => one.made),
    error: largest(one => one.error),
  }
  const cell = (difference: SentDifference | null, top: number) => (
    <td style={signedBackground(difference?.relative ?? 0, top)}>{three(difference?.relative)}</td>
  )
  return (
    <section aria-labelledby="modules-title">
      <h3 id="modules-title">
        Module by module{' '}
        <small>in running order; errors are lengths of differences as shares of the values’ lengths</small>
      </h3>
      <Scrolling label="Module by module" isTall>
        <table class="numbers compared-modules">
          <caption class="hidden">The errors of every module</caption>
          <thead>
            <tr>
              <th scope="col" class="left">
                module
              </th>
              <th scope="col">share</th>
              <th scope="col">arriving</th>
              <th scope="col">made here</th>
              <th scope="col">leaving</th>
              <th scope="col">dB</th>
              <th scope="col">cosine</th>
              <th scope="col">clipped</th>
              <th scope="col">NaN, ∞</th>
            </tr>
          </thead>
          <tbody>
            {modules.map(({ module, error, arriving, made }) => (
              <tr key={module}>
                <th scope="row" class="left">
                  <button type="button" class="link code" onClick={() => onModule(module)}>
                    {module}
                  </button>
                </th>
                <td style={signedBackground(shares.get(module) ?? 0, 1)}>
                  {shares.has(module) ? percentOf(shares.get(module)!) : '–'}
                </td>
                {cell(arriving, most.arriving)}
                {cell(made, most.made)}
                {cell(error, most.error)}
                <td>{three(error.snr)}</td>
                <td>{three(error.cosine)}</td>
                <td>{percentOf(error.clipped)}</td>
                <td>{error.nonFinite}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scrolling>
    </section>
  )
}
